"""Snakemake itself: started in whatever way, within a job, under whatever filters, and stopped."""

import os
import re
import signal
import subprocess
import sys

import pytest

from pipeline.run.interruption import STOPPED
from tests.slurm.site import (
    CELL,
    FILTERS,
    PACE,
    TRAINED,
    Site,
    assert_same_training,
    recover,
    show,
    starts,
    wait_for,
)
from tests.workflow.checkout import SNAKEMAKE

MODULE = (sys.executable, "-m", "snakemake")
QUEUED = re.compile(r"queued: train .*\(Slurm job (\d+)\)")


def test_filters_of_the_shell_hide_no_job_and_change_none(undisturbed, tmp_path):
    site = Site.set_up(tmp_path / "checkout")
    process = site.launch(fault=PACE, **FILTERS)
    site.wait_for_step(1000)
    (job,) = site.jobs("RUNNING")
    assert show(job, "TimeLimit") == "12:00:00", "as the profile says"
    assert show(job, "NumCPUs") == "1"
    assert "still runs here" in recover(site, expected=1, **FILTERS)
    process.kill()
    process.wait()
    recover(site, **FILTERS)
    assert show(job, "JobState") == "CANCELLED"
    assert "stopped after step" in site.history
    assert site.finish(site.launch(**FILTERS)) == 0, site.log
    assert "forgotten" not in site.log
    assert len(site.jobs()) == 2
    assert_same_training(site, undisturbed)


@pytest.mark.parametrize(
    ("name", "command", "arguments"),
    [
        ("a check out", MODULE, []),
        ("checkout", (SNAKEMAKE,), ["--directory", "some where"]),
    ],
)
def test_a_living_snakemake_is_known_however_it_was_started(tmp_path, name, command, arguments):
    site = Site.set_up(tmp_path / name)
    process = site.launch(TRAINED, *arguments, fault=PACE, command=command)
    wait_for(lambda: QUEUED.search(site.log), "job")
    job = QUEUED.search(site.log)[1]
    refusal = f"snakemake still runs here, end it with Ctrl-C or kill: {process.pid}"
    assert refusal in recover(site, *arguments, expected=1)
    recover(site, expected=1)  # whatever directory is meant
    assert show(job, "JobState") in ("PENDING", "RUNNING")
    process.kill()
    process.wait()
    recover(site, *arguments)
    assert show(job, "JobState") == "CANCELLED"


def test_on_a_stop_jobs_are_cancelled_while_a_status_check_goes_on(tmp_path):
    site = Site.set_up(tmp_path / "checkout")
    (site.path / "faults").mkdir()
    process = site.launch(fault=PACE, slurm="stuck")
    site.wait_for_step(500)
    (job,) = site.jobs("RUNNING")
    (site.path / "faults/stuck").touch()
    wait_for((site.path / "faults/asked").exists, "status check")
    process.send_signal(signal.SIGTERM)
    wait_for(lambda: show(job, "JobState") in ("COMPLETING", "CANCELLED"), "cancelling", 15)
    assert process.poll() is None, "the check goes on"
    (site.path / "faults/stuck").unlink()
    assert site.finish(process, 90) == 1, site.log
    assert "stopped after step" in site.history


def test_a_refusal_that_cannot_change_is_told_once_with_no_other_attempts_log(tmp_path):
    site = Site.set_up(tmp_path / "checkout", partition="nowhere")
    log = site.path / CELL / "logs/train.log"
    log.parent.mkdir(parents=True)
    log.write_text("RuntimeError: of an earlier attempt\n")
    assert site.finish(site.launch()) == 1, site.log
    assert site.log.count("failed: train") == 1
    assert "invalid partition" in site.log
    assert "Trying to restart" not in site.log
    assert "earlier attempt" not in site.log
    assert "invalid partition" in log.read_text()


def test_jobs_go_to_the_cluster_that_is_named_and_to_no_other(undisturbed, tmp_path):
    site = Site.set_up(tmp_path / "checkout")
    assert site.finish(site.launch(SLURM_CLUSTERS="test,other")) == 1
    assert "SLURM_CLUSTERS=test,other: the jobs of a run go to one cluster" in site.log
    assert site.finish(site.launch(fault=PACE, SBATCH_CLUSTERS="test")) == 0, site.log
    assert len(site.jobs()) == 1
    assert_same_training(site, undisturbed)


def test_snakemake_within_a_job_stops_at_its_limit_and_the_next_goes_on(undisturbed, tmp_path):
    site = Site.set_up(tmp_path / "checkout")
    limit = ["--time", "2", "--cpus-per-task", "1", "--mem", "900M"]
    first = site.submit_driver(*limit, "--signal", "B:TERM@1", fault="pace:0.06")
    site.wait_for_step(500)
    (job,) = set(site.jobs("RUNNING")) - {first}
    assert show(job, "TimeLimit") == "12:00:00", "its own"
    assert show(job, "MinMemoryNode") == "32000M", "its own"
    second = site.submit_driver(*limit[2:], "--dependency", "singleton", fault=PACE)
    assert "still runs" in recover(site, expected=1)
    assert show(second, "JobState") == "PENDING"
    wait_for(lambda: show(second, "JobState") == "COMPLETED", "end of the second")
    assert show(first, "JobState") in ("FAILED", "TIMEOUT")
    assert show(job, "JobState") == "CANCELLED"
    assert STOPPED in site.log
    assert "as it was told to end" in site.history
    assert starts(site)[1] >= 500
    assert_same_training(site, undisturbed)


def test_a_driver_that_lost_its_node_is_known_to_be_gone(tmp_path):
    site = Site.set_up(tmp_path / "checkout")
    driver = site.submit_driver("--cpus-per-task", "1", "--mem", "900M", fault=PACE)
    site.wait_for_step(500)
    (job,) = set(site.jobs("RUNNING")) - {driver}
    (record,) = site.path.glob(".snakemake/drivers/*.json")
    here = os.uname().nodename
    record.write_text(record.read_text().replace(f'"{here}"', '"another"'))
    assert f"still runs in Slurm job {driver} on another" in recover(site, expected=1)
    subprocess.run(["scancel", "--signal", "KILL", "--full", driver], check=True)
    wait_for(lambda: show(driver, "JobState") in ("FAILED", "CANCELLED"), "end of the driver")
    recover(site)
    assert show(job, "JobState") == "CANCELLED"
