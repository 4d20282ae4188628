"""Threads of a stage: the CPUs of a job of a cluster, shared among its processes, else one."""

import subprocess
import sys

import pytest

CODE = """
from pipeline.run.job_environment import use_allocated_cpus
use_allocated_cpus({processes})
import torch
print(torch.get_num_threads())
"""


@pytest.mark.parametrize(
    ("cpus", "processes", "expected"), [(None, 1, 1), ("2", 1, 2), ("8", 4, 2), ("2", 4, 1)]
)
def test_a_stage_uses_what_its_job_was_given(monkeypatch, cpus, processes, expected):
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(name, "1")
    if cpus is not None:
        monkeypatch.setenv("PIPELINE_CPUS", cpus)
    command = [sys.executable, "-c", CODE.format(processes=processes)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(result.stdout) == expected
