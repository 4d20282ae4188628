"""What is concluded from Slurm's answers; tests/slurm has the real ones."""

import asyncio
import logging
import subprocess
import threading
from types import SimpleNamespace

import pytest
from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo

from pipeline.slurm import executor
from pipeline.slurm.answers import (
    Answer,
    ask_accounts,
    describe_queue,
    has_ended,
    parse_answers,
    settle,
)
from pipeline.slurm.executor import LastingExecutor


def test_answers_of_the_controller_and_of_accounts_are_read_alike():
    assert parse_answers("12|RUNNING|None\n13|PENDING|ReqNodeNotAvail, May be reserved\n") == {
        "12": Answer("RUNNING"),
        "13": Answer("PENDING", "ReqNodeNotAvail, May be reserved"),
    }
    accounts = parse_answers("CLUSTER: test\n12|CANCELLED by 1000\n13||\n")
    assert accounts == {"12": Answer("CANCELLED")}


@pytest.mark.parametrize(
    ("queued", "account", "state"),
    [
        ("RUNNING", "FAILED", "RUNNING"),  # requeued, and accounts are late
        ("PREEMPTED", "RUNNING", "PREEMPTED"),
        (None, "COMPLETED", "COMPLETED"),
        (None, "TIMEOUT", "TIMEOUT"),
        (None, "RUNNING", "UNKNOWN"),
        (None, None, "UNKNOWN"),
    ],
)
def test_the_controller_decides_and_accounts_remember(queued, account, state):
    answers = [Answer(word) if word else None for word in (queued, account)]
    assert settle(*answers).state == state


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


def test_a_group_that_cannot_be_submitted_is_reported(monkeypatch):
    """Although the plugin, looking for the name of its rule, fails to report it."""

    def fail(_self, job):
        try:
            raise OSError("no place for logs")
        except OSError:
            job.rule  # noqa: B018

    monkeypatch.setattr(executor.Executor, "run_job", fail)
    rehearsal, group = Rehearsal(), object()
    rehearsal._main_event_loop = None
    rehearsal.run_job(group)
    assert rehearsal.reported == [(group, "Job submission failed: no place for logs")]


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
    rehearsal, group = Rehearsal(), object()
    rehearsal.run_uuid = "run"
    rehearsal.run_job(group)
    assert tries == [group, group]
    assert rehearsal.reported == []
