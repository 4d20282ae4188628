import fcntl
import os
from pathlib import Path

import pytest

from tests.workflow.checkout import SMOKE, Checkout


@pytest.fixture(scope="session", autouse=True)
def _no_cluster():
    """Else Slurm that is installed, but does not run, holds up every start of snakemake by 9 s."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", os.devnull)
        yield


@pytest.fixture(scope="session")
def smoke_run(tmp_path_factory, worker_id):
    """A finished run of the smoke preset; tests that edit it take a copy.

    Beside it, `calls` has which functions each of its jobs has called. Workers share it: the first
    to ask makes it, with all cores, and the others wait.
    """
    base = tmp_path_factory.getbasetemp()
    root = (base if worker_id == "master" else base.parent) / "smoke"
    root.mkdir(exist_ok=True)
    with (root / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return finished(root)


def finished(root: Path) -> Checkout:
    """The run below a directory, which is made unless it is there.

    Raises:
        AssertionError: the run fails, or did when another worker made it.
    """
    checkout, log = Checkout(root / "checkout"), root / "log"
    if not log.exists():
        log.touch()
        Checkout.of_sources(checkout.path)
        result = checkout.traced(root / "calls", *SMOKE)
        assert result.returncode == 0, result.stderr
        log.write_text(result.stdout + result.stderr)
    checkout.log = log.read_text()
    assert checkout.log, "another worker's run of the smoke preset failed"
    return checkout
