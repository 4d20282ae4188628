"""The GPU that the tests here are of; tests/unit/test_gpu_checks.py runs them on the CPU."""

import pytest
import torch

from pipeline.base.device import choose_device


@pytest.fixture
def device() -> torch.device:
    if not torch.cuda.is_available():
        pytest.skip("there is no GPU that this torch can use")
    return choose_device()
