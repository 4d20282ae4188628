"""What is added in every block of a U-Net for strings: a bias, or a function of the noise level.

The noise level enters as a linear function of cos(pi k t / T); k = 0 alone makes it a bias. That
function starts at zero and learns slowly: at unit scale it drowns the one-hot input at first, and
unsettles training later (measured: at equal steps, level-3 accuracy is then 0.22 instead of 0.41).
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from pipeline.networks.ensemble_linear import EnsembleLinear

_FEATURES = 16


class Conditions(nn.Module):
    """Additions to all blocks, in the order in which a string passes through them.

    Args:
        seeds: one per replica.
        depth: number of blocks down, and up, L.
        width: channels of every block.
        levels: number of noise levels T.
        cosines: whether the additions depend on t.
    """

    _frequencies: Tensor

    def __init__(
        self, seeds: Sequence[int], depth: int, width: int, levels: int, cosines: bool
    ) -> None:
        super().__init__()
        features = _FEATURES if cosines else 1
        self._levels = levels
        # Not on the default device, which can be "meta": no checkpoint would bring values later.
        frequencies = math.pi * torch.arange(features, device="cpu")
        self.register_buffer("_frequencies", frequencies, persistent=False)
        maps = [
            EnsembleLinear(seeds, f"condition{block}", features, width, 1 / _FEATURES)
            for block in range(2 * depth)
        ]
        for block in maps:
            nn.init.zeros_(block.weight)
        self.maps = nn.ModuleList(maps)

    def forward(self, t: Tensor) -> list[Tensor]:
        """What each block adds at all of its positions, [R, B, 1, width], from t [R, B]."""
        features = torch.cos(self._frequencies * (t / self._levels).unsqueeze(-1).float())
        return [block(features).unsqueeze(2) for block in self.maps]
