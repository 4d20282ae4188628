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
_MOST_TUPLES = 10**5
"""Of symbols, v**s, up to which grammars are drawn while the config is checked."""


class Grid(Replicas):
    """Which cells are trained: grammars x dataset sizes x replicas."""

    grammars: Annotated[list[GrammarSetting], Field(min_length=1, max_length=1000)]
    """Grammar parameters, the first one being that of the single-grammar figures."""
    grammar_seeds: Seeds
    """One grammar is drawn per seed."""
    rule_frequencies: rhm.RuleFrequencies = rhm.EQUAL
    """How frequent the rules of a symbol are, in all grammars of the run."""

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
        yield from self._frequency_problems()
        yield from excesses(
            self,
            ("measurement.jackknife_blocks", "sampling.samples"),
            ("measurement.shown_strings", "sampling.samples"),
            ("probe.strings", "data.test_size"),
            ("sampling.steps", "noise.noise_levels"),
        )

    def _frequency_problems(self) -> Iterator[str]:
        """Sentences for what unequal rules do not go together with."""
        grid, theory = self.grid, self.theory
        if isinstance(grid.rule_frequencies, rhm.EqualRules):
            return
        for key, grammars, seeds in (
            ("grid.grammars", grid.grammars, grid.grammar_seeds),
            ("theory.grammars", theory.grammars, theory.grammar_seeds),
        ):
            for setting in grammars:
                problems = list(_kind_problems(grid.rule_frequencies, key, setting))
                yield from problems or _scarcity(key, setting, grid, seeds, self.data)


def _kind_problems(
    frequencies: rhm.RuleFrequencies, key: str, setting: GrammarSetting
) -> Iterator[str]:
    """A sentence for what unequal frequencies ask for that a grammar has not."""
    for problem in rhm.frequency_problems(frequencies, setting.m, setting.L):
        yield f"grid.{problem} of {key} {setting.label}"
    if "online" in setting.dataset_sizes:
        yield (
            f"{key} {setting.label}: dataset_sizes must be numbers, not 'online', as "
            f"grid.rule_frequencies.kind = {frequencies.kind!r} has no order of all strings"
        )


def _scarcity(
    key: str, setting: GrammarSetting, grid: Grid, seeds: Seeds, data: rhm.HeldOut
) -> Iterator[str]:
    """A sentence if drawing the strings asked of a grammar with unequal rules takes too long."""
    # late, as numpy is slow to import
    from pipeline.rhm.grammar.rules import sample_rules
    from pipeline.rhm.strings.splits import most_strings

    if setting.v**setting.s > _MOST_TUPLES:  # of which the stage will tell
        return
    needed, parameters = _needed(setting, data), rhm.GrammarParameters.of(setting).plain()
    for seed in seeds:
        grammar = sample_rules(**parameters, seed=seed, rule_frequencies=grid.rule_frequencies)
        if needed > (most := most_strings(grammar)):
            yield (
                f"{key} {setting.label}: largest dataset size + data.validation_size + "
                f"data.test_size = {needed} exceeds {int(most)}, the strings that grammar seed "
                f"{seed} gives in fair time with grid.rule_frequencies.kind = "
                f"{grid.rule_frequencies.kind!r}; choose smaller sizes"
            )
            return


def _needed(setting: GrammarSetting, data: rhm.HeldOut) -> int:
    """Distinct strings that are asked of a grammar."""
    sizes = [size for size in setting.dataset_sizes if size != "online"]
    return max(sizes, default=1) + data.validation_size + data.test_size


def _grammar_problems(key: str, grammars: list[GrammarSetting], data: rhm.HeldOut) -> Iterator[str]:
    """A sentence for each grammar that has not the strings asked of it, and if one is repeated."""
    for setting in grammars:
        needed = _needed(setting, data)
        if needed > setting.largest_string_count:
            yield (
                f"{key} {setting.label}: largest dataset size + data.validation_size + "
                f"data.test_size = {needed} exceeds P_max = {setting.largest_string_count}"
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
