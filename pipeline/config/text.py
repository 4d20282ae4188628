"""Config of masked diffusion on text: what is read, trained, sampled, measured and judged."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from pipeline.base.section import Positive, Section
from pipeline.config.common import (
    AdamWTraining,
    Grid,
    Setting,
    average_problems,
    excesses,
    grid_problems,
)
from pipeline.config.mathtext import mathtext_problems
from pipeline.config.models import NamedGgufModel, NamedModel
from pipeline.measurement.settings import Blocks
from pipeline.networks.settings import TextNetwork
from pipeline.text import settings as text
from pipeline.text.settings import Characters, Gpt2, TrainedBpe

_GPT2_TOKENS = 50257
"""Of GPT-2, the end of a document included."""
_LONGEST_CONTEXT = 10**6
"""Tokens of a block."""


class Data(text.Corpus):
    """From documents to blocks of tokens."""

    validation_size: Positive
    """Held-out blocks, at most, that losses are taken on."""


class Training(text.Training, AdamWTraining):
    """AdamW on the denoising loss."""

    def _problems(self) -> Iterator[str]:
        yield from super()._problems()
        if self.cosine_steps < self.steps:
            yield f"cosine_steps = {self.cosine_steps} must be at least steps = {self.steps}"


class Measurement(text.Measurement, Blocks, text.ShownTexts):
    """Estimators on samples, and on real text."""


class Judge(text.Judge):
    """The autoregressive language model that reads the samples."""

    model: Annotated[NamedModel | NamedGgufModel, Field(discriminator="kind")]
    """Which model."""


def vocabulary_size(tokenizer: Characters | TrainedBpe | Gpt2) -> int:
    """Tokens that a tokenizer has, the end of a document included."""
    if isinstance(tokenizer, Characters):
        return len(tokenizer.alphabet) + 1
    return _GPT2_TOKENS if isinstance(tokenizer, Gpt2) else tokenizer.vocabulary_size


def _label(tokenizer: Characters | TrainedBpe | Gpt2) -> str:
    """Name of a tokenizer in paths."""
    size = "" if isinstance(tokenizer, Gpt2) else vocabulary_size(tokenizer)
    return f"{tokenizer.kind}{size}"


class TextConfig(Section):
    """The text domain."""

    enabled: bool
    """Whether the domain is part of `all`."""
    grid: Grid
    """Cells."""
    data: Data
    """Documents, tokens and blocks."""
    network: TextNetwork
    """Denoiser."""
    training: Training
    """Optimisation."""
    sampling: text.Sampling
    """Generation."""
    measurement: Measurement
    """Estimators."""
    probe: text.Probe
    """Masked windows."""
    judge: Judge
    """Language model that scores samples."""

    @property
    def settings(self) -> list[Setting]:
        """The one setting of a run: tokenizer and context."""
        label = f"{_label(self.data.tokenizer)}_context{self.data.context}"
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
            ("measurement.jackknife_blocks", "sampling.samples"),
            ("judge.texts", "sampling.samples"),
            ("measurement.shown_texts", "sampling.samples"),
        )
        yield from mathtext_problems("judge.model.name", self.judge.model.name)
