"""Stage `decode`: samples as text. Samples are of one trajectory, or the controls of a setting."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.artifacts import tables
from pipeline.artifacts.samples import sample_places, training_settings
from pipeline.artifacts.tensors import Artifact, make_stamp, read_tensors
from pipeline.base.errors import PipelineError
from pipeline.base.spec import Spec
from pipeline.base.types import Values
from pipeline.text.corpus.tokenizer import decode, load_tokenizer
from pipeline.text.settings import ShownTexts, TrainSettings


def decode_samples(
    spec: Spec[ShownTexts], tokenizer: Path, samples: Sequence[Path], output: Path
) -> None:
    """Keep the first samples of every checkpoint as text.

    Args:
        spec: spec of the stage.
        tokenizer: that of the corpus.
        samples: of every checkpoint.
        output: Parquet file of one row per sample.
    """
    inputs: dict[str, str] = {}
    rows = [
        {**place, "sample": number, "text": text}
        for place, texts in read_texts(tokenizer, samples, spec.settings.shown_texts, inputs)
        for number, text in enumerate(texts)
    ]
    tables.write_table(output, pd.DataFrame(rows), make_stamp("texts", spec, inputs))


def read_texts(
    tokenizer: Path, samples: Sequence[Path], count: int, inputs: dict[str, str]
) -> Iterator[tuple[Values, list[str]]]:
    """Columns that say where samples belong, and the first `count` of them as text.

    Args:
        tokenizer: that of the corpus.
        samples: of every checkpoint, or controls.
        count: texts of each replica and file.
        inputs: gets the content hash of every file that was read.

    Raises:
        PipelineError: samples are of another vocabulary than the tokenizer's.
    """
    coder = load_tokenizer(tokenizer)
    for path in samples:
        artifact = read_tensors(path, "samples")
        inputs[path.name] = artifact.sha256
        trained = training_settings(artifact, TrainSettings)
        _check_vocabulary(artifact, trained, tokenizer, coder.get_vocab_size())
        places = sample_places(artifact, trained)
        for place, tokens in zip(places, artifact.tensors["tokens"], strict=True):
            yield place, decode(coder, tokens[:count])


def _check_vocabulary(
    artifact: Artifact, trained: TrainSettings | None, tokenizer: Path, size: int
) -> None:
    symbols = size if trained is None else trained.symbols
    if symbols != size or int(np.max(artifact.tensors["tokens"])) >= size:
        raise PipelineError(
            f"{artifact.path} is of a vocabulary of {symbols} tokens, but {tokenizer} has {size}; "
            "train and sample again with this tokenizer"
        )
