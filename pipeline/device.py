"""Where tensors are computed, and how exactly."""

import torch


def choose_device() -> torch.device:
    """The GPU if there is one of NVIDIA's, else the CPU.

    On the GPU, float32 products may use TF32: ten bits of mantissa, several times the speed.
    Noise and categorical draws are float64, which is why Apple's GPUs are left alone.
    """
    torch.set_float32_matmul_precision("high")
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
