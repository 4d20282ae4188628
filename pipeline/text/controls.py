"""Control text: real, and real up to known lengths.

Where blocks of b tokens were put in random order, the equivalent block length should be b.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pipeline.artifacts import streams
from pipeline.base.randomness import permutation, stream_key
from pipeline.base.types import Values
from pipeline.measurement.block_shuffle import shuffle_blocks
from pipeline.text.corpus.held_out import held_out_text
from pipeline.text.settings import ControlSettings

SOURCE = "corpus"


def controls(source: Path, settings: ControlSettings) -> Iterator[tuple[Values, np.ndarray]]:
    """Real text, then one control per block length, each with columns that say which it is.

    Each has as many sequences [N, d] as there are samples, or all that are held out.
    """
    corpus, most = streams.map_tensors(source, SOURCE), settings.reference_sequences
    end = corpus.stamp["corpus"]["end_of_document"]
    real = held_out_text(corpus.tensors["validation"], end, most).control
    chosen = permutation(len(real), "controls")[: settings.samples]
    place = {"setting": settings.setting, "control": "real", "block_length": None}
    yield place, real[chosen]
    for length in settings.block_lengths:
        shuffled = shuffle_blocks(real, length, stream_key("controls", length))
        yield place | {"control": "blocks", "block_length": float(length)}, shuffled[chosen]
