"""Config of the Random Hierarchy Model: what is generated, trained, sampled and measured."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.config.common import DatasetSizes, Generation, Replicas, check_average
from pipeline.config.denoising import Network, Noise, Training, check_mixture
from pipeline.config.fields import Distinct, Increasing, Positive, Section, Seed


class GrammarSetting(Section):
    """Parameters of a grammar and the dataset sizes studied on it."""

    v: Annotated[int, Field(ge=2, le=255)]
    """Symbols at every level (vocabulary size)."""
    m: Positive
    """Synonyms: production rules of each symbol; at most v**(s-1)."""
    s: Annotated[int, Field(ge=2)]
    """Branching: children of each node."""
    L: Positive
    """Depth: levels of rules; strings have s**L tokens."""
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

    @model_validator(mode="after")
    def _rules_exist(self) -> "GrammarSetting":
        if self.m > self.v ** (self.s - 1):
            raise ValueError(f"m = {self.m} must be at most v**(s-1) = {self.v ** (self.s - 1)}")
        return self


class Grid(Replicas):
    """Which cells are trained: grammars x dataset sizes x replicas."""

    grammars: Annotated[list[GrammarSetting], Field(min_length=1)]
    """Grammar parameters, the first one being that of the single-grammar figures."""
    grammar_seeds: Annotated[list[Seed], Distinct, Field(min_length=1)]
    """One grammar is drawn per seed."""


class Data(Section):
    """Held-out strings."""

    validation_size: Positive
    """Strings of the validation set, which picks the checkpoint."""
    test_size: Positive
    """Strings of the test set, which picks nothing."""


class Sampling(Generation):
    """Generation from every checkpoint."""

    levels: Annotated[int, Field(ge=1)]
    """Reverse steps for uniform noise, at most noise.levels; absorbing noise reveals each token at
    its exact level and ignores this and the next."""
    spacing: Literal["even", "cubic"]
    """Of reverse steps over noise levels: cubic takes short ones near the end; 50 are then as
    accurate as 1000 even ones, given the exact denoiser."""


class Measurement(Section):
    """Estimators on samples."""

    random_halves: Positive
    """Random split halves that the debiased correlation is averaged over."""
    blocks: Annotated[int, Field(ge=8)]
    """Blocks of samples for jackknife and bootstrap standard errors."""
    bootstrap_samples: Annotated[int, Field(ge=100)]
    """Resamples behind errors of correlation ratios and intervals of block lengths."""
    largest_error: Annotated[float, Field(gt=0, lt=1)]
    """Standard error of the correlation ratio up to which a distance counts as resolved."""
    shown_strings: Positive
    """Samples of each checkpoint that are kept as trees."""


class Probe(Section):
    """What networks know, compared on the test strings with the exact denoiser."""

    strings: Annotated[int, Field(ge=2)]
    """Test strings in which tuples are exchanged for synonyms; at most data.test_size."""


class Ceiling(Section):
    """Sampling with the exact denoiser, which says what is the sampler's error alone."""

    strings: Annotated[int, Field(ge=2)]
    """Strings per grammar and schedule; the config's own sampler draws sampling.samples."""
    levels: Annotated[list[Annotated[int, Field(ge=2)]], Increasing, Field(min_length=1)]
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
    bootstrap_samples: Annotated[int, Field(ge=40)]
    """Resamples behind the 95 % intervals of exponents, laws and claims."""


class Theory(Section):
    """What needs no network: clustering, one gradient step and exact correlations of grammars."""

    grammars: Annotated[list[GrammarSetting], Field(min_length=1)]
    """Grammar parameters, at least two levels, and finite dataset sizes."""
    grammar_seeds: Annotated[list[Seed], Distinct, Field(min_length=1)]
    """One grammar is drawn per seed; training strings are those of the first of grid.data_seeds."""
    width: Positive
    """Hidden units of the network that takes one gradient step."""
    correlation_grammars: Positive
    """Grammars, of seeds from 0 up, that exact correlations are averaged over."""

    @model_validator(mode="after")
    def _contexts_exist(self) -> "Theory":
        for setting in self.grammars:
            if "online" in setting.dataset_sizes:
                raise ValueError(
                    f"grammars {setting.label}: dataset_sizes must be numbers, not 'online'"
                )
            if setting.L < 2:
                raise ValueError(f"grammars {setting.label}: L = {setting.L} must be at least 2")
        return self


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

    @model_validator(mode="after")
    def _cross_checks(self) -> "RhmConfig":
        check_average(self.training, self.sampling)
        if len(self.sampling.averages) > 1:
            raise ValueError(
                f"sampling.averages = {self.sampling.averages} must be one kind of weights, as "
                "tables of grammars do not tell several apart"
            )
        check_mixture(self.noise, self.training)
        _check_grammars("grid.grammars", self.grid.grammars, self.data)
        first = self.grid.grammars[0]
        if first.dataset_sizes == ["online"]:
            raise ValueError(
                f"grid.grammars {first.label}: dataset_sizes of the first grammar must have a "
                f"number, which the figures of one grammar are drawn against"
            )
        _check_grammars("theory.grammars", self.theory.grammars, self.data)
        if self.measurement.blocks > self.sampling.samples:
            raise ValueError(
                f"measurement.blocks = {self.measurement.blocks} must be at most "
                f"sampling.samples = {self.sampling.samples}"
            )
        if self.probe.strings > self.data.test_size:
            raise ValueError(
                f"probe.strings = {self.probe.strings} must be at most "
                f"data.test_size = {self.data.test_size}"
            )
        if self.sampling.levels > self.noise.levels:
            raise ValueError(
                f"sampling.levels = {self.sampling.levels} must be at most "
                f"noise.levels = {self.noise.levels}"
            )
        return self


def _check_grammars(key: str, grammars: list[GrammarSetting], data: Data) -> None:
    """Raise ValueError unless grammars are distinct and have the strings asked of them."""
    for setting in grammars:
        sizes = [size for size in setting.dataset_sizes if size != "online"]
        needed = max(sizes, default=1) + data.validation_size + data.test_size
        if needed > setting.string_count:
            raise ValueError(
                f"{key} {setting.label}: largest dataset size + data.validation_size + "
                f"data.test_size = {needed} exceeds P_max = {setting.string_count}"
            )
    labels = [setting.label for setting in grammars]
    if len(set(labels)) < len(labels):
        raise ValueError(f"{key}: {labels} must not repeat a grammar")
