"""What networks on strings see of corrupted tokens: modules from (x_t, t) to numbers per token."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot


class TokenInput(nn.Module):
    """A map from x_t int64 [..., d] and t [...] to float32 [..., d, channels].

    Attributes:
        channels: how many numbers a token becomes.
    """

    channels: int


class OneHot(TokenInput):
    """The symbol as a one-hot vector; nothing of the noise level."""

    def __init__(self, input_symbols: int) -> None:
        """One channel for every symbol of x_t, the mask included if there is one."""
        super().__init__()
        self.channels = input_symbols

    def forward(self, xt: Tensor, _t: Tensor) -> Tensor:
        """Float32 [..., d, channels], from x_t int64 [..., d]."""
        return one_hot(xt, self.channels).float()


class Contrast(TokenInput):
    """p(x_0 | x_t) of each token under a flat prior, so that the noise level enters as contrast.

    This is the input of the released code: abar x_t + (1 - abar) / v, standardised by a mean and a
    spread over the levels (of the entry at x_t, as that code takes them). A masked token has 1 / v
    for every symbol, and one that is not masked is certain, whatever the level.

    The network has a schedule of its own inside, whatever the schedule of the noise. In the
    released code this has 1000 levels, and level t of T is looked up at floor(1000 t / T), in
    float32.

    Args:
        input_symbols: number of symbols of x_t.
        symbols: number of symbols of x_0, v; one less than `input_symbols` if there is a mask.
        levels: noise levels T.
        alpha_bar: the schedule inside, float64 [levels inside + 1].
    """

    _certainty: Tensor

    def __init__(
        self, input_symbols: int, symbols: int, levels: int, alpha_bar: np.ndarray
    ) -> None:
        super().__init__()
        self.channels, self._input_symbols, self._levels = symbols, input_symbols, levels
        self._has_mask = input_symbols > symbols
        self._mean = float(np.mean(alpha_bar + (1 - alpha_bar) / symbols))
        # Mean square of an entry that is 1 with probability abar and else 1 / v; its mean is above.
        squares = np.mean(alpha_bar + (1 - alpha_bar) / symbols**2)
        self._spread = float(np.sqrt(squares - self._mean**2))
        certainty = torch.from_numpy(alpha_bar).float()
        self.register_buffer("_certainty", certainty, persistent=False)

    def forward(self, xt: Tensor, t: Tensor) -> Tensor:
        """Float32 [..., d, v], from x_t int64 [..., d] and t int64 [...]."""
        symbols = one_hot(xt, self._input_symbols)[..., : self.channels].float()
        if self._has_mask:
            certainty = symbols.sum(dim=-1, keepdim=True)
        else:
            inside = (t / self._levels * (len(self._certainty) - 1)).long()
            certainty = self._certainty[inside][..., None, None]
        beliefs = certainty * symbols + (1 - certainty) / self.channels
        return (beliefs - self._mean) / self._spread
