"""What belongs to noise levels, kept on every device that has asked for it.

Copying it anew at every use would have a GPU wait for the host at every step, and could not be
captured in a CUDA graph.
"""

import numpy as np
import torch
from torch import Tensor


class LevelValues:
    """Numbers by noise level, [T + 1], and their copies on devices."""

    def __init__(self, values: np.ndarray) -> None:
        """Keep the numbers on the CPU, in whatever type they have."""
        self._copies = {torch.device("cpu"): torch.from_numpy(values)}

    def to(self, device: torch.device) -> Tensor:
        """The numbers on a device, copied there once."""
        if device not in self._copies:
            with torch.inference_mode(False):  # so that training can use what sampling has copied
                self._copies[device] = self._copies[torch.device("cpu")].to(device)
        return self._copies[device]

    def numpy(self) -> np.ndarray:
        """The numbers as an array, which must not be changed."""
        return self._copies[torch.device("cpu")].numpy()
