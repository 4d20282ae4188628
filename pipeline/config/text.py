"""Config of masked diffusion on text: what is read, trained, sampled, measured and judged."""

from typing import Annotated, Literal, NamedTuple

from pydantic import Field, model_validator

from pipeline.config.common import (
    DatasetSize,
    DatasetSizes,
    Generation,
    Replicas,
    Run,
    check_average,
)
from pipeline.config.corpus import Data, Package
from pipeline.config.fields import Increasing, Positive, Section


class Network(Section):
    """The transformer of MD4."""

    layers: Positive
    """Blocks."""
    heads: Positive
    """Attention heads."""
    width: Positive
    """Features of a token; an even multiple of `heads`."""
    rotary_base: Annotated[float, Field(gt=1)]
    """Longest wavelength of rotary positions over 2 pi; small for short contexts."""
    initial_gate: Annotated[float, Field(ge=0, le=1)]
    """Gates of the branches at the start: 0 for adaLN-zero, 1 for quick learning in short runs."""

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> "Network":
        if self.width % (2 * self.heads):
            raise ValueError(
                f"width = {self.width} must be an even multiple of heads = {self.heads}"
            )
        return self


class Training(Run):
    """AdamW on the denoising loss."""

    loss: Literal["variational_bound", "cross_entropy"]
    """Loss on the clean tokens; the bound weights masked tokens by alpha' / (1 - alpha)."""
    beta1: Annotated[float, Field(ge=0, lt=1)]
    """Decay of AdamW's mean of gradients."""
    beta2: Annotated[float, Field(ge=0, lt=1)]
    """Decay of AdamW's mean of squared gradients."""
    weight_decay: Annotated[float, Field(ge=0)]
    """Weight decay of AdamW."""
    warmup_steps: Positive
    """Steps over which the learning rate rises, before it falls as a cosine."""
    gradient_clip: Annotated[float, Field(gt=0)] | None
    """Largest norm of the gradient, which is scaled down to it; null for none."""


class Sampling(Generation):
    """Generation from every checkpoint."""

    steps: Positive | None
    """Ancestral steps on the cosine grid of times; null for the exact first-hitting sampler."""


class Measurement(Section):
    """Estimators on samples, and on real text."""

    distances: Annotated[list[Positive], Increasing, Field(min_length=2)]
    """Distances between tokens at which correlations are measured; the largest below context."""
    blocks: Annotated[int, Field(ge=8)]
    """Groups of samples that are resampled for errors and intervals."""
    random_halves: Positive
    """Random split halves that the debiased correlation is averaged over."""
    bootstrap_samples: Annotated[int, Field(ge=100)]
    """Resamples behind errors of correlation ratios and intervals of the coherence length."""
    largest_error: Annotated[float, Field(gt=0, lt=1)]
    """Standard error of the correlation ratio up to which a distance counts as resolved."""
    reference_sequences: Annotated[int, Field(ge=16)]
    """Blocks of held-out text, at most, of each kind that generated text is compared with."""
    block_lengths: Annotated[list[Positive], Increasing, Field(min_length=2)]
    """Lengths of shuffled blocks of the controls that calibrate the coherence length."""
    shown_texts: Positive
    """Samples of each checkpoint that are kept as text."""


class HubModel(Section):
    """A causal language model of the Hugging Face hub, fetched once into resources/."""

    kind: Literal["hub"]
    """Judge of this kind."""
    model: str
    """Id of the model, owner/name."""
    revision: str
    """Commit or branch."""
    name: str
    """Name in tables and on plots."""


class DirectoryModel(Section):
    """A causal language model in a local directory, in safetensors."""

    kind: Literal["directory"]
    """Judge of this kind."""
    path: str
    """The directory."""
    name: str
    """Name in tables and on plots."""


class GgufModel(Section):
    """A causal language model as a GGUF file in a pinned package."""

    kind: Literal["gguf"]
    """Judge of this kind."""
    package: Package
    """The package."""
    file: str
    """Name of the GGUF file in it."""
    name: str
    """Name in tables and on plots."""


class RandomModel(Section):
    """A tiny language model with random weights, for tests: it knows nothing."""

    kind: Literal["random"]
    """Judge of this kind."""
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
    longest: Annotated[int, Field(ge=2)]
    """Tokens of the judge that are read of each."""


class Grid(Replicas):
    """Which cells are trained: dataset sizes x replicas."""

    dataset_sizes: DatasetSizes
    """Training set sizes P in blocks, increasing; "online" reads all training blocks there are,
    and begins again only when all were read."""


class TextSetting(NamedTuple):
    """The one setting of a run: tokenizer and context, with the dataset sizes studied."""

    label: str
    dataset_sizes: list[DatasetSize]


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
    judge: Judge
    """Language model that scores samples."""

    @property
    def settings(self) -> list[TextSetting]:
        """What the grid runs over beside dataset sizes and replicas."""
        label = f"{self.data.tokenizer.label}_context{self.data.context}"
        return [TextSetting(label, self.grid.dataset_sizes)]

    @model_validator(mode="after")
    def _cross_checks(self) -> "TextConfig":
        check_average(self.training, self.sampling)
        if self.grid.replicas_per_job != 1:
            raise ValueError(
                f"grid.replicas_per_job = {self.grid.replicas_per_job} must be 1, as transformers "
                "gain nothing from training together"
            )
        context, measurement = self.data.context, self.measurement
        if max(measurement.distances) >= context or max(measurement.block_lengths) > context:
            raise ValueError(
                f"measurement.distances = {measurement.distances} must be below, and block_lengths "
                f"= {measurement.block_lengths} at most, data.context = {context}"
            )
        if measurement.blocks > self.sampling.samples:
            raise ValueError(
                f"measurement.blocks = {measurement.blocks} must be at most "
                f"sampling.samples = {self.sampling.samples}"
            )
        if max(self.judge.texts, measurement.shown_texts) > self.sampling.samples:
            raise ValueError(
                f"judge.texts = {self.judge.texts} and measurement.shown_texts = "
                f"{measurement.shown_texts} must be at most "
                f"sampling.samples = {self.sampling.samples}"
            )
        return self
