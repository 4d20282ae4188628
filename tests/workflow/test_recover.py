"""workflow/recover.sh after a local run: not while snakemake lives, however it was started."""

import os
import signal
import subprocess
import sys

import pytest

from tests.faults.inject import environment
from tests.workflow.checkout import SMOKE, Checkout

DRIVERS = ".snakemake/drivers/*"


def recover(checkout, *arguments):
    return subprocess.run(
        ["workflow/recover.sh", *arguments], cwd=checkout.path, env=checkout.environment(),
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("arguments", [[], ["--directory", "some where"]])
def test_only_what_a_dead_snakemake_locked_is_unlocked(tmp_path, arguments):
    checkout = Checkout.of_sources(tmp_path / "a check out")
    place = checkout.path / "/".join(arguments[1:])
    slow = environment("slow:100", tmp_path / "faults")
    module = (sys.executable, "-m", "snakemake")
    process = checkout.start("rhm", *arguments, *SMOKE, command=module, **slow)
    while not list(place.glob(DRIVERS)):
        assert process.poll() is None
    refused = recover(checkout, *arguments)
    assert refused.returncode == 1
    assert f"still runs here, end it with Ctrl-C or kill: {process.pid}" in refused.stderr
    assert list(place.glob(".snakemake/locks/*"))
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert recover(checkout, *arguments).returncode == 0
    assert not list(place.glob(".snakemake/locks/*"))
    assert not list(place.glob(DRIVERS))


def test_a_snakemake_that_ended_in_peace_leaves_no_record(tmp_path):
    checkout = Checkout.of_sources(tmp_path / "checkout")
    grammars = checkout.snakemake("rhm", "--until", "grammar", *SMOKE)
    assert grammars.returncode == 0, grammars.stderr
    assert (checkout.path / ".snakemake/drivers").exists()
    assert not list(checkout.path.glob(DRIVERS))
