"""Config of what is trained on strings of grammars: noise, network and optimisation."""

import math
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from pipeline.config.common import Run
from pipeline.config.fields import Levels, Section, Width

_MOST_LEFT = 0.01
"""alpha_bar_T up to which a sampler may start from pure noise: in the released code it is 4e-5."""
Beta = Annotated[float, Field(gt=0, lt=1)]


class LinearBeta(Section):
    """The released code's schedule: beta linear in t, from t = 0, so that alpha_bar_0 < 1."""

    kind: Literal["linear_beta"]
    """Schedule of this kind."""
    first: Beta
    """beta at t = 0."""
    last: Beta
    """beta at t = T, above `first`."""

    def _problems(self) -> Iterator[str]:
        if self.first >= self.last:
            yield f"first = {self.first} must be below last = {self.last}"


class FixedSchedule(Section):
    """Other readings of "linear schedule", which have no parameters."""

    kind: Literal["linear_alpha_bar", "ddpm_linear_beta", "d3pm_linear_beta"]
    """Linear in alpha_bar; or in beta as in DDPM (1e-4 to 0.02 at T = 1000, rescaled to T levels),
    or as in D3PM (0.02 to 1). alpha_bar_0 = 1."""


class Noise(Section):
    """The forward process."""

    process: Literal["uniform", "absorbing"]
    """Uniform (the paper's) or absorbing (masked) discrete diffusion."""
    levels: Levels
    """Noise levels T."""
    schedule: Annotated[LinearBeta | FixedSchedule, Field(discriminator="kind")]
    """Which reading of "linear schedule"."""
    mixture: Literal["d3pm", "exact"]
    """How a reverse step of uniform noise mixes over x_0, in loss and sampler: as in public code
    of D3PM, so that networks learn cavity marginals, or exact for posteriors. Absorbing noise
    ignores this: the two are one for masked tokens."""

    def _problems(self) -> Iterator[str]:
        if isinstance(self.schedule, LinearBeta):
            first, step = self.schedule.first, (self.schedule.last - self.schedule.first)
            left = math.prod(1 - first - step * t / self.levels for t in range(self.levels + 1))
            if left > _MOST_LEFT:
                yield (
                    f"levels = {self.levels} with schedule.last = {self.schedule.last} leave "
                    f"alpha_bar_T = {left:.2g} of a string, at most {_MOST_LEFT} is allowed; "
                    "choose more levels or a larger schedule.last"
                )


class Network(Section):
    """The U-Net; its depth and filter size are the grammar's L and s."""

    architecture: Literal["normed_unet", "plain_unet"]
    """The released code's, with an embedding and LayerNorms, or one without either."""
    width: Width
    """Channels of every block (8192 in the paper)."""
    noise_input: Literal["contrast", "cosines", "none"]
    """How the network sees the noise level: by the contrast of its input (the released code), by
    cosines of t / T that are added in every block, or not at all."""
    precision: Literal["tf32", "bfloat16"]
    """Arithmetic of products. tf32: float32, which GPUs may round to TF32 (not if the environment
    has NVIDIA_TF32_OVERRIDE=0; CPUs never do). bfloat16: also on CPUs. Weights are float32."""


class Sgd(Section):
    """Stochastic gradient descent with momentum."""

    kind: Literal["sgd"]
    """Optimiser of this kind."""
    momentum: Annotated[float, Field(gt=0, lt=1)]
    """Momentum."""


class Adam(Section):
    """Adam."""

    kind: Literal["adam"]
    """Optimiser of this kind."""
    beta1: Annotated[float, Field(ge=0, lt=1)]
    """Decay of the mean of gradients."""
    beta2: Annotated[float, Field(ge=0, lt=1)]
    """Decay of the mean of squared gradients."""


class Training(Run):
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


def mixture_problems(noise: Noise, training: Training) -> Iterator[str]:
    """Whether a cross-entropy is to teach what a mixture does not take."""
    taught_posteriors = training.loss in ("cross_entropy", "hybrid")
    if noise.process == "uniform" and noise.mixture == "d3pm" and taught_posteriors:
        yield (
            f"training.loss = {training.loss!r} teaches posteriors, but noise.mixture = 'd3pm' is "
            "right for cavity marginals only; choose noise.mixture = 'exact', or training.loss = "
            "'step_divergence' or 'variational_bound'"
        )
