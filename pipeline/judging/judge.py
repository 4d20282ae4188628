"""Stages `decode` and `judge`: samples as text, and what a language model makes of it.

Both read samples of one trajectory, or the controls of a setting, and say in every row which.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline import artifacts, tables
from pipeline.corpora.tokenizer import decode, load_tokenizer
from pipeline.errors import PipelineError


def decode_samples(spec: dict, tokenizer: Path, samples: Sequence[Path], output: Path) -> None:
    """Keep the first samples of every checkpoint as text.

    Args:
        spec: spec of the stage.
        tokenizer: that of the corpus.
        samples: of every checkpoint.
        output: Parquet file of one row per sample.
    """
    shown, inputs = spec["settings"]["shown_texts"], {}
    rows = [
        {**place, "sample": number, "text": text}
        for place, texts in _texts(tokenizer, samples, shown, inputs)
        for number, text in enumerate(texts)
    ]
    tables.write_table(output, pd.DataFrame(rows), artifacts.make_stamp("texts", spec, inputs))


def judge(spec: dict, model: Path, tokenizer: Path, samples: Sequence[Path], output: Path) -> None:
    """Have a language model read samples.

    Args:
        spec: spec of the stage.
        model: directory of the language model.
        tokenizer: that of the corpus, not the model's own.
        samples: of every checkpoint, or controls.
        output: Parquet file of one row per checkpoint and range of preceding tokens; its name is
            the kind of table.
    """
    from pipeline.judging.context_losses import context_losses, summarise
    from pipeline.judging.language_model import load_model

    settings, inputs, rows = spec["settings"], {}, []
    judging = load_model(model)
    edges = [2**k for k in range(settings["longest"].bit_length()) if 2**k <= settings["longest"]]
    for place, texts in _texts(tokenizer, samples, settings["texts"], inputs):
        found = summarise(context_losses(*judging, texts, settings["longest"]), edges)
        rows += [{**place, **asdict(row)} for row in found]
    frame = pd.DataFrame(rows)
    tables.write_table(output, frame, artifacts.make_stamp(output.stem, spec, inputs))


def _texts(
    tokenizer: Path, samples: Sequence[Path], count: int, inputs: dict[str, str]
) -> Iterator[tuple[dict, list[str]]]:
    """Where samples belong, and the first `count` of them as text; content hashes to `inputs`."""
    coder = load_tokenizer(tokenizer)
    for path in samples:
        artifact = artifacts.read_tensors(path, "samples")
        inputs[path.name] = artifact.sha256
        _check_vocabulary(path, artifact, tokenizer, coder.get_vocab_size())
        for place, tokens in zip(_places(artifact.stamp), artifact.tensors["tokens"], strict=True):
            yield place, decode(coder, tokens[:count])


def _places(stamp: Mapping) -> list[dict]:
    if "control" in stamp:
        return [stamp["control"]]
    return tables.places(stamp["trained"]["settings"]["cell"], stamp["step"])


def _check_vocabulary(path: Path, artifact: artifacts.Artifact, tokenizer: Path, size: int) -> None:
    trained = artifact.stamp.get("trained", {}).get("settings", {"symbols": size})
    if trained["symbols"] != size or int(np.max(artifact.tensors["tokens"])) >= size:
        raise PipelineError(
            f"{path} is of a vocabulary of {trained['symbols']} tokens, but {tokenizer} has {size};"
            " sample again from checkpoints that were trained with this tokenizer"
        )
