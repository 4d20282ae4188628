"""Which snakemake lives, whose jobs may be ended, and what Slurm is asked for that."""

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.base.errors import PipelineError
from pipeline.slurm.clusters import refuse_other_clusters
from pipeline.slurm.driver import Driver, forget_the_dead, read_drivers, record_driver
from pipeline.slurm.environment import slurm_environment
from pipeline.slurm.recover import main, recover, refuse_to_run_twice
from pipeline.training.stopping import seconds_left
from tests.unit.slurm_case import FakeSlurm

RUN = "11111111-2222-3333-4444-555555555555"
OTHER = "99999999-2222-3333-4444-555555555555"
FILTERS = ("SQUEUE_PARTITION", "SQUEUE_USERS", "SQUEUE_ACCOUNT", "SQUEUE_LICENSES")
FILTERS += ("SQUEUE_STATES", "SACCT_LOCAL", "SCANCEL_STATE", "SLURM_JOB_NAME")


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    (tmp_path / "bin").mkdir()
    (tmp_path / "a checkout").mkdir()
    monkeypatch.chdir(tmp_path / "a checkout")
    for name in [n for n in os.environ if n.startswith("SLURM_")]:
        monkeypatch.delenv(name)
    return FakeSlurm(tmp_path / "bin", monkeypatch)


@pytest.fixture
def filtered(monkeypatch):
    for name in FILTERS:
        monkeypatch.setenv(name, "elsewhere")


def ended(**changes) -> Driver:
    """What is left of a snakemake of this machine that was killed."""
    process = subprocess.Popen(["true"])
    process.wait()
    return replace(Driver.of_this_process(RUN), pid=process.pid, **changes)


def test_filters_options_and_another_jobs_size_are_left_out_of_the_environment():
    left_out = dict.fromkeys(
        (*FILTERS, "SBATCH_ARRAY_INX", "SBATCH_WAIT", "SLURM_MEM_PER_NODE"), "x"
    )
    left_out |= {"SLURM_JOB_ID": "7", "SCONTROL_LOCAL": "1", "SRUN_DEBUG": "1", "SINFO_ALL": "1"}
    kept = {"PATH": "/bin", "SLURM_CONF": "/c", "SBATCH_ACCOUNT": "mine", "OMP_NUM_THREADS": "1"}
    assert slurm_environment(left_out | kept) == kept


def test_all_questions_go_to_the_cluster_that_jobs_go_to():
    assert slurm_environment({"SLURM_CLUSTERS": "a"}) == {"SLURM_CLUSTERS": "a"}
    both = {"SBATCH_CLUSTERS": "b", "SLURM_CLUSTERS": "a"}
    assert slurm_environment(both) == {"SLURM_CLUSTERS": "b"}
    for several in ("a,b", "all"):
        with pytest.raises(PipelineError, match=f"SBATCH_CLUSTERS={several}: .* name that one"):
            slurm_environment({"SBATCH_CLUSTERS": several})


@pytest.mark.parametrize(
    ("resources", "refused"),
    [
        ({"clusters": "b"}, "clusters: b"),
        ({"slurm_cluster": "a,b"}, "slurm_cluster: a,b"),
        ({"slurm_extra": "--nice=5 -M b"}, "slurm_extra: -M"),
        ({"slurm_extra": "--cluster=b"}, "slurm_extra: --cluster=b"),
        ({"cluster": "a"}, ""),
        ({"slurm_extra": "--nice=5", "mem_mb": 100}, ""),
    ],
)
def test_a_job_for_another_cluster_is_refused(resources, refused):
    if not refused:
        refuse_other_clusters(resources, "a")
        return
    with pytest.raises(PipelineError, match=f"^{refused}: all jobs of a run go to one cluster"):
        refuse_other_clusters(resources, "a")


@pytest.mark.parametrize("name", FILTERS)
def test_training_sees_its_time_limit_whatever_the_shell_filters(slurm, monkeypatch, name):
    slurm.add(12, RUN, "RUNNING", left="1-00:00:10")
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    monkeypatch.setenv("SLURM_CLUSTERS", "a,b")
    monkeypatch.setenv(name, "elsewhere")
    assert seconds_left() == 86410


def test_training_says_if_slurm_does_not_tell_its_time_limit(slurm, monkeypatch, capfd):
    slurm.add(12, RUN, "RUNNING", left="NOT_SET")
    slurm.add(13, RUN, "RUNNING", left="UNLIMITED")
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    assert seconds_left() is None
    assert "warning: time limit unknown, squeue says 'NOT_SET' of job 12" in capfd.readouterr().err
    monkeypatch.setenv("SLURM_JOB_ID", "13")
    assert seconds_left() is None
    assert capfd.readouterr().err == ""


@pytest.mark.usefixtures("filtered")
def test_jobs_of_a_killed_snakemake_are_ended_and_no_others(slurm):
    here = str(Path.cwd())
    slurm.add(1, RUN, "RUNNING", place="/a link to here")
    slurm.add(2, RUN, "COMPLETED", place=here)
    slurm.add(3, OTHER, "RUNNING", place=here)
    ended().write(Path())
    with pytest.raises(PipelineError, match="its Slurm jobs 1 go on; end them first"):
        refuse_to_run_twice(Path())
    recover()
    assert slurm.states() == {"1": "CANCELLED", "2": "CANCELLED", "3": "RUNNING"}
    assert read_drivers(Path()) == []


def test_jobs_that_only_accounts_call_running_are_not_taken_to_have_ended(slurm, monkeypatch):
    slurm.add(1, RUN, "accounted RUNNING")
    ended().write(Path())
    monkeypatch.setattr("pipeline.slurm.recover._PATIENCE", -1)
    with pytest.raises(PipelineError, match="jobs 1 have not ended"):
        recover()


def test_a_living_snakemake_is_told_by_its_pid_and_start(slurm):
    slurm.add(1, RUN, "RUNNING")
    driver = Driver.of_this_process(RUN)
    assert driver.runs_here()
    assert not replace(driver, started=driver.started - 60).runs_here()
    driver.write(Path())
    assert read_drivers(Path()) == [driver]
    refuse_to_run_twice(Path())
    with pytest.raises(PipelineError, match=f"still runs here.*: {os.getpid()}$"):
        recover()
    assert slurm.states() == {"1": "RUNNING"}
    driver.forget(Path())
    assert read_drivers(Path()) == []


def test_a_snakemake_of_another_host_is_left_alone(slurm):
    slurm.add(1, RUN, "RUNNING")
    ended(host="elsewhere").write(Path())
    refuse_to_run_twice(Path())
    with pytest.raises(PipelineError, match="started on elsewhere: .* delete .*elsewhere.*json"):
        recover()
    assert slurm.states() == {"1": "RUNNING"}


@pytest.mark.parametrize(
    ("state", "own", "lives"),
    [
        ("RUNNING", "", True),
        ("accounted RUNNING", "", False),  # the controller knows it no more
        ("CANCELLED", "", False),
        ("RUNNING", "7.0", True),
        ("RUNNING", "7.1", False),  # it asks itself, having been requeued to another node
    ],
)
def test_a_snakemake_within_a_job_lives_as_long_as_that(slurm, monkeypatch, state, own, lives):
    slurm.add(7, "driver", state)
    slurm.add(8, RUN, "RUNNING")
    if own:
        number, restarts = own.split(".")
        monkeypatch.setenv("SLURM_JOB_ID", number)
        monkeypatch.setenv("SLURM_RESTART_COUNT", restarts)
    ended(host="elsewhere", job="7.0", cluster="here").write(Path())
    if lives:
        with pytest.raises(PipelineError, match="runs in Slurm job 7 on elsewhere"):
            recover()
    else:
        recover()
    assert slurm.states()["8"] == ("RUNNING" if lives else "CANCELLED")


def test_jobs_are_looked_for_on_the_cluster_that_they_were_submitted_to(slurm, monkeypatch):
    slurm.add(1, RUN, "RUNNING")
    ended(cluster="there").write(Path())
    with pytest.raises(PipelineError, match="run SLURM_CLUSTERS=there workflow/recover.sh"):
        recover()
    monkeypatch.setenv("SLURM_CLUSTERS", "there")
    recover()
    assert slurm.states() == {"1": "CANCELLED"}


def test_where_snakemake_works_in_another_directory_that_one_is_recovered(slurm, capsys):
    elsewhere = Path("some where").absolute()
    slurm.add(1, RUN, "RUNNING", place=str(elsewhere))
    ended().write(elsewhere)
    with pytest.raises(SystemExit) as refusal:
        main(["--profile", "slurm"])
    assert f"Slurm job 1 is of a snakemake in {elsewhere} that is not known" in str(refusal.value)
    main(["--directory", "."])
    assert slurm.states() == {"1": "RUNNING"}
    main(["--profile", "slurm", "--directory", "some where"])
    assert slurm.states() == {"1": "CANCELLED"}
    assert "ending Slurm jobs 1" in capsys.readouterr().err
    main(["--profile", "slurm"])


def test_what_a_snakemake_wrote_of_itself_may_not_be_spoilt(tmp_path):
    path = ended().path(tmp_path)
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"host": "x"}))
    with pytest.raises(PipelineError, match=r"drivers/\S+json cannot be read .* delete it"):
        read_drivers(tmp_path)


def test_records_of_the_dead_are_forgotten_once_their_jobs_have_ended(slurm):
    slurm.add(1, RUN, "COMPLETED")
    ended().write(Path())
    refuse_to_run_twice(Path())
    assert read_drivers(Path()) == []
    local, elsewhere = replace(ended(), run_id=""), replace(ended(), host="elsewhere", run_id="")
    for driver in (local, elsewhere, Driver.of_this_process()):
        driver.write(Path())
    forget_the_dead(Path())
    assert local not in read_drivers(Path())
    assert len(read_drivers(Path())) == 2


@pytest.mark.parametrize("goes_on", [False, True])
def test_a_driver_is_forgotten_at_its_end_unless_jobs_go_on(tmp_path, monkeypatch, goes_on):
    at_exit = []
    monkeypatch.setattr("atexit.register", at_exit.append)
    record_driver(tmp_path, "run", "here", lambda: goes_on)
    (driver,) = read_drivers(tmp_path)
    assert (driver.pid, driver.run_id, driver.cluster) == (os.getpid(), "run", "here")
    at_exit[0]()
    assert len(read_drivers(tmp_path)) == goes_on
