"""What is concluded from Slurm's answers; tests/slurm has the real ones."""

import asyncio
import logging
import subprocess
import threading
import types
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo

from pipeline.run import executor
from pipeline.run.executor import LastingExecutor
from pipeline.run.progress import STOPPING, SUBMITTED
from pipeline.slurm import answers
from pipeline.slurm.answers import (
    Answer,
    ask_about,
    ask_accounts,
    describe_queue,
    has_ended,
    look_up,
    parse_answers,
)
from tests.unit.slurm_case import FakeSlurm


def test_answers_of_the_controller_and_of_accounts_are_read_alike():
    assert parse_answers("12|RUNNING|None\n13|PENDING|ReqNodeNotAvail, May be reserved\n") == {
        "12": Answer("RUNNING"),
        "13": Answer("PENDING", "ReqNodeNotAvail, May be reserved"),
    }
    accounts = parse_answers("CLUSTER: test\n12|CANCELLED by 1000\n13||\n")
    assert accounts == {"12": Answer("CANCELLED")}


@pytest.mark.parametrize(
    ("queued", "account", "asked", "state"),
    [
        ("RUNNING", "FAILED", None, "RUNNING"),  # requeued, and accounts are late
        ("PREEMPTED", "RUNNING", None, "PREEMPTED"),
        (None, "COMPLETED", None, "COMPLETED"),
        (None, "TIMEOUT", None, "TIMEOUT"),
        (None, "RUNNING", None, "RUNNING"),
        (None, "PENDING", "FAILED", "FAILED"),
        (None, "RUNNING", "RUNNING", "RUNNING"),
        (None, None, "RUNNING", "RUNNING"),  # a list from which it was missing
        (None, None, None, "UNKNOWN"),
    ],
)
def test_the_controller_decides_and_accounts_remember(monkeypatch, queued, account, asked, state):
    listed = {"1": Answer(queued)} if queued else {}
    on_account = {"1": Answer(account)} if account else {}
    monkeypatch.setattr(answers, "ask_controller", lambda _run: listed | {"2": Answer("RUNNING")})
    monkeypatch.setattr(answers, "ask_accounts", lambda _run: on_account)
    monkeypatch.setattr(answers, "ask_about", lambda _job: Answer(asked) if asked else None)
    found = look_up("run", ["1"])
    assert {job: answer.state for job, answer in found.items()} == {"1": state}


def test_a_job_is_unknown_only_if_the_controller_says_so(monkeypatch):
    def respond(output="", error=""):
        def run(command, **_):
            if error:
                raise subprocess.CalledProcessError(1, command, stderr=error)
            return subprocess.CompletedProcess(command, 0, stdout=output)

        monkeypatch.setattr(subprocess, "run", run)

    respond(error="slurm_load_jobs error: Invalid job id specified")
    assert ask_about("12") is None
    respond(output="CLUSTER: test\n12|RUNNING|None\n")
    assert ask_about("12") == Answer("RUNNING")
    respond(output="")
    with pytest.raises(subprocess.SubprocessError, match="squeue says nothing of job 12"):
        ask_about("12")
    respond(error="slurm_load_jobs error: Unable to contact slurm controller")
    with pytest.raises(subprocess.CalledProcessError):
        ask_about("12")


@pytest.mark.parametrize(
    "name", ["SQUEUE_PARTITION", "SQUEUE_USERS", "SQUEUE_ACCOUNT", "SQUEUE_LICENSES", "SACCT_LOCAL"]
)
def test_a_job_is_seen_whatever_the_shell_filters(tmp_path, monkeypatch, name):
    slurm = FakeSlurm(tmp_path, monkeypatch)
    slurm.add(1, "run", "RUNNING")
    slurm.add(2, "run", "accounted RUNNING")
    monkeypatch.setenv(name, "elsewhere")
    found = look_up("run", ["1", "2"])
    assert {job: answer.state for job, answer in found.items()} == {"1": "RUNNING", "2": "RUNNING"}
    assert "1 by accounts alone" in describe_queue(found.values()), "the site can mend it"


def test_jobs_that_may_come_back_have_not_ended():
    alive = ("PENDING", "RUNNING", "COMPLETING", "CONFIGURING", "REQUEUED", "SUSPENDED")
    assert not any(map(has_ended, alive))
    assert all(map(has_ended, ("COMPLETED", "NODE_FAIL", "OUT_OF_MEMORY", "CANCELLED", "UNKNOWN")))


def test_the_queue_is_told_with_what_its_jobs_wait_for():
    waiting = [Answer("PENDING", reason) for reason in ("Priority", "JobHeldAdmin", "Priority")]
    queue = describe_queue([Answer("RUNNING"), *waiting])
    assert queue == "3 pending (2 Priority, 1 JobHeldAdmin), 1 running"
    assert describe_queue([]) == ""


@pytest.mark.parametrize(
    ("message", "passes"),
    [
        ("sbatch: error: AssocMaxSubmitJobLimit\nsbatch: error: Batch job submission failed", True),
        ("sbatch: error: QOSGrpSubmitJobsLimit", True),
        ("sbatch: error: Unable to contact slurm controller (connect failure)", True),
        ("Socket timed out on send/recv operation", True),
        ("Slurm temporarily unable to accept job, sleeping and retrying", True),
        ("The 'sacctmgr' reported: 'Unable to test the validity of the given account", True),
        ("sbatch: error: invalid partition specified: nope", False),
        ("Requested node configuration is not available", False),
        ("sbatch: error: QOSMaxWallDurationPerJobLimit", False),
    ],
)
def test_a_refusal_for_now_is_told_from_one_for_good(message, passes):
    assert bool(executor._FOR_NOW.search(message)) == passes


def test_only_where_accounts_are_not_kept_do_they_say_nothing(monkeypatch):
    def fail(message):
        def run(command, **_):
            raise subprocess.CalledProcessError(1, command, stderr=message)

        monkeypatch.setattr(subprocess, "run", run)

    fail("Slurm accounting storage is disabled\n")
    assert ask_accounts("run") == {}
    fail("sacct: error: Problem talking to the database: Connection refused\n")
    with pytest.raises(subprocess.CalledProcessError):
        ask_accounts("run")


class Rehearsal(LastingExecutor):
    """Checks of jobs, with answers that a test gives."""

    def __init__(self, *answers):
        self._answers, self.reported = iter(answers), []
        self._stopping, self._open, self._submitted = threading.Event(), set(), set()
        self._lost, self._queue, self._next_seconds_between_status_checks = set(), "", 20
        self._main_event_loop, self.run_uuid, self.left_behind = None, "run", False
        self.workflow = SimpleNamespace(
            executor_settings=SimpleNamespace(init_seconds_before_status_checks=20)
        )
        self.logger = logging.getLogger("rehearsal")

    async def _ask(self, _jobs):
        return {job: Answer(state) for job, state in next(self._answers).items()}

    def _report(self, job, answer):
        self.reported.append((job.external_jobid, answer.state))

    def report_job_error(self, info, msg=None):
        self.reported.append((info.job, msg))

    def check(self, *jobs):
        """Numbers of the jobs that are waited for, and the seconds until the next check."""

        async def check():
            infos = [SubmittedJobInfo(None, job) for job in jobs]
            return [info.external_jobid async for info in self.check_active_jobs(infos)]

        return asyncio.run(check()), self.next_seconds_between_status_checks


def test_jobs_that_have_ended_are_reported_and_the_others_waited_for():
    rehearsal = Rehearsal({"1": "RUNNING", "2": "PENDING"}, {"1": "FAILED", "2": "RUNNING"})
    assert rehearsal.check("1", "2") == (["1", "2"], 30)
    assert rehearsal.check("1", "2") == (["2"], 20)
    assert rehearsal.reported == [("1", "FAILED")]
    assert rehearsal.check() == ([], 20)


def test_without_an_answer_all_jobs_are_waited_for_ever_less_often():
    rehearsal = Rehearsal(*[{}] * 15)
    waits = [rehearsal.check("1", "2") for _ in range(15)]
    assert all(jobs == ["1", "2"] for jobs, _ in waits)
    assert [seconds for _, seconds in waits] == [*range(30, 121, 10), *[120] * 5]
    assert rehearsal.reported == []


def test_a_job_that_nobody_knows_has_ended_if_so_twice():
    rehearsal = Rehearsal({"1": "UNKNOWN"}, {"1": "RUNNING"}, {"1": "UNKNOWN"}, {"1": "UNKNOWN"})
    assert [rehearsal.check("1")[0] for _ in range(4)] == [["1"], ["1"], ["1"], []]
    assert rehearsal.reported == [("1", "UNKNOWN")]


def test_once_the_run_is_stopped_cancelled_jobs_have_not_failed():
    rehearsal = Rehearsal({"1": "CANCELLED"})
    rehearsal._stopping.set()
    assert rehearsal.check("1")[0] == ["1"]
    assert rehearsal.reported == []


class Group:
    """What the executor asks of a group of jobs."""

    attempt = property(lambda self: self._attempt)
    restart_times, resources = 5, types.MappingProxyType({})

    def __init__(self, *logs):
        self.log, self._attempt = list(logs), 1


def test_a_group_that_cannot_be_submitted_is_reported(monkeypatch):
    """Although the plugin, looking for the name of its rule, fails to report it."""

    def fail(_self, job):
        try:
            raise OSError("no place for logs")
        except OSError:
            job.rule  # noqa: B018

    monkeypatch.setattr(executor.Executor, "run_job", fail)
    rehearsal, group = Rehearsal(), Group()
    rehearsal.run_job(group)
    assert rehearsal.reported == [(group, "Job submission failed: no place for logs")]


def test_a_refusal_for_good_is_not_tried_again_and_shows_no_other_attempts_log(
    monkeypatch, tmp_path
):
    def refuse(self, job):
        message = "SLURM sbatch failed. The error message was 'invalid partition specified: nope'."
        self._report_job_error_threadsafe(SubmittedJobInfo(job), f"{message}\n    sbatch call:\n x")

    monkeypatch.setattr(executor.Executor, "run_job", refuse)
    log = tmp_path / "train.log"
    log.write_text("RuntimeError: of an earlier attempt\n")
    rehearsal, group = Rehearsal(), Group(log, tmp_path / "another.log")
    rehearsal.run_job(group)
    assert [job for job, _ in rehearsal.reported] == [group]
    assert not group.restart_times > group.attempt - 1, "as Snakemake decides on a restart"
    assert not log.exists()


def test_a_job_for_another_cluster_is_refused_for_good(monkeypatch):
    rehearsal, group = Rehearsal(), Group()
    group.resources = {"clusters": "b"}
    monkeypatch.setenv("SLURM_CLUSTERS", "a")
    rehearsal.run_job(group)
    ((job, message),) = rehearsal.reported
    assert job is group
    assert "clusters: b: all jobs of a run go to one cluster" in message


def test_a_group_that_slurm_does_not_take_for_now_is_submitted_again(monkeypatch):
    tries = []

    def refuse_once(_self, job):
        tries.append(job)
        if len(tries) == 1:
            try:
                raise OSError("Unable to test the validity of the given SLURM account")
            except OSError:
                job.rule  # noqa: B018

    monkeypatch.setattr(executor.Executor, "run_job", refuse_once)
    monkeypatch.setattr(executor, "_PAUSES", (0.0,))
    monkeypatch.setattr(executor, "ask_controller", lambda _run: {})
    rehearsal, group = Rehearsal(), Group()
    rehearsal.run_job(group)
    assert tries == [group, group]
    assert rehearsal.reported == []
    assert group.attempt == 1


def test_what_slurm_takes_and_a_stop_are_events_for_the_display(monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(executor.Executor, "_report_job_submission_threadsafe", lambda *_: None)
    monkeypatch.setattr(LastingExecutor, "shutdown", lambda _self: None)
    rehearsal, local = Rehearsal(), SimpleNamespace(pool=ThreadPoolExecutor())
    rehearsal.workflow.scheduler = SimpleNamespace(_local_executor=local)
    rehearsal._tried = False
    job = SimpleNamespace(jobid="group")
    rehearsal._report_job_submission_threadsafe(SubmittedJobInfo(job, "7"))
    rehearsal.cancel()
    taken, stopping, _ = caplog.records
    assert (taken.event, taken.jobid, taken.external_jobid) == (SUBMITTED, "group", "7")
    assert stopping.event == STOPPING


def test_on_a_stop_jobs_are_cancelled_before_anything_else(monkeypatch):
    order = []
    monkeypatch.setattr(executor, "ask", lambda command: order.append(" ".join(command)))
    monkeypatch.setattr(executor, "ask_controller", lambda _run: order.append("squeue") or {})
    monkeypatch.setattr(executor, "look_up", lambda _run, _jobs: {})
    monkeypatch.setattr(
        executor.Executor, "shutdown", lambda _self: order.append("wait for checks")
    )
    rehearsal = Rehearsal()
    rehearsal.active_jobs = [SubmittedJobInfo(None, "1")]
    rehearsal._job_submission_executor = ThreadPoolExecutor()
    local = SimpleNamespace(pool=ThreadPoolExecutor())
    rehearsal.workflow.scheduler = SimpleNamespace(_local_executor=local)
    rehearsal._tried = True
    rehearsal.cancel()
    cancel = "scancel --name run"
    assert order == [cancel, "wait for checks", cancel, "squeue"]
    assert not rehearsal.left_behind
