"""Settings of networks."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from pipeline.base.section import Distinct, Few, Positive, Section, Width


class StringNetwork(Section):
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


class TextNetwork(Section):
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


class ImageNetwork(Section):
    """The U-Net of Improved DDPM."""

    width: Width
    """Channels at full resolution; a multiple of `groups`."""
    groups: Width
    """Groups of channels that are normalised together."""
    residual_blocks: Annotated[int, Field(gt=0, le=64)]
    """Residual blocks at every resolution on the way down; one more on the way up."""
    multipliers: Annotated[list[Few], Field(min_length=1, max_length=12)]
    """Channels over `width` at every resolution, each half the one before."""
    attention: Annotated[list[Positive], Distinct, Field(max_length=12)]
    """Sides of feature maps, in pixels, on which there is self-attention."""
    heads: Few
    """Attention heads; a divisor of the channels there."""

    def _problems(self) -> Iterator[str]:
        if any(self.width % part for part in (2, self.groups, self.heads)):
            yield (
                f"width = {self.width} must be even and a multiple of groups = {self.groups} and "
                f"of heads = {self.heads}"
            )
