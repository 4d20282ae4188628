"""Snakemake's Slurm executor, made to last: how it looks after jobs, submits and cancels them.

Version 2.8 of the plugin forgets all jobs when Slurm does not answer for a moment, waits for ever
for jobs that somebody cancelled or that were preempted for good, spends all retries of a job
within a second where Slurm takes none, submits twice what Slurm took without an answer, and leaves
jobs behind that are being submitted when a run is stopped. What is submitted stays the plugin's.
"""

import asyncio
import itertools
import re
import shlex
import subprocess
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil
from snakemake_executor_plugin_slurm import Executor
from snakemake_executor_plugin_slurm.job_status_query import query_job_status_sacct
from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo
from snakemake_interface_executor_plugins.jobs import JobExecutorInterface

_FAILED = {"BOOT_FAIL", "CANCELLED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY"}
_FAILED |= {"PREEMPTED", "TIMEOUT"}
"""States in which a job has ended; of one that comes back, the controller says that it waits."""
_FORGOTTEN = "UNKNOWN"
"""State of a job that neither the controller nor the accounts know; its outputs tell the rest."""
_PATIENCE = 60.0
"""Seconds that a question to Slurm may take."""
_FAREWELL = 120.0
"""Seconds in which jobs have to end that were cancelled; Slurm kills them after its KillWait."""
_INTERVAL_STEP, _LONGEST_INTERVAL = 10, 120
"""By how many seconds intervals between checks grow while no job ends, and up to which."""
_PAUSES = (5.0, 15.0, 60.0, 300.0)
"""Seconds until a job is submitted again that Slurm does not take for now; the last repeats."""
_FOR_NOW = re.compile(
    "MaxSubmit|Unable to contact slurm controller|Socket timed out|temporarily un"
    "|Zero Bytes were transmitted|Connection (refused|reset|timed out)|Transport endpoint"
    "|backup controller|Unable to test the validity"
)
"""What sbatch, or the plugin's look at accounts before it, says where a later try may succeed."""
_UNANSWERED = (OSError, subprocess.SubprocessError)
"""What is raised where Slurm does not answer."""
_DISABLED = "accounting storage is disabled"


class Answer(NamedTuple):
    """What Slurm says of one job: its state, and why it waits or failed."""

    state: str
    reason: str = "None"


class LastingExecutor(Executor):
    """The plugin's executor with the controller as authority: what it does not know has ended."""

    def __init__(self, *args: object) -> None:
        self._stopping, self._silent = threading.Event(), False
        self._submitted: set[str] = set()
        self._lost: set[str] = set()
        self._refusal = self._queue = ""
        super().__init__(*args)

    def __post_init__(self) -> None:
        """Let one thread submit, so that jobs that are not its own can be told from others."""
        super().__post_init__()
        self._job_submission_executor = ThreadPoolExecutor(max_workers=1)

    async def check_active_jobs(
        self, active_jobs: list[SubmittedJobInfo]
    ) -> AsyncIterator[SubmittedJobInfo]:
        """Report jobs that have ended, and yield the others: all, if Slurm does not answer."""
        shortest = self.workflow.executor_settings.init_seconds_before_status_checks
        jobs = {job.external_jobid: job for job in active_jobs}
        answers = await self._ask(jobs) if jobs else {}
        lost = {job for job, answer in answers.items() if answer.state == _FORGOTTEN}
        doubtful, self._lost = lost - self._lost, lost  # until the next look: accounts may be late
        ended = {job for job, answer in answers.items() if has_ended(answer.state)} - doubtful
        for number in ended:
            self._report(jobs.pop(number), answers[number])
        if answers:
            self._tell_queue(answers[job] for job in jobs)
        waited = self.next_seconds_between_status_checks + _INTERVAL_STEP
        self.next_seconds_between_status_checks = (
            min(waited, _LONGEST_INTERVAL) if jobs and not ended else shortest
        )
        for job in jobs.values():
            yield job

    async def _ask(self, jobs: Iterable[str]) -> dict[str, Answer]:
        """What Slurm says of every job; nothing, if it does not answer."""
        try:
            queue = await asyncio.to_thread(ask_controller, self.run_uuid)
            asked = any(job not in queue for job in jobs)
            accounts = await asyncio.to_thread(ask_accounts, self.run_uuid) if asked else {}
        except _UNANSWERED as error:
            if not self._silent:
                reason = _reason(error)
                self.logger.warning(f"Slurm does not answer, so its jobs are waited for: {reason}")
            self._silent = True
            return {}
        if self._silent:
            self.logger.warning("Slurm answers again.")
        self._silent = False
        return {job: settle(queue.get(job), accounts.get(job)) for job in jobs}

    def _report(self, job: SubmittedJobInfo, answer: Answer) -> None:
        log = Path(job.aux["slurm_logfile"])
        if answer.state in _FAILED:
            why = "" if answer.reason == "None" else f", {answer.reason}"
            message = f"Slurm job {job.external_jobid} ended as {answer.state}{why}\n"
            self.report_job_error(job, msg=message, aux_logs=[str(log)])
            return
        if answer.state == _FORGOTTEN:
            self.logger.warning(f"Slurm has forgotten job {job.external_jobid}; its outputs decide")
        self.report_job_success(job)
        if not self.workflow.executor_settings.keep_successful_logs:
            with suppress(OSError):
                log.unlink()

    def _tell_queue(self, answers: Iterable[Answer]) -> None:
        """Say how many jobs wait and why, if that has changed."""
        queue = describe_queue(answers)
        if queue != self._queue and queue:
            self.logger.info(f"Slurm: {queue}")
        self._queue = queue

    async def sleep(self) -> None:
        """Wait for the next check, but no longer than the run goes on."""
        end = time.monotonic() + self.next_seconds_between_status_checks
        while self.wait and time.monotonic() < end:
            await asyncio.sleep(0.5)

    def run_job(self, job: JobExecutorInterface) -> None:
        """Submit a job, and again until Slurm takes it, unless it never will."""
        refusal = self._submit(job)
        for pause in itertools.chain(_PAUSES, itertools.repeat(_PAUSES[-1])):
            if not refusal:
                return
            self.logger.warning(f"Slurm takes no job for now, again in {pause:.0f} s: {refusal}")
            if self._stopping.wait(pause):
                return
            refusal = self._end_strays() or self._submit(job)

    def _submit(self, job: JobExecutorInterface) -> str:
        """Why Slurm does not take a job for now; nothing if it does, or never will."""
        self._refusal = ""
        super().run_job(job)
        return self._refusal

    def _end_strays(self) -> str:
        """Cancel jobs that Slurm took without an answer; what to wait for before another try."""
        try:
            known = ask_controller(self.run_uuid).items()
            alive = [job for job, answer in known if not has_ended(answer.state)]
            strays = [job for job in alive if job not in self._submitted]
            if strays:
                _run(["scancel", *strays])
        except _UNANSWERED as error:
            return _reason(error)
        return f"it has taken {' '.join(strays)} unheard, to be ended first" if strays else ""

    def _report_job_submission_threadsafe(self, job_info: SubmittedJobInfo) -> None:
        self._submitted.add(job_info.external_jobid)
        super()._report_job_submission_threadsafe(job_info)

    def _report_job_error_threadsafe(self, job_info: SubmittedJobInfo, msg: str) -> None:
        message = " ".join(msg.partition("sbatch call:")[0].split())
        if _FOR_NOW.search(message):
            self._refusal = message
        else:
            super()._report_job_error_threadsafe(job_info, msg)

    def report_job_error(
        self, job_info: SubmittedJobInfo, msg: str | None = None, **details: object
    ) -> None:
        """Pass on why a job failed, also as a detail, since Snakemake drops messages of groups."""
        super().report_job_error(job_info, msg, reason=msg, **details)

    def get_account_arg(self, job: JobExecutorInterface) -> Iterator[str]:
        """The account that the profile names, or none, which the plugin would guess in vain."""
        if not job.resources.get("slurm_account"):
            return iter([""])
        return super().get_account_arg(job)

    def cancel(self) -> None:
        """End all jobs of this run, also those that are being submitted or asked about."""
        self._stopping.set()
        self._job_submission_executor.shutdown(wait=False, cancel_futures=True)
        self._end_jobs()
        self.shutdown()
        self._end_local_jobs()
        self.logger.warning("Stopped; the same command goes on from here.")

    def shutdown(self) -> None:
        """Leave no job behind, not even one that was just being submitted."""
        super().shutdown()
        if self._submitted or self._refusal:
            self._end_jobs()

    def _end_local_jobs(self) -> None:
        """End jobs that run beside snakemake, which would take itself down under them."""
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                process.terminate()
        self.workflow.scheduler._local_executor.pool.shutdown(cancel_futures=True)

    def _end_jobs(self) -> None:
        """Cancel what is left of this run, and wait until it has saved and ended."""
        end = time.monotonic() + _FAREWELL
        try:
            _run(["scancel", "--name", self.run_uuid])  # the run's id is the name of its jobs
            while any(not has_ended(job.state) for job in ask_controller(self.run_uuid).values()):
                if time.monotonic() > end:
                    raise TimeoutError(f"not ended within {_FAREWELL:.0f} s")
                time.sleep(0.5)
        except _UNANSWERED as error:
            reason = _reason(error)
            self.logger.error(f"Slurm jobs may go on, run workflow/recover.sh: {reason}")


def settle(queued: Answer | None, account: Answer | None) -> Answer:
    """What holds of a job, by the controller, which forgets it minutes after its end, and accounts.

    A job that only accounts take to be running has ended, in a way that nobody knows.
    """
    if queued is not None:
        return queued
    return account if account and has_ended(account.state) else Answer(_FORGOTTEN)


def has_ended(state: str) -> bool:
    """Whether a job in this state is over for good."""
    return state in _FAILED or state in ("COMPLETED", _FORGOTTEN)


def describe_queue(answers: Iterable[Answer]) -> str:
    """How many jobs are in which state, and why those that wait do."""
    answers = list(answers)
    why = Counter(answer.reason for answer in answers if answer.state == "PENDING")
    reasons = ", ".join(f"{count} {reason}" for reason, count in why.most_common())
    states = Counter(answer.state.lower() for answer in answers).most_common()
    return ", ".join(
        f"{count} {state}" + (f" ({reasons})" if state == "pending" else "")
        for state, count in states
    )


def ask_controller(run_id: str) -> Mapping[str, Answer]:
    """Jobs of a run that the controller knows; raises OSError or SubprocessError if it is down."""
    shown = ["--all", "--states", "all", "--name", run_id, "--format", "%i|%T|%r"]
    return parse_answers(_run(["squeue", "--noheader", *shown]))


def ask_accounts(run_id: str) -> Mapping[str, Answer]:
    """Jobs of a run that are on account, none where the site keeps none; raises likewise."""
    try:
        return parse_answers(_run(shlex.split(query_job_status_sacct(run_id))))
    except FileNotFoundError:
        return {}
    except subprocess.CalledProcessError as error:
        if _DISABLED in error.stderr:
            return {}
        raise


def parse_answers(text: str) -> dict[str, Answer]:
    """Jobs by number from lines `number|state|reason`, of which accounts lack the reason."""
    rows = [line.split("|") for line in text.splitlines()]
    states = [row for row in rows if row[1:] and row[1].strip()]
    return {row[0]: Answer(row[1].split()[0], *row[2:3]) for row in states}  # "CANCELLED by 1000"


def _reason(error: Exception) -> str:
    """What a command of Slurm said, or what became of it, in one line."""
    return " ".join(str(getattr(error, "stderr", None) or error).split())


def _run(command: list[str]) -> str:
    return subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=_PATIENCE
    ).stdout
