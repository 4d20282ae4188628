"""What befalls Slurm itself, its queue and those who watch it, while snakemake runs."""

import signal
import subprocess

from tests.slurm.site import (
    CELL,
    PACE,
    TRAINED,
    Site,
    assert_same_training,
    show,
    starts,
    wait_for,
)


def test_a_job_that_someone_cancelled_is_tried_again(undisturbed, tmp_path):
    site = Site.set_up(tmp_path / "checkout")
    process = site.launch(fault=PACE)
    site.wait_for_step(1000)
    (job,) = site.jobs("RUNNING")
    subprocess.run(["scancel", job], check=True)
    assert site.finish(process) == 0, site.log
    assert f"(Slurm job {job} ended as CANCELLED" in site.log
    assert len(site.jobs()) == 2
    assert starts(site)[-1] >= 1000
    assert_same_training(site, undisturbed)


def test_a_job_that_was_preempted_for_good_is_tried_again(undisturbed, tmp_path):
    site = Site.set_up(tmp_path / "checkout", partition="doomed")
    process = site.launch(fault=PACE)
    site.wait_for_step(1000)
    (job,) = site.jobs("RUNNING")
    urgent = ["sbatch", "--partition", "rush", "--exclusive", "--wrap", "sleep 3"]
    subprocess.run([*urgent, "--output", "/dev/null"], check=True, cwd=tmp_path)
    assert site.finish(process) == 0, site.log
    assert f"(Slurm job {job} ended as PREEMPTED" in site.log
    assert len(site.jobs()) == 2
    assert starts(site)[-1] >= 1000
    assert_same_training(site, undisturbed)


def test_while_slurm_does_not_answer_jobs_are_waited_for(undisturbed, tmp_path):
    site = Site.set_up(tmp_path / "checkout")
    down = site.path / "faults/down"
    down.parent.mkdir()
    down.touch()
    process = site.launch(fault=PACE, slurm="down")
    wait_for(lambda: "Slurm takes no job for now, again in 5 s" in site.log, "refusal")
    down.unlink()
    site.wait_for_step(1000)
    (job,) = site.jobs("RUNNING")
    down.touch()
    wait_for(lambda: "Slurm does not answer, so its jobs are waited for" in site.log, "silence")
    wait_for(lambda: show(job, "JobState") == "COMPLETED", "end of the job")
    assert process.poll() is None
    down.unlink()
    assert site.finish(process) == 0, site.log
    assert "Slurm answers again." in site.log
    assert "failed: " not in site.log
    assert site.jobs() == [job]
    assert_same_training(site, undisturbed)


def test_a_job_that_was_taken_without_an_answer_does_not_run_beside_the_next(undisturbed, tmp_path):
    site = Site.set_up(tmp_path / "checkout")
    assert site.finish(site.launch(fault=PACE, slurm="mute")) == 0, site.log
    stray, job = sorted(site.jobs(), key=int)
    assert f"it has taken {stray} unheard, to be ended first" in site.log
    assert (show(stray, "JobState"), show(job, "JobState")) == ("CANCELLED", "COMPLETED")
    assert_same_training(site, undisturbed)


def test_accounts_tell_what_the_controller_has_forgotten(tmp_path):
    site = Site.set_up(tmp_path / "checkout")
    site.edit_profile("retries", "0")
    process = site.launch(fault=f"nan:{CELL.split('/')[-2]}", slurm="forgets")
    assert site.finish(process) == 1, site.log
    (job,) = site.jobs()
    assert f"(Slurm job {job} ended as FAILED)" in site.log


def test_ended_while_it_submits_snakemake_leaves_no_job(tmp_path):
    site = Site.set_up(tmp_path / "checkout", partition="closed")
    sizes = [4, 8, 16, "online"]
    site.edit_preset(lambda rhm, _: rhm["grid"]["grammars"][0].update(dataset_sizes=sizes))
    targets = [TRAINED.replace("/P8/", f"/P{size}/") for size in sizes]
    process = site.launch(*targets, fault=PACE, slurm="slow")
    wait_for(lambda: "queued: " in site.log, "job in the queue")
    process.send_signal(signal.SIGINT)
    assert site.finish(process, 60) == 1, site.log
    assert "queued: " in site.log.partition("Terminating")[2]
    assert {show(job, "JobState") for job in site.jobs()} == {"CANCELLED"}
    assert "failed: " not in site.log


def test_ended_while_local_jobs_run_snakemake_ends_them_too(tmp_path):
    site = Site.set_up(tmp_path / "checkout")
    seeds = list(range(12))  # more than run at a time
    site.edit_preset(lambda rhm, _: rhm["grid"].update(grammar_seeds=seeds))
    process = site.launch("rhm", fault="slow:100")
    wait_for(lambda: list(site.path.glob("results/smoke/logs/rhm/*/grammar_*.log")), "local job")
    process.send_signal(signal.SIGINT)
    assert site.finish(process, 60) == 1, site.log
    assert "Traceback" not in site.log
    assert "failed: " not in site.log
