"""What training, sampling and probing ask of every network."""

from typing import TYPE_CHECKING

from torch import Tensor, nn


class Network(nn.Module):
    """An ensemble of R replicas that denoise; none has an influence on the outputs of another.

    This is a class to derive from and no protocol, as training needs all that PyTorch's modules
    have. What only some domains ask, such as activations, is a protocol where it is asked.
    """

    def forward(self, xt: Tensor, t: Tensor) -> Tensor:
        """Outputs float32 [R, B, d, k], see `Denoiser`; no string changes those of another.

        Args:
            xt: corrupted tokens [R, B, d]: int64 symbols, or float32 numbers of Gaussian noise.
            t: noise levels [R, B], int64, or float64 in continuous time.
        """
        raise NotImplementedError

    if TYPE_CHECKING:  # PyTorch says nothing of arguments and result

        def __call__(self, xt: Tensor, t: Tensor) -> Tensor:
            """Call `forward`, and whatever watches calls."""
            ...
