"""Config of the Random Hierarchy Model: what is generated, trained, sampled and measured."""

import math
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from pipeline.config.common import (
    DatasetSizes,
    Generation,
    Replicas,
    Seeds,
    average_problems,
    grid_problems,
)
from pipeline.config.denoising import Network, Noise, Training, mixture_problems
from pipeline.config.fields import Few, Increasing, Levels, Positive, Section, Width, excesses
from pipeline.config.labels import Replica, replica_label

_MOST_TOKENS = 4096
"""Tokens of a string."""
_LONGEST_NAME = 200
"""Characters of a directory's name; file systems allow 255."""


class GrammarSetting(Section):
    """Parameters of a grammar and the dataset sizes studied on it."""

    v: Annotated[int, Field(ge=2, le=255)]
    """Symbols at every level (vocabulary size)."""
    m: Annotated[int, Field(gt=0, le=65536)]
    """Synonyms: production rules of each symbol; at most v**(s-1)."""
    s: Annotated[int, Field(ge=2, le=64)]
    """Branching: children of each node."""
    L: Annotated[int, Field(gt=0, le=12)]
    """Depth: levels of rules; strings have s**L tokens, at most 4096."""
    dataset_sizes: DatasetSizes
    """Training set sizes P, increasing; "online" reads new strings at every step,
    and begins again only when all strings of the grammar were read."""

    @property
    def label(self) -> str:
        """Name of the grammar in paths, e.g. v16_m4_s2_L3."""
        return f"v{self.v}_m{self.m}_s{self.s}_L{self.L}"

    @property
    def string_count(self) -> int:
        """P_max, the number of distinct strings."""
        return self.v * self.m ** ((self.s**self.L - 1) // (self.s - 1))

    def _problems(self) -> Iterator[str]:
        if self.m > self.v ** (self.s - 1):
            yield f"m = {self.m} must be at most v**(s-1) = {self.v ** (self.s - 1)}"
        if self.s**self.L > _MOST_TOKENS:
            yield (
                f"s = {self.s} and L = {self.L} give strings of s**L = {self.s**self.L} tokens, "
                f"at most {_MOST_TOKENS} are allowed"
            )


class Grid(Replicas):
    """Which cells are trained: grammars x dataset sizes x replicas."""

    grammars: Annotated[list[GrammarSetting], Field(min_length=1, max_length=1000)]
    """Grammar parameters, the first one being that of the single-grammar figures."""
    grammar_seeds: Seeds
    """One grammar is drawn per seed."""

    def _problems(self) -> Iterator[str]:
        yield from super()._problems()
        seeds = (self.grammar_seeds, self.data_seeds, self.network_seeds)
        together = min(self.replicas_per_job, math.prod(map(len, seeds)))
        name = replica_label([Replica(*map(max, seeds))] * together)
        if len(name) > _LONGEST_NAME:
            yield (
                f"replicas_per_job = {self.replicas_per_job} gives names of directories of "
                f"{len(name)} characters, at most {_LONGEST_NAME} are allowed; choose fewer"
            )


class Data(Section):
    """Held-out strings."""

    validation_size: Positive
    """Strings of the validation set, which picks the checkpoint."""
    test_size: Positive
    """Strings of the test set, which picks nothing."""


class Sampling(Generation):
    """Generation from every checkpoint."""

    levels: Annotated[int, Field(ge=1, le=100_000)]
    """Reverse steps for uniform noise, at most noise.levels; absorbing noise reveals each token at
    its exact level and ignores this and the next."""
    spacing: Literal["even", "cubic"]
    """Of reverse steps over noise levels: cubic takes short ones near the end; 50 are then as
    accurate as 1000 even ones, given the exact denoiser."""


class Measurement(Section):
    """Estimators on samples."""

    random_halves: Few
    """Random split halves that the debiased correlation is averaged over."""
    blocks: Annotated[int, Field(ge=8, le=100_000)]
    """Blocks of samples for jackknife and bootstrap standard errors."""
    bootstrap_samples: Annotated[int, Field(ge=100, le=100_000)]
    """Resamples behind errors of correlation ratios and intervals of block lengths."""
    largest_error: Annotated[float, Field(gt=0, lt=1)]
    """Standard error of the correlation ratio up to which a distance counts as resolved."""
    shown_strings: Few
    """Samples of each checkpoint that are kept as trees; at most sampling.samples."""


class Probe(Section):
    """What networks know, compared on the test strings with the exact denoiser."""

    strings: Annotated[int, Field(ge=2)]
    """Test strings in which tuples are exchanged for synonyms; at most data.test_size."""


class Ceiling(Section):
    """Sampling with the exact denoiser, which says what is the sampler's error alone."""

    strings: Annotated[int, Field(ge=2, le=10**7)]
    """Strings per grammar and schedule; the config's own sampler draws sampling.samples."""
    levels: Annotated[list[Levels], Increasing, Field(min_length=1, max_length=100)]
    """Numbers of noise levels, and of reverse steps, at which every schedule is sampled."""


class Analysis(Section):
    """Rules fixed before the run, by which numbers are read off the tables."""

    accuracy: Literal["node_accuracy", "string_accuracy", "conditional_accuracy"]
    """Which accuracy the main curves and P*_l use. Conditional accuracy is that of nodes whose
    children are right, and counts no luck: if both children of a node are, their tuple is some
    rule's by chance with probability m / v**(s-1), by which node accuracy is raised."""
    among: Literal["all", "novel_strings", "novel_subtrees"]
    """Which samples it is taken over."""
    converged: Annotated[float, Field(gt=0.5, lt=1)]
    """Share of the way from chance to the exact denoiser's accuracy at which a curve has to level
    off for its half-way point to count; learning was cut off otherwise."""
    bootstrap_samples: Annotated[int, Field(ge=40, le=100_000)]
    """Resamples behind the 95 % intervals of exponents, laws and claims."""


class Theory(Section):
    """What needs no network: clustering, one gradient step and exact correlations of grammars."""

    grammars: Annotated[list[GrammarSetting], Field(min_length=1, max_length=1000)]
    """Grammar parameters, at least two levels, and finite dataset sizes."""
    grammar_seeds: Seeds
    """One grammar is drawn per seed; training strings are those of the first of grid.data_seeds."""
    width: Width
    """Hidden units of the network that takes one gradient step."""
    correlation_grammars: Few
    """Grammars, of seeds from 0 up, that exact correlations are averaged over."""

    def _problems(self) -> Iterator[str]:
        for setting in self.grammars:
            if "online" in setting.dataset_sizes:
                yield f"grammars {setting.label}: dataset_sizes must be numbers, not 'online'"
            if setting.L < 2:
                yield f"grammars {setting.label}: L = {setting.L} must be at least 2"


class RhmConfig(Section):
    """The Random Hierarchy Model domain."""

    enabled: bool
    """Whether the domain is part of `all`."""
    grid: Grid
    """Cells."""
    data: Data
    """Held-out data."""
    noise: Noise
    """Forward process."""
    network: Network
    """Denoiser."""
    training: Training
    """Optimisation."""
    sampling: Sampling
    """Generation."""
    measurement: Measurement
    """Estimators."""
    probe: Probe
    """Comparison of networks with the exact denoiser."""
    ceiling: Ceiling
    """Sampling with the exact denoiser."""
    analysis: Analysis
    """Reading rules."""
    theory: Theory
    """Clustering, one gradient step and exact correlations, for settings of their own."""

    @property
    def settings(self) -> list[GrammarSetting]:
        """What the grid runs over beside dataset sizes and replicas."""
        return self.grid.grammars

    def _problems(self) -> Iterator[str]:
        yield from grid_problems(self.settings, self.grid)
        yield from average_problems(self.training, self.sampling)
        if len(self.sampling.averages) > 1:
            yield (
                f"sampling.averages = {self.sampling.averages} must be one kind of weights, as "
                "tables of grammars do not tell several apart"
            )
        yield from mixture_problems(self.noise, self.training)
        yield from _grammar_problems("grid.grammars", self.grid.grammars, self.data)
        first = self.grid.grammars[0]
        if first.dataset_sizes == ["online"]:
            yield (
                f"grid.grammars {first.label}: dataset_sizes of the first grammar must have a "
                f"number, which the figures of one grammar are drawn against"
            )
        yield from _grammar_problems("theory.grammars", self.theory.grammars, self.data)
        yield from excesses(
            self,
            ("measurement.blocks", "sampling.samples"),
            ("measurement.shown_strings", "sampling.samples"),
            ("probe.strings", "data.test_size"),
            ("sampling.levels", "noise.levels"),
        )


def _grammar_problems(key: str, grammars: list[GrammarSetting], data: Data) -> Iterator[str]:
    """A sentence for each grammar that has not the strings asked of it, and if one is repeated."""
    for setting in grammars:
        sizes = [size for size in setting.dataset_sizes if size != "online"]
        needed = max(sizes, default=1) + data.validation_size + data.test_size
        if needed > setting.string_count:
            yield (
                f"{key} {setting.label}: largest dataset size + data.validation_size + "
                f"data.test_size = {needed} exceeds P_max = {setting.string_count}"
            )
    labels = [setting.label for setting in grammars]
    if len(set(labels)) < len(labels):
        yield f"{key}: {labels} must not repeat a grammar"
