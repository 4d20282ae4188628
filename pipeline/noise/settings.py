"""Settings of noise: what the forward process is, and how it is spread over its levels."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from pipeline.base.section import NoiseLevels, Section, Share

_MOST_LEFT = 0.01
"""alpha_bar_T up to which a sampler may start from pure noise: in the released code it is 4e-5."""


class LinearBeta(Section):
    """The released code's schedule: beta linear in t, from t = 0, so that alpha_bar_0 < 1."""

    kind: Literal["linear_beta"]
    """Schedule of this kind."""
    first: Share
    """beta at t = 0."""
    last: Share
    """beta at t = T, above `first`."""

    def _problems(self) -> Iterator[str]:
        if self.first >= self.last:
            yield f"first = {self.first} must be below last = {self.last}"


class FixedSchedule(Section):
    """Other readings of "linear schedule", which have no parameters."""

    kind: Literal["linear_alpha_bar", "ddpm_linear_beta", "d3pm_linear_beta"]
    """Linear in alpha_bar; or in beta as in DDPM (1e-4 to 0.02 at T = 1000, rescaled to T levels),
    or as in D3PM (0.02 to 1). alpha_bar_0 = 1."""


class TokenNoise(Section):
    """The forward process of strings of symbols."""

    process: Literal["uniform", "absorbing"]
    """Uniform (the paper's) or absorbing (masked) discrete diffusion."""
    noise_levels: NoiseLevels
    """Noise levels T."""
    schedule: Annotated[LinearBeta | FixedSchedule, Field(discriminator="kind")]
    """Which reading of "linear schedule"."""
    mixture: Literal["d3pm", "exact"]
    """How a reverse step of uniform noise mixes over x_0, in loss and sampler: as in public code
    of D3PM, so that networks learn cavity marginals, or exact for posteriors. Absorbing noise
    ignores this: the two are one for masked tokens."""

    def _problems(self) -> Iterator[str]:
        from pipeline.noise.schedules import alpha_bar  # late, as numpy is slow to import

        left = alpha_bar(levels=self.noise_levels, **dict(self.schedule))[-1]
        if left > _MOST_LEFT:
            named = ", ".join(f"schedule.{key} = {value}" for key, value in self.schedule)
            yield (
                f"noise_levels = {self.noise_levels} with {named} leave alpha_bar_T = {left:.2g} "
                f"of a string, at most {_MOST_LEFT} is allowed; choose more levels or another "
                "schedule"
            )


class PixelNoise(Section):
    """The forward process of images."""

    noise_levels: NoiseLevels
    """Noise levels T."""
    schedule: Literal["cosine", "ddpm_linear_beta"]
    """Schedule of alpha_bar."""
