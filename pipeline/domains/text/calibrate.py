"""Stage `calibrate`: the estimators on real text and on text that is real up to known lengths.

Where blocks of b tokens were put in random order, the equivalent block length should be b. The
controls are kept as samples, so that the judge can read them too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline import artifacts, tables
from pipeline.domains.text.measure import RealText, load_corpus, observe
from pipeline.measurement.block_shuffle import shuffle_blocks
from pipeline.randomness import permutation, stream_key


def calibrate(spec: dict, corpus: Path, controls: Sequence[Path], output: Path) -> None:
    """Make and measure controls.

    Args:
        spec: spec of the stage.
        corpus: artifact of the tokenised corpus.
        controls: outputs, each with `tokens` [1, N, d]: real text, then one per block length.
        output: Parquet file of one row per control and estimate.
    """
    settings = spec["settings"]
    truth = load_corpus(corpus, settings["reference_sequences"])
    inputs = {corpus.name: artifacts.read_stamp(corpus, "corpus")["sha256"]}
    rows = []
    for path, (length, tokens) in zip(controls, _controls(truth, settings), strict=True):
        place = {"setting": settings["setting"], "block_length": length}
        stamp = artifacts.make_stamp("samples", spec, inputs) | {"control": place}
        artifacts.write_tensors(path, {"tokens": tokens[None]}, stamp)
        rows += [{**place, **asdict(row)} for row in observe(truth, tokens, {}, settings)]
    tables.write_table(
        output, pd.DataFrame(rows), artifacts.make_stamp("calibration", spec, inputs)
    )


def _controls(truth: RealText, settings: dict) -> Iterator[tuple[float, np.ndarray]]:
    """Block lengths, NaN for real text, and as many sequences as there are samples, or all."""
    real = truth.held_out.control
    chosen = permutation(len(real), "controls")[: settings["samples"]]
    yield float("nan"), real[chosen]
    for length in settings["block_lengths"]:
        shuffled = shuffle_blocks(real, length, stream_key("controls", length))
        yield float(length), shuffled[chosen]
