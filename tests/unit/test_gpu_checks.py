"""The tests of tests/gpu on the CPU, where they compare batches with strings one at a time."""

import pytest
import torch

from tests.gpu.test_networks import *  # noqa: F403
from tests.gpu.test_noise_and_samplers import *  # noqa: F403
from tests.gpu.test_training import *  # noqa: F403


@pytest.fixture
def device() -> torch.device:
    return torch.device("cpu")
