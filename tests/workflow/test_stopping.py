"""Ctrl-C and SIGTERM of a run on this machine: trainings save, and the same command goes on."""

import os
import re
import signal
import time
from contextlib import suppress

import psutil
import pytest

from pipeline.artifacts.tensors import read_tensors
from pipeline.run.interruption import STOPPED
from tests.faults.inject import environment
from tests.workflow.checkout import SMOKE, Checkout

GRID = "results/smoke/rhm/v4_m2_s2_L2"
CELLS = [f"{GRID}/P{size}/g0d0n0+g1d0n0" for size in (4, 8)]
TRAINED = [f"{cell}/losses.parquet" for cell in CELLS]
WEIGHTS = "checkpoints/step40.safetensors"
COMMAND = (*SMOKE, "--cores", "1", *TRAINED)
"""One training at a time, while the other waits."""
ENOUGH = 60
"""Seconds in which a run has to end; it takes two or three where nothing else runs."""


def wait_for(condition, process):
    deadline = time.monotonic() + 120
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def histories(checkout) -> list[str]:
    """What attempts noted in the workspaces of trainings."""
    return [path.read_text() for path in checkout.path.glob(f"{GRID}/P*/*/.work/*/history.txt")]


def members(group: int) -> list[str]:
    """Command lines of all processes of a process group."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            if os.getpgid(process.pid) == group:
                found.append(" ".join(process.cmdline()))
    return found


def final_weights(checkout) -> dict[str, bytes]:
    """Bytes of every weight after the last step of every training."""
    read = {
        cell: read_tensors(checkout.path / cell / WEIGHTS, "checkpoint").tensors for cell in CELLS
    }
    return {
        f"{c} {name}": array.tobytes() for c, part in read.items() for name, array in part.items()
    }


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A checkout in which nobody ended the trainings."""
    checkout = Checkout.of_sources(tmp_path_factory.mktemp("undisturbed") / "checkout")
    result = checkout.snakemake(*COMMAND)
    assert result.returncode == 0, result.stderr
    return checkout


@pytest.mark.parametrize("end", [
    lambda pid: os.killpg(pid, signal.SIGINT),
    lambda pid: os.kill(pid, signal.SIGTERM),
], ids=["Ctrl-C in a terminal", "SIGTERM of snakemake"])  # fmt: skip
def test_a_run_that_is_ended_saves_and_goes_on(undisturbed, tmp_path, end):
    checkout = Checkout.of_sources(tmp_path / "checkout")
    slow = environment("pace:0.5", tmp_path / "faults")
    process = checkout.start(*COMMAND, **slow)
    wait_for(lambda: any("from step" in text for text in histories(checkout)), process)
    wait_for(lambda: list(checkout.path.rglob("step10.safetensors")), process)
    told = time.monotonic()
    end(process.pid)
    output, errors = process.communicate(timeout=120)
    assert time.monotonic() - told < ENOUGH
    assert process.returncode == 1
    assert STOPPED in errors
    assert "Traceback" not in output + errors
    assert "failed: " not in errors
    assert members(process.pid) == []
    (history,) = histories(checkout)
    (step,) = re.findall(r"stopped after step (\d+) of 40, as it was told to end", history)
    assert 10 <= int(step) < 40
    result = checkout.snakemake(*COMMAND)
    assert result.returncode == 0, result.stderr
    logs = "".join((checkout.path / cell / "logs/train.log").read_text() for cell in CELLS)
    assert sorted(re.findall(r"from step (\d+) to 40", logs)) == ["0", step]
    assert final_weights(checkout) == final_weights(undisturbed)


def test_a_signal_that_comes_before_any_job_ends_the_run_too(tmp_path):
    """Snakemake chooses its first job just after it has written down that it runs."""
    checkout = Checkout.of_sources(tmp_path / "checkout")
    process = checkout.start(*COMMAND, **environment("pace:0.5", tmp_path / "faults"))
    wait_for(lambda: list(checkout.path.glob(".snakemake/drivers/*.json")), process)
    told = time.monotonic()
    os.kill(process.pid, signal.SIGTERM)
    _, errors = process.communicate(timeout=120)
    assert time.monotonic() - told < ENOUGH
    assert STOPPED in errors
    assert members(process.pid) == []
    assert not list(checkout.path.rglob("losses.parquet"))


def test_results_that_are_accepted_keep_their_progress(undisturbed, tmp_path):
    checkout = undisturbed.copy(tmp_path / "checkout")
    result = checkout.snakemake(*SMOKE, *TRAINED, "--touch", "--forcerun", "train")
    assert result.returncode == 0, result.stderr
    assert len(list(checkout.path.glob(f"{GRID}/**/.work"))) == len(CELLS)
    assert all((checkout.path / path).exists() for path in TRAINED)


def test_what_is_forced_is_forgotten_at_once(undisturbed, tmp_path):
    """So a run that was stopped goes on without the force, in all that was forced."""
    checkout = undisturbed.copy(tmp_path / "checkout")
    process = checkout.start(
        *COMMAND, "--forcerun", "train", **environment("pace:0.5", tmp_path / "faults")
    )
    wait_for(lambda: not any((checkout.path / path).exists() for path in TRAINED), process)
    wait_for(lambda: any("from step" in text for text in histories(checkout)), process)
    os.kill(process.pid, signal.SIGTERM)
    process.communicate(timeout=120)
    result = checkout.snakemake(*COMMAND)
    assert result.returncode == 0, result.stderr
    assert final_weights(checkout) == final_weights(undisturbed)


def test_a_rule_that_is_forced_by_name_begins_afresh(undisturbed, tmp_path):
    checkout = undisturbed.copy(tmp_path / "checkout")
    chosen, path = TRAINED[0], checkout.path / TRAINED[0]
    for forced, expected in ((chosen, "0 to 0"), ("train", "0 to 40")):
        result = checkout.snakemake(*SMOKE, chosen, "--forcerun", forced)
        assert result.returncode == 0, result.stderr
        log = (path.parent / "logs/train.log").read_text()
        assert re.findall(r"from step (\d+ to \d+)", log) == [expected]
    assert final_weights(checkout) == final_weights(undisturbed)


def test_all_output_that_is_deleted_leaves_nothing_undeclared(undisturbed, tmp_path):
    checkout = undisturbed.copy(tmp_path / "checkout")
    for arguments, expected in ((["--dry-run"], len(CELLS)), ([], 0)):
        result = checkout.snakemake(*SMOKE, *TRAINED, "--delete-all-output", *arguments)
        assert result.returncode == 0, result.stderr
        assert len(list(checkout.path.glob(f"{GRID}/**/.work"))) == expected
    assert not list(checkout.path.glob(f"{GRID}/**/*.safetensors"))
