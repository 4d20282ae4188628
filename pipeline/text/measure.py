"""Observables of text: correlations and how far they reach, and how varied it is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from pipeline.artifacts import streams
from pipeline.artifacts.chosen_rows import ChosenRows
from pipeline.measurement.coherence import RealCorrelations, coherence_rows
from pipeline.measurement.distance_counts import DistanceCounts, squared_correlation
from pipeline.measurement.diversity import diversity
from pipeline.measurement.estimate import Row
from pipeline.text.copied_spans import copied_rows, longest_shared_runs, usual_run
from pipeline.text.corpus.held_out import held_out_text
from pipeline.text.settings import Measurement, TrainSettings

KIND, KNOWN = "samples", "dataset"
TRAINED: type[TrainSettings] = TrainSettings


@dataclass(frozen=True)
class RealText:
    """What samples are compared with, counted once for all of them.

    Attributes:
        correlations: of blocks that no model was trained on.
        control: further such blocks, [M, context].
        training: all blocks that there are to train on.
    """

    correlations: RealCorrelations
    control: np.ndarray
    training: np.ndarray

    @cached_property
    def runs(self) -> np.ndarray:
        """Longest run that each held-out block shares with all there is to train on, int [M]."""
        return longest_shared_runs(self.control, self.training)


def load_sources(sources: Sequence[Path], settings: Measurement) -> list[RealText]:
    """Real text of the corpus of every replica."""
    return [_load_corpus(path, settings) for path in sources]


def _load_corpus(path: Path, settings: Measurement) -> RealText:
    corpus = streams.map_tensors(path, "corpus")
    facts, most = corpus.stamp["corpus"], settings.reference_sequences
    held_out = held_out_text(corpus.tensors["validation"], facts["end_of_document"], most)
    real = held_out.real, held_out.direction, facts["vocabulary_size"]
    correlations = RealCorrelations.of(*real, settings.distances, settings)
    return RealText(correlations, held_out.control, corpus.tensors["training"])


def observe(
    truth: RealText,
    generated: Mapping[str, np.ndarray],
    strings: Mapping[str, np.ndarray],
    settings: Measurement,
) -> Iterator[Row]:
    """All rows of one replica at one checkpoint, or of a control.

    Args:
        truth: real text.
        generated: `tokens` [N, d].
        strings: `training`, numbers [P] of those of `truth.training` that samples may be copies of;
            nothing of fresh text.
        settings: of the stage.
    """
    samples, blocks = generated["tokens"], settings.jackknife_blocks
    for distance in settings.distances:
        counts = DistanceCounts.of(samples, truth.correlations.symbols, distance, blocks)
        found = squared_correlation(counts, settings.random_halves)
        yield Row("squared_correlation", *found, len(samples), distance=distance)
    yield from coherence_rows(samples, truth.correlations, settings)
    yield from diversity(samples, blocks)
    if "training" in strings:
        known = ChosenRows(truth.training, strings["training"])
        longest = longest_shared_runs(samples, known)
        usual = usual_run(truth.runs, settings.real_copies)
        yield from copied_rows(longest, usual)
        novel = samples[longest <= usual]
        if len(novel) >= blocks:
            yield from coherence_rows(novel, truth.correlations, settings, "novel_samples")
