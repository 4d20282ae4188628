"""Where tensors are computed."""

import pytest

from pipeline.base.device import choose_device
from pipeline.base.errors import PipelineError


@pytest.mark.parametrize("given", ["0", "0,1", "GPU-8932f937", "MIG-f4b3"])
def test_a_gpu_that_was_given_but_cannot_be_used_is_an_error(monkeypatch, given):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
    with pytest.raises(PipelineError, match=f"^device: CUDA_VISIBLE_DEVICES = {given}, but torch"):
        choose_device()


@pytest.mark.parametrize("given", ["", "-1", "NoDevFiles", None])
def test_where_no_gpu_was_given_the_cpu_computes(monkeypatch, given):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if given is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
    assert choose_device().type == "cpu"
