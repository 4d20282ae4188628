"""Where tensors are computed, and how exactly."""

import os
import re
import socket

import torch

from pipeline.base.errors import PipelineError


def choose_device() -> torch.device:
    """NVIDIA's GPU if there is one, else the CPU.

    On the GPU, float32 products may use TF32: ten bits of mantissa, several times the speed.
    Apple's GPUs are left alone, as they lack the float64 of noise and categorical draws.

    Raises:
        PipelineError: a GPU was given to this process, as by Slurm, and cannot be used.
    """
    torch.set_float32_matmul_precision("high")
    given, usable = os.environ.get("CUDA_VISIBLE_DEVICES", ""), torch.cuda.is_available()
    if re.match(r"\d|GPU-|MIG-", given) and not usable:
        raise PipelineError(
            f"device: CUDA_VISIBLE_DEVICES = {given}, but torch {torch.__version__} can use no GPU "
            f"on {socket.gethostname()}; ask nvidia-smi there whether the GPU is well and the "
            "driver new enough, or unset the variable to compute on the CPU"
        )
    return torch.device("cuda" if usable else "cpu")
