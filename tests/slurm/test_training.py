"""What befalls training jobs on a cluster, and that the weights come out the same, bit by bit."""

import re
import signal
import subprocess

import numpy as np
import pytest

from pipeline.run.interruption import STOPPED
from tests.slurm import cluster
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
    weights,
)

QUEUED = TRAINED.replace("/P8/", "/Ponline/")
QUEUE = "\"'closed' if getattr(wildcards, 'dataset_size', '') == 'online' else 'main'\""
"""The partition of a site where the training of QUEUED waits in the queue."""


def test_a_job_short_of_time_stops_itself_and_the_retry_goes_on(undisturbed, tmp_path):
    site = Site.set_up(tmp_path / "checkout", runtime="2")
    process = site.launch(fault="pace:0.032", **FILTERS)
    assert site.finish(process, 600) == 0, site.log
    first, *later = starts(site)
    assert first == 0
    assert later == sorted(later)
    assert later[0] > 0
    stops = re.findall(r"stopped after step (\d+) of 3000, as its time limit is near", site.history)
    assert [int(step) for step in stops] == later
    assert "resume me by running snakemake again" in site.log, "the user sees the end of the log"
    assert "Trying to restart job" in site.log
    *early, last = (show(job, "JobState") for job in sorted(site.jobs(), key=int))
    assert last == "COMPLETED"
    assert set(early) <= {"FAILED", "TIMEOUT"}, "saved in time, even if leaving was slow"
    assert_same_training(site, undisturbed)


def test_a_requeued_job_goes_on_under_its_number(undisturbed, tmp_path):
    site = Site.set_up(tmp_path / "checkout")
    process = site.launch(fault=f"{PACE},heavy:4")
    site.wait_for_step(1000)
    (job,) = site.jobs("RUNNING")
    subprocess.run(["scontrol", "requeue", job], check=True)
    assert site.finish(process) == 0, site.log
    assert site.jobs() == [job]
    assert show(job, "Restarts") == "1"
    assert len(starts(site)) == 2
    assert starts(site)[1] >= 1000
    assert "stopped after step" in site.history, "saved at SIGTERM"
    assert_same_training(site, undisturbed)


def test_a_preempted_job_goes_on_under_its_number(undisturbed, tmp_path):
    site = Site.set_up(tmp_path / "checkout", partition="cheap")
    process = site.launch(fault=PACE)
    site.wait_for_step(1000)
    (job,) = site.jobs("RUNNING")
    urgent = ["sbatch", "--partition", "urgent", "--exclusive", "--wrap", "sleep 3"]
    subprocess.run([*urgent, "--output", "/dev/null"], check=True, cwd=tmp_path)
    assert site.finish(process) == 0, site.log
    assert site.jobs() == [job]
    assert show(job, "Restarts") == "1"
    assert "stopped after step" in site.history, "saved at SIGTERM"
    assert starts(site)[1] >= 1000
    assert_same_training(site, undisturbed)


def test_a_job_out_of_memory_is_tried_again_with_more(undisturbed, tmp_path):
    site = Site.set_up(tmp_path / "checkout", mem_mb="450 * attempt")
    assert site.finish(site.launch()) == 0, site.log
    first, *_, last = sorted(site.jobs(), key=int)
    assert show(first, "JobState") in ("OUT_OF_MEMORY", "FAILED", "CANCELLED")
    assert show(last, "JobState") == "COMPLETED"
    assert (show(first, "MinMemoryNode"), show(last, "MinMemoryNode")) == ("450M", "900M")
    for job in (first, last):
        assert f"queued: train v4_m2_s2_L2/P8/g0d0n0+g1d0n0 (Slurm job {job})" in site.log
    assert f"failed: train v4_m2_s2_L2/P8/g0d0n0+g1d0n0 (Slurm job {first} ended as" in site.log
    assert_same_training(site, undisturbed)


def test_when_a_node_goes_down_the_job_goes_on_elsewhere(undisturbed, tmp_path):
    site = Site.set_up(tmp_path / "checkout", partition="fragile")
    process = site.launch(fault=PACE)
    site.wait_for_step(1000)
    (job,) = site.jobs("RUNNING")
    node = show(job, "NodeList")
    cluster.cut_power(node, job)
    try:
        assert site.finish(process) == 0, site.log
    finally:
        cluster.start_node(node)
    assert "stopped after step" not in site.history, "there was no time to save"
    assert show(site.jobs()[-1], "NodeList") not in ("", node)
    assert starts(site)[-1] >= 1000
    assert_same_training(site, undisturbed)


def launch_and_queue(site):
    """Start two trainings; one runs and one is in the queue. Returns snakemake and both jobs."""
    process = site.launch(TRAINED, QUEUED, fault=PACE)
    site.wait_for_step(1000)
    wait_for(lambda: "1 pending (1 PartitionDown)" in site.log, "job in the queue")
    (running,), (queued,) = site.jobs("RUNNING"), site.jobs("PENDING")
    return process, [running, queued]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ended_politely_snakemake_cancels_its_jobs(undisturbed, tmp_path, number):
    site = Site.set_up(tmp_path / "checkout", partition=QUEUE)
    process, jobs = launch_and_queue(site)
    process.send_signal(number)
    assert site.finish(process, 60) == 1, site.log
    assert STOPPED in site.log
    assert "Traceback" not in site.log
    assert "failed: " not in site.log
    assert {show(job, "JobState") for job in jobs} == {"CANCELLED"}
    assert site.finish(site.launch()) == 0, site.log
    assert starts(site)[-1] >= 1000
    assert_same_training(site, undisturbed)


def test_after_a_kill_of_snakemake_one_command_goes_on(undisturbed, tmp_path):
    site = Site.set_up(tmp_path / "checkout", partition=QUEUE)
    site.edit_preset(
        lambda rhm, _: rhm["grid"]["grammars"][0].update(dataset_sizes=[8, 16, "online"])
    )
    finished = TRAINED.replace("/P8/", "/P16/")
    assert site.finish(site.launch(finished)) == 0, site.log
    made = (site.path / finished).stat().st_mtime
    process, left_behind = launch_and_queue(site)
    refusal = recover(site, expected=1)
    assert f"snakemake still runs here, end it with Ctrl-C or kill: {process.pid}" in refusal
    process.kill()
    process.wait()
    (site.path / "faults").mkdir()
    (site.path / "faults/down").touch()
    assert "Slurm does not answer" in recover(site, expected=1, slurm="down")
    refused = site.launch()
    assert site.finish(refused) == 1
    assert "Directory cannot be locked" in site.log
    site.snakemake("--unlock")
    refused = site.launch(TRAINED, QUEUED)
    assert site.finish(refused) == 1
    assert (
        f"its Slurm jobs {' '.join(sorted(left_behind, key=int))} go on; end them first" in site.log
    )
    recover(site)
    assert {show(job, "JobState") for job in left_behind} == {"CANCELLED"}
    site.edit_profile("slurm_partition", "main")
    assert site.finish(site.launch(finished, TRAINED, QUEUED)) == 0, site.log
    assert len(site.jobs()) == 5, "one that had finished, two that were ended, and these again"
    assert len(starts(site)) == 2
    assert starts(site)[1] >= 1000
    assert (site.path / finished).stat().st_mtime == made
    assert_same_training(site, undisturbed)


def test_a_job_that_ended_while_snakemake_was_dead_is_not_repeated(undisturbed, tmp_path):
    site = Site.set_up(tmp_path / "checkout")
    site.edit_preset(lambda rhm, _: rhm["training"].update(keep_checkpoints=False))
    process = site.launch(fault=PACE)
    site.wait_for_step(1000)
    process.kill()
    process.wait()
    wait_for(lambda: not site.jobs("RUNNING", "COMPLETING"), "end of the job")
    recover(site)
    assert site.finish(site.launch()) == 0, site.log
    log = (site.path / CELL / "logs/train.log").read_text()
    assert re.findall(r"from step \d+", log) == ["from step 0"]
    assert_same_training(site, undisturbed)


def test_two_processes_train_in_one_job_and_survive_a_requeue(undisturbed, tmp_path):
    site = Site.set_up(tmp_path / "checkout", processes="2")
    process = site.launch(fault=PACE)
    site.wait_for_step(1000)
    (job,) = site.jobs("RUNNING")
    assert len(site.training_processes()) == 2
    subprocess.run(["scontrol", "requeue", job], check=True)
    assert site.finish(process) == 0, site.log
    assert site.jobs() == [job]
    assert "stopped after step" in site.history
    assert starts(site)[1] >= 1000
    for name, value in weights(site, 250).items():  # later, rounding has been amplified
        np.testing.assert_allclose(value, weights(undisturbed, 250)[name], rtol=1e-2, atol=1e-3)
