import pytest

from tests.workflow.checkout import SMOKE, Checkout


@pytest.fixture(scope="session")
def smoke_run(tmp_path_factory):
    """A finished run of the smoke preset; tests that edit it take a copy.

    Beside it, `calls` has which functions each of its jobs has called.
    """
    checkout = Checkout.of_sources(tmp_path_factory.mktemp("smoke") / "checkout")
    result = checkout.traced(checkout.path.parent / "calls", *SMOKE)
    assert result.returncode == 0, result.stderr
    checkout.log = result.stdout + result.stderr
    return checkout
