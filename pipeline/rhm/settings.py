"""Settings of the Random Hierarchy Model: grammars, what is trained, sampled and measured."""

from collections.abc import Iterator
from sys import float_info
from typing import Annotated, Literal, cast

from pydantic import Field

from pipeline.base.cells import CellSettings, DatasetSizes, Seeds
from pipeline.base.section import Few, Increasing, NoiseLevels, Positive, Section, Seed, Width
from pipeline.measurement.settings import Errors
from pipeline.networks.settings import StringNetwork
from pipeline.noise.settings import TokenNoise
from pipeline.sampling.settings import Generation
from pipeline.training.settings import Adam, Optimisation, Optimised, Sgd

_MOST_TOKENS = 4096
"""Tokens of a string."""


class GrammarParameters(Section):
    """Parameters of a grammar."""

    v: Annotated[int, Field(ge=2, le=255)]
    """Symbols at every level (vocabulary size)."""
    m: Annotated[int, Field(gt=0, le=65536)]
    """Synonyms: production rules of each symbol; at most v**(s-1)."""
    s: Annotated[int, Field(ge=2, le=64)]
    """Branching: children of each node."""
    L: Annotated[int, Field(gt=0, le=12)]
    """Depth: levels of rules; strings have s**L tokens, at most 4096."""

    @property
    def length(self) -> int:
        """Tokens of a string, d."""
        return self.s**self.L

    @property
    def largest_string_count(self) -> int:
        """P_max, the number of distinct strings with m rules a symbol, the most there may be."""
        return self.v * self.m ** ((self.s**self.L - 1) // (self.s - 1))

    def _problems(self) -> Iterator[str]:
        if self.m > self.v ** (self.s - 1):
            yield f"m = {self.m} must be at most v**(s-1) = {self.v ** (self.s - 1)}"
        if self.length > _MOST_TOKENS:
            yield (
                f"s = {self.s} and L = {self.L} give strings of s**L = {self.length} tokens, "
                f"at most {_MOST_TOKENS} are allowed"
            )
        elif self.largest_string_count > float_info.max:
            yield (
                f"v = {self.v}, m = {self.m}, s = {self.s} and L = {self.L} give more than 1e308 "
                "strings, of which no share is a number; choose a smaller m or L"
            )


class GrammarSetting(GrammarParameters):
    """Parameters of a grammar and the dataset sizes studied on it."""

    dataset_sizes: DatasetSizes
    """Training set sizes P, increasing; "online" reads new strings at every step,
    and begins again only when all strings of the grammar were read."""

    @property
    def label(self) -> str:
        """Name of the grammar in paths, e.g. v16_m4_s2_L3."""
        return f"v{self.v}_m{self.m}_s{self.s}_L{self.L}"


class EqualRules(Section):
    """All m rules of a symbol equally likely."""

    kind: Literal["equal"]
    """All m rules of a symbol are equally likely, as in the paper."""


class ZipfRules(Section):
    """Rules of one level by Zipf's law."""

    kind: Literal["zipf"]
    """At one level, the j-th rule of every symbol has a probability proportional to j**-exponent;
    rules of other levels are equally likely."""
    level: Annotated[int, Field(gt=0, le=12)]
    """That level, from 1 to L."""
    exponent: Annotated[float, Field(gt=0, le=10)]
    """Exponent of the law."""


class UnevenSynonyms(Section):
    """Symbols with different numbers of rules."""

    kind: Literal["uneven_synonyms"]
    """At every level, every symbol has a number of rules of its own, equally likely, and m is the
    largest there may be; half-way points still count from the chance of m rules each."""
    fewest: Annotated[int, Field(gt=0, le=65536)]
    """Smallest of these numbers, which are uniform between it and m."""


RuleFrequencies = Annotated[EqualRules | ZipfRules | UnevenSynonyms, Field(discriminator="kind")]
EQUAL = EqualRules(kind="equal")


def frequency_problems(frequencies: RuleFrequencies, m: int, L: int) -> Iterator[str]:
    """A sentence for what frequencies ask for that a grammar has not."""
    if isinstance(frequencies, ZipfRules) and frequencies.level > L:
        yield f"rule_frequencies.level = {frequencies.level} must be at most L = {L}"
    if isinstance(frequencies, UnevenSynonyms) and frequencies.fewest > m:
        yield f"rule_frequencies.fewest = {frequencies.fewest} must be at most m = {m}"


class RandomGrammar(GrammarParameters):
    """Stage `grammar`."""

    seed: Seed
    """Seed of the rules."""
    rule_frequencies: RuleFrequencies = EQUAL
    """How frequent the rules of a symbol are."""

    def _problems(self) -> Iterator[str]:
        yield from super()._problems()
        yield from frequency_problems(self.rule_frequencies, self.m, self.L)


class Cell(CellSettings):
    """Replicas on grammars of the same parameters."""

    setting: GrammarParameters

    @property
    def seeds(self) -> list[tuple[int, int, int]]:
        """Of every replica, those of its grammar, data and network."""
        return cast("list[tuple[int, int, int]]", self.replicas)

    def _problems(self) -> Iterator[str]:
        if any(replica.grammar_seed is None for replica in self.replicas):
            yield "every replica must have a grammar seed"


class HeldOut(Section):
    """Held-out strings."""

    validation_size: Positive
    """Strings of the validation set, which picks the checkpoint."""
    test_size: Positive
    """Strings of the test set, which picks nothing."""


class DatasetSettings(HeldOut):
    """Stage `dataset`."""

    training_size: Annotated[int, Field(gt=0)]
    """Training strings; online, as many as the run will read."""
    cell: Cell


class Training(Optimisation):
    """Optimisation of the denoising loss."""

    loss: Literal["step_divergence", "cross_entropy", "variational_bound", "hybrid"]
    """KL of one reverse step (the released code's), cross-entropy of the clean tokens, the bound,
    which is T times the first, or the bound plus 0.001 times the cross-entropy."""
    optimizer: Annotated[Sgd | Adam, Field(discriminator="kind")]
    """SGD (the paper's) or Adam (the released run's)."""
    learning_rate_unit: Literal["width", "one"]
    """What `learning_rate` is a multiple of: the width (maximal update parametrisation), or 1."""
    decay_from: Annotated[float, Field(ge=0, le=1)]
    """Fraction of `steps` after which the learning rate falls linearly to 0; 1 for constant."""
    steps: Positive | None
    """Where a learning rate that falls is 0; none if it does not, as it then does not count."""


class TrainSettings(Optimised):
    """Stage `train`."""

    noise: TokenNoise
    network: StringNetwork
    training: Training
    cell: Cell


class Sampling(Generation):
    """Generation from every checkpoint."""

    steps: Annotated[int, Field(ge=1, le=100_000)]
    """Reverse steps for uniform noise, at most noise.noise_levels; absorbing noise reveals each
    token at its exact level and ignores this and the next."""
    spacing: Literal["even", "cubic"]
    """Of reverse steps over noise levels: cubic takes short ones near the end; 50 are then as
    accurate as 1000 even ones, given the exact denoiser."""


class Measurement(Errors):
    """Estimators on samples."""

    random_halves: Few
    """Random split halves that the debiased correlation is averaged over."""


class ShownStrings(Section):
    """Stage `trees`."""

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
    noise_levels: Annotated[list[NoiseLevels], Increasing, Field(min_length=1, max_length=100)]
    """Numbers of noise levels, and of reverse steps, at which every schedule is sampled."""


class CeilingSettings(Section):
    """Stage `ceiling`."""

    setting: GrammarParameters
    grammar_seeds: Seeds
    noise: TokenNoise
    sampling: Sampling
    ceiling: Ceiling


class Theory(Section):
    """What needs no network: clustering, one gradient step and exact correlations of grammars."""

    grammar_seeds: Seeds
    """One grammar is drawn per seed; training strings are those of the first of grid.data_seeds."""
    width: Width
    """Hidden units of the network that takes one gradient step."""
    correlation_grammars: Few
    """Grammars, of seeds from 0 up, that exact correlations are averaged over."""


class TheorySettings(Theory, HeldOut):
    """Stage `theory`."""

    grammar: GrammarSetting
    data_seed: Seed
    """Seed of the training strings."""
    rule_frequencies: RuleFrequencies = EQUAL
    """Those of the grammars that exact correlations are averaged over."""

    def _problems(self) -> Iterator[str]:
        yield from super()._problems()
        yield from frequency_problems(self.rule_frequencies, self.grammar.m, self.grammar.L)
