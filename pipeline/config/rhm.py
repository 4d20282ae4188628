"""Config of the Random Hierarchy Model: what is generated, trained, sampled and measured."""

import math
from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from pipeline.analysis.settings import Analysis
from pipeline.base.cells import Seeds
from pipeline.base.labels import Replica, replica_label
from pipeline.base.section import Section
from pipeline.config.common import Replicas, average_problems, excesses, grid_problems
from pipeline.networks.settings import StringNetwork
from pipeline.noise.settings import TokenNoise
from pipeline.rhm import settings as rhm
from pipeline.rhm.settings import GrammarSetting
from pipeline.training.settings import Extent

_LONGEST_NAME = 200
"""Characters of a directory's name; file systems allow 255."""


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


class Training(Extent, rhm.Training):
    """Optimisation of the denoising loss."""


class Measurement(rhm.Measurement, rhm.ShownStrings):
    """Estimators on samples."""


class Theory(rhm.Theory):
    """What needs no network: clustering, one gradient step and exact correlations of grammars."""

    grammars: Annotated[list[GrammarSetting], Field(min_length=1, max_length=1000)]
    """Grammar parameters, at least two levels, and finite dataset sizes."""

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
    data: rhm.HeldOut
    """Held-out data."""
    noise: TokenNoise
    """Forward process."""
    network: StringNetwork
    """Denoiser."""
    training: Training
    """Optimisation."""
    sampling: rhm.Sampling
    """Generation."""
    measurement: Measurement
    """Estimators."""
    probe: rhm.Probe
    """Comparison of networks with the exact denoiser."""
    ceiling: rhm.Ceiling
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
        yield from _mixture_problems(self.noise, self.training)
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
            ("measurement.jackknife_blocks", "sampling.samples"),
            ("measurement.shown_strings", "sampling.samples"),
            ("probe.strings", "data.test_size"),
            ("sampling.steps", "noise.noise_levels"),
        )


def _grammar_problems(key: str, grammars: list[GrammarSetting], data: rhm.HeldOut) -> Iterator[str]:
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


def _mixture_problems(noise: TokenNoise, training: Training) -> Iterator[str]:
    """Whether a cross-entropy is to teach what a mixture does not take."""
    taught_posteriors = training.loss in ("cross_entropy", "hybrid")
    if noise.process == "uniform" and noise.mixture == "d3pm" and taught_posteriors:
        yield (
            f"training.loss = {training.loss!r} teaches posteriors, but noise.mixture = 'd3pm' is "
            "right for cavity marginals only; choose noise.mixture = 'exact', or training.loss = "
            "'step_divergence' or 'variational_bound'"
        )
