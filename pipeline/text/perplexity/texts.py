"""Stage `decode`: samples as text. Samples are of one trajectory, or the controls of a setting."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.artifacts import tables
from pipeline.artifacts.samples import sample_places
from pipeline.artifacts.tensors import Artifact, make_stamp, read_tensors
from pipeline.base.errors import PipelineError
from pipeline.base.types import Spec, Values
from pipeline.text.corpus.tokenizer import decode, load_tokenizer


def decode_samples(spec: Spec, tokenizer: Path, samples: Sequence[Path], output: Path) -> None:
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
        for place, texts in read_texts(tokenizer, samples, spec["settings"]["shown_texts"], inputs)
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
        _check_vocabulary(path, artifact, tokenizer, coder.get_vocab_size())
        places = sample_places(artifact.stamp)
        for place, tokens in zip(places, artifact.tensors["tokens"], strict=True):
            yield place, decode(coder, tokens[:count])


def _check_vocabulary(path: Path, artifact: Artifact, tokenizer: Path, size: int) -> None:
    trained = artifact.stamp.get("trained", {}).get("settings", {"symbols": size})
    if trained["symbols"] != size or int(np.max(artifact.tensors["tokens"])) >= size:
        raise PipelineError(
            f"{path} is of a vocabulary of {trained['symbols']} tokens, but {tokenizer} has {size};"
            " train and sample again with this tokenizer"
        )
