from pathlib import Path

import pytest

from tests.workflow.checkout import SMOKE, Checkout

TRACED = Path(__file__).parent / "traced"


@pytest.fixture(scope="session")
def smoke_run(tmp_path_factory):
    """A finished run of the smoke preset; tests that edit it take a copy.

    Beside it, `calls` has which functions each of its jobs has called.
    """
    checkout = Checkout.of_sources(tmp_path_factory.mktemp("smoke") / "checkout")
    calls = checkout.path.parent / "calls"
    calls.mkdir()
    result = checkout.snakemake(*SMOKE, PYTHONPATH=str(TRACED), TRACED_CALLS=str(calls))
    assert result.returncode == 0, result.stderr
    checkout.log = result.stdout + result.stderr
    return checkout
