"""Config of masked diffusion on text: what is read, trained, sampled, measured and judged."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from pipeline.config.common import AdamW, Generation, Grid, Setting, average_problems, grid_problems
from pipeline.config.corpus import Data
from pipeline.config.fields import Few, Increasing, Positive, Section, Width, excesses
from pipeline.config.mathtext import mathtext_problems
from pipeline.config.packages import DirectoryModel, HubModel, Package, PathPattern, RandomModel

_LONGEST_CONTEXT = 10**6
"""Tokens of a block."""


class Network(Section):
    """The transformer of MD4."""

    layers: Few
    """Blocks."""
    heads: Few
    """Attention heads."""
    width: Width
    """Features of a token; an even multiple of `heads`."""
    rotary_base: Annotated[float, Field(gt=1, le=10**9)]
    """Longest wavelength of rotary positions over 2 pi; small for short contexts."""
    initialisation: Literal["md4", "open_gates"]
    """Weights at the start: md4 for those of its code, where the gates of all branches are shut
    (adaLN-zero); open_gates for quick learning in short runs."""

    def _problems(self) -> Iterator[str]:
        if self.width % (2 * self.heads):
            yield f"width = {self.width} must be an even multiple of heads = {self.heads}"


class Training(AdamW):
    """AdamW on the denoising loss."""

    loss: Literal["variational_bound", "cross_entropy"]
    """Loss on the clean tokens; the bound weights masked tokens by alpha' / (1 - alpha)."""
    cosine_steps: Positive
    """Where the cosine of the learning rate would reach 0; at least `steps`."""

    def _problems(self) -> Iterator[str]:
        yield from super()._problems()
        if self.cosine_steps < self.steps:
            yield f"cosine_steps = {self.cosine_steps} must be at least steps = {self.steps}"


class Sampling(Generation):
    """Generation from every checkpoint."""

    steps: Annotated[int, Field(gt=0, le=100_000)] | None
    """Ancestral steps on the cosine grid of times; null for the exact first-hitting sampler."""


class Measurement(Section):
    """Estimators on samples, and on real text."""

    distances: Annotated[list[Positive], Increasing, Field(min_length=2, max_length=1000)]
    """Distances between tokens at which correlations are measured; the largest below context."""
    blocks: Annotated[int, Field(ge=8, le=100_000)]
    """Groups of samples that are resampled for errors and intervals."""
    random_halves: Few
    """Random split halves that the debiased correlation is averaged over."""
    bootstrap_samples: Annotated[int, Field(ge=100, le=100_000)]
    """Resamples behind errors of correlation ratios and intervals of the coherence length."""
    largest_error: Annotated[float, Field(gt=0, lt=1)]
    """Standard error of the correlation ratio up to which a distance counts as resolved."""
    reference_sequences: Annotated[int, Field(ge=16, le=10**7)]
    """Blocks of held-out text, at most, of each kind that generated text is compared with."""
    block_lengths: Annotated[list[Positive], Increasing, Field(min_length=2, max_length=100)]
    """Lengths of shuffled blocks of the controls that calibrate the coherence length."""
    real_copies: Annotated[float, Field(gt=0, lt=0.5)]
    """Share of held-out text that may count as copied: samples that share a longer run of tokens
    with the training set than all the rest of it are copies."""
    shown_texts: Positive
    """Samples of each checkpoint that are kept as text."""


class GgufModel(Section):
    """A causal language model as a GGUF file in a pinned package."""

    kind: Literal["gguf"]
    """Judge of this kind."""
    package: Package
    """The package."""
    file: PathPattern
    """Name of the GGUF file in it."""
    name: str
    """Name in tables and on plots."""


class Judge(Section):
    """The autoregressive language model that reads the samples."""

    model: Annotated[
        HubModel | DirectoryModel | GgufModel | RandomModel, Field(discriminator="kind")
    ]
    """Which model."""
    texts: Positive
    """Samples per checkpoint and replica that are read."""
    longest: Annotated[int, Field(ge=2, le=10**6)]
    """Tokens of the judge that are read of each."""


class Probe(Section):
    """What networks lose on a masked window of adjacent tokens of held-out text."""

    windows: Annotated[list[Positive], Increasing, Field(min_length=1, max_length=100)]
    """Lengths of windows in tokens; at most data.context."""
    blocks: Annotated[int, Field(ge=2, le=10**7)]
    """Held-out blocks, with one window of each length in each; at most data.validation_size."""


class TextConfig(Section):
    """The text domain."""

    enabled: bool
    """Whether the domain is part of `all`."""
    grid: Grid
    """Cells."""
    data: Data
    """Documents, tokens and blocks."""
    network: Network
    """Denoiser."""
    training: Training
    """Optimisation."""
    sampling: Sampling
    """Generation."""
    measurement: Measurement
    """Estimators."""
    probe: Probe
    """Masked windows."""
    judge: Judge
    """Language model that scores samples."""

    @property
    def settings(self) -> list[Setting]:
        """The one setting of a run: tokenizer and context."""
        label = f"{self.data.tokenizer.label}_context{self.data.context}"
        return [Setting(label, self.grid.dataset_sizes)]

    def _problems(self) -> Iterator[str]:
        yield from grid_problems(self.settings, self.grid)
        yield from average_problems(self.training, self.sampling)
        context, measurement = self.data.context, self.measurement
        if context > _LONGEST_CONTEXT:
            yield f"data.context = {context} must be at most {_LONGEST_CONTEXT}"
        if max(measurement.distances) >= context or max(measurement.block_lengths) > context:
            yield (
                f"measurement.distances = {measurement.distances} must be below, and block_lengths "
                f"= {measurement.block_lengths} at most, data.context = {context}"
            )
        if self.probe.windows[-1] > context:
            yield (
                f"probe.windows: {self.probe.windows[-1]} must be at most data.context = {context}"
            )
        yield from excesses(
            self,
            ("probe.blocks", "data.validation_size"),
            ("measurement.blocks", "sampling.samples"),
            ("judge.texts", "sampling.samples"),
            ("measurement.shown_texts", "sampling.samples"),
        )
        yield from mathtext_problems("judge.model.name", self.judge.model.name)
