"""Snakemake's Slurm executor, made to last: how it looks after jobs, submits and cancels them.

Version 2.8 of the plugin forgets all jobs when Slurm does not answer for a moment, waits for ever
for jobs that somebody cancelled or that were preempted for good, spends all retries of a job
within a second where Slurm takes none, submits twice what Slurm took without an answer, and leaves
jobs behind that are being submitted when a run is stopped. It asks Slurm with whatever filters the
user's shell has. What is submitted stays the plugin's.
"""

import asyncio
import itertools
import os
import queue
import re
import sys
import threading
import time
from collections.abc import AsyncIterator, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from snakemake_executor_plugin_slurm import Executor
from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo
from snakemake_interface_executor_plugins.jobs import JobExecutorInterface

from pipeline.base.errors import PipelineError
from pipeline.run.interruption import STOPPED, end_children
from pipeline.run.progress import STOPPING, SUBMITTED
from pipeline.slurm.answers import (
    FAILED,
    FORGOTTEN,
    UNANSWERED,
    Answer,
    ask,
    ask_controller,
    cluster_name,
    describe_queue,
    error_text,
    has_ended,
    look_up,
)
from pipeline.slurm.clusters import refuse_other_clusters
from pipeline.slurm.driver import record_driver
from pipeline.slurm.environment import slurm_environment
from pipeline.slurm.recover import refuse_to_run_twice

_FAREWELL = 120.0
"""Seconds in which jobs have to end that were cancelled; Slurm kills them after its KillWait."""
_INTERVAL_STEP, _LONGEST_INTERVAL = 10, 120
"""By how many seconds intervals between checks grow while no job ends, and up to which."""
_PAUSES = (5.0, 15.0, 60.0, 300.0)
"""Seconds until a job is submitted again that Slurm does not take for now; the last repeats."""
_FOR_NOW = re.compile(
    "SubmitJob|Unable to contact slurm controller|Socket timed out|temporarily un"
    "|Zero Bytes were transmitted|Connection (refused|reset|timed out)|Transport endpoint"
    "|backup controller|Unable to test the validity"
)
"""What sbatch, or the plugin's look at accounts before it, says where a later try may succeed."""


class LastingExecutor(Executor):  # type: ignore[misc] # which has no types
    """The plugin's executor, which believes Slurm's controller, and after it Slurm's accounts.

    Snakemake is given it by the package snakemake_executor_plugin_lasting_slurm.

    Attributes:
        cluster: name of the cluster that jobs are submitted to; empty if Slurm does not tell.
        left_behind: whether jobs may outlive snakemake, since Slurm did not take back all.
    """

    next_seconds_between_status_checks: int

    def __init__(self, *args: object) -> None:
        try:
            _leave_the_environment_of_the_shell()
            refuse_to_run_twice(Path())
        except (PipelineError, *UNANSWERED) as error:
            sys.exit(f"error: {error_text(error)}")
        self.cluster, self.left_behind = _ask_for_cluster(), False
        self._stopping, self._silent = threading.Event(), False
        self._tried = False
        self._open: set[JobExecutorInterface] = set()
        self._submitted: set[str] = set()
        self._lost: set[str] = set()
        self._refusal = self._queue = ""
        super().__init__(*args)

    def __post_init__(self) -> None:
        """Let one thread submit, so that jobs that are not its own can be told from others."""
        super().__post_init__()
        record_driver(Path.cwd(), self.run_uuid, self.cluster, lambda: self.left_behind)
        self._job_submission_executor = ThreadPoolExecutor(max_workers=1)

    async def check_active_jobs(
        self, active_jobs: list[SubmittedJobInfo]
    ) -> AsyncIterator[SubmittedJobInfo]:
        """Report jobs that have ended, and yield the others: all, if Slurm does not answer."""
        shortest = self.workflow.executor_settings.init_seconds_before_status_checks
        jobs = {job.external_jobid: job for job in active_jobs}
        answers = await self._ask(jobs) if jobs else {}
        if self._stopping.is_set():
            answers = {}  # they are being cancelled, which is no failure
        lost = {job for job, answer in answers.items() if answer.state == FORGOTTEN}
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

    async def _ask(self, jobs: Collection[str]) -> dict[str, Answer]:
        """What Slurm says of every job; nothing, if it does not answer."""
        try:
            answers = await asyncio.to_thread(look_up, self.run_uuid, jobs)
        except UNANSWERED as error:
            if not self._silent:
                reason = error_text(error)
                self.logger.warning(f"Slurm does not answer, so its jobs are waited for: {reason}")
            self._silent = True
            return {}
        if self._silent:
            self.logger.warning("Slurm answers again.")
        self._silent = False
        return answers

    def _report(self, job: SubmittedJobInfo, answer: Answer) -> None:
        log = Path(job.aux["slurm_logfile"])
        if answer.state in FAILED:
            why = "" if answer.reason == "None" else f", {answer.reason}"
            message = f"Slurm job {job.external_jobid} ended as {answer.state}{why}\n"
            self.report_job_error(job, msg=message, aux_logs=[str(log)])
            return
        if answer.state == FORGOTTEN:
            self.logger.warning(f"Slurm has forgotten job {job.external_jobid}; its outputs decide")
        self.report_job_success(job)
        if not self.workflow.executor_settings.keep_successful_logs:
            with suppress(OSError):
                log.unlink()

    def _tell_queue(self, answers: Iterable[Answer]) -> None:
        """Say how many jobs wait and why, if that has changed."""
        told, self._queue = self._queue, describe_queue(answers)
        if self._queue not in ("", told):
            self.logger.info(f"Slurm: {self._queue}")

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
        self._refusal, self._tried = "", True
        self._open.add(job)
        try:
            for log in job.log:  # of an earlier attempt; this one may fail without one of its own
                Path(log).unlink(missing_ok=True)
            refuse_other_clusters(job.resources, os.environ.get("SLURM_CLUSTERS", ""))
            super().run_job(job)
        except Exception as error:  # the plugin trips over groups where it reports what happened
            cause = f"Job submission failed: {error.__context__ or error}"
            self._report_job_error_threadsafe(SubmittedJobInfo(job), cause)
        return self._refusal

    def _end_strays(self) -> str:
        """Cancel jobs that Slurm took without an answer; what to wait for before another try."""
        try:
            known = ask_controller(self.run_uuid).items()
            alive = [job for job, answer in known if not has_ended(answer.state)]
            strays = [job for job in alive if job not in self._submitted]
            if strays:
                ask(["scancel", *strays])
        except UNANSWERED as error:
            return error_text(error)
        return f"it has taken {' '.join(strays)} unheard, to be ended first" if strays else ""

    def _report_job_submission_threadsafe(self, job_info: SubmittedJobInfo) -> None:
        self._submitted.add(job_info.external_jobid)
        numbers = {"jobid": job_info.job.jobid, "external_jobid": job_info.external_jobid}
        told = f"Slurm has taken job {numbers['jobid']} as {numbers['external_jobid']}"
        self.logger.info(told, extra={"event": SUBMITTED, **numbers})
        super()._report_job_submission_threadsafe(job_info)

    def _report_job_error_threadsafe(self, job_info: SubmittedJobInfo, msg: str) -> None:
        message = " ".join(msg.partition("sbatch call:")[0].split())
        if _FOR_NOW.search(message):
            self._refusal = message
        else:  # it never will be taken: all its tries count as used
            job_info.job._attempt = job_info.job.restart_times + 1
            super()._report_job_error_threadsafe(job_info, msg)

    def report_job_error(
        self, job_info: SubmittedJobInfo, msg: str | None = None, **details: object
    ) -> None:
        """Pass on why a job failed, also as a detail, since Snakemake drops messages of groups."""
        self._open.discard(job_info.job)
        super().report_job_error(job_info, msg, reason=msg, **details)

    def report_job_success(self, job_info: SubmittedJobInfo) -> None:
        """Pass on that a job has ended."""
        self._open.discard(job_info.job)
        super().report_job_success(job_info)

    def get_account_arg(self, job: JobExecutorInterface) -> Iterator[str]:
        """The account that the profile names, or none, which the plugin would guess in vain."""
        if not job.resources.get("slurm_account"):
            return iter([""])
        return super().get_account_arg(job)

    def cancel(self) -> None:
        """End all jobs of this run, also those that are being submitted or run beside snakemake."""
        self._stopping.set()
        told = "The jobs of this run are being cancelled; trainings save."
        self.logger.warning(told, extra={"event": STOPPING})
        self.left_behind = self._tried  # until their end was seen, whatever comes between
        self._cancel_jobs()  # before all else: a job around snakemake may end within half a minute
        local_pool = self.workflow.scheduler._local_executor.pool
        with suppress(queue.Empty):
            while True:  # not by cancelling, of which each job would complain
                local_pool._work_queue.get_nowait()
        self.shutdown()
        local_pool.shutdown(wait=False)
        end_children(lambda: not any(thread.is_alive() for thread in local_pool._threads))
        if not self.left_behind:
            self.logger.warning(STOPPED)

    def shutdown(self) -> None:
        """Leave no job behind, not even one that was just being submitted."""
        unfinished = self._open or self._stopping.is_set()
        self._stopping.set()
        self._job_submission_executor.shutdown(wait=False, cancel_futures=True)
        super().shutdown()
        if self._tried and unfinished:
            self.left_behind = True
            self._cancel_jobs()
            self._wait_for_the_end()

    def _cancel_jobs(self) -> None:
        """Cancel what Slurm has of this run, if it hears; whether it did is seen by looking."""
        if self._tried:
            with suppress(*UNANSWERED):
                ask(["scancel", "--name", self.run_uuid])  # the run's id is the name of its jobs

    def _wait_for_the_end(self) -> None:
        """Wait until cancelled jobs have saved and ended."""
        end = time.monotonic() + _FAREWELL
        try:
            open_jobs = {job.external_jobid for job in self.active_jobs}
            jobs = open_jobs | ask_controller(self.run_uuid).keys()
            while any(not has_ended(job.state) for job in look_up(self.run_uuid, jobs).values()):
                if time.monotonic() > end:
                    raise TimeoutError(f"not ended within {_FAREWELL:.0f} s")
                time.sleep(0.5)
            self.left_behind = False
        except UNANSWERED as error:
            reason = error_text(error)
            self.logger.error(f"Slurm jobs may go on, run workflow/recover.sh: {reason}")


def _leave_the_environment_of_the_shell() -> None:
    """Let nothing that the plugin starts inherit filters and options, nor another job's size."""
    own = slurm_environment(os.environ)
    for name in os.environ.keys() - own.keys():
        del os.environ[name]
    os.environ.update(own)


def _ask_for_cluster() -> str:
    try:
        return cluster_name()
    except UNANSWERED:  # said again, and louder, by the first look at jobs
        return ""
