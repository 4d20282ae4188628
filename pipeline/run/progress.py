"""What a run tells its user: a line for every job that ends, and one for the whole grid.

It hears the events that Snakemake logs, from the package snakemake_logger_plugin_grid, and two that
the workflow logs itself. Standard library only.
"""

import logging
import re
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

from pipeline.run.curves import Reached, last_point
from pipeline.run.job_logs import error_line, last_lines, note_failure
from pipeline.run.messages import say
from pipeline.stages.catalogue import RULES
from pipeline.stages.record import Rule

SUBMITTED = "job_submitted"
"""Our event for a job that Slurm has taken: the record has `jobid`, as in events of Snakemake, and
`external_jobid`."""
STOPPING = "run_stopping"
"""Our event for the end of a run by its user: jobs that fail from then on were ended by that."""
INTERVAL = 15.0
"""Seconds between two lines about the grid, if something has changed."""
_LONGEST_INTERVAL = 600.0
"""The same, if nothing has."""

_ERRORS = ("job_error", "group_error")
_TOLD_HERE = ("job_started", "job_finished", "progress", SUBMITTED)
"""Events that need not be shown, as this display has its own lines for them."""
CHATTER = (
    "Select jobs to execute...",
    "Will exit after finishing currently running jobs",
    "has been submitted with SLURM jobid",
)
"""Parts of messages that come with no event, at every pass of the scheduler and for every job, and
need not be shown; if Snakemake or its plugin for Slurm words them anew, they are merely shown."""


class PlannedJob(NamedTuple):
    """A job of the run.

    Attributes:
        rule: name of its rule.
        place: its wildcards.
        submission: what Snakemake calls the job, or the group of jobs, that it is started with.
        local: whether it runs where snakemake runs.
        logs: directory of its log; empty if it has none.
    """

    rule: str
    place: str
    submission: Hashable
    local: bool = True
    logs: str = ""

    def __str__(self) -> str:
        """How lines name the job."""
        return f"{self.rule} {self.place}".rstrip()


class Event(logging.LogRecord):
    """What records of events have beside the message; each event has some of it.

    Attributes:
        jobs: ids of jobs that start, and of groups that do.
        job_id: of a job that has ended well.
        jobid: of a job that failed, or of a job or group that Slurm has taken.
        external_jobid: Slurm's number of it.
        rule_msg: why a job failed, if that is known.
        log: paths of a job's logs.
        job_error_info: of every job of a group that failed, its `jobid`, and in `aux` a `reason`.
        aux_logs: paths of Slurm's logs of a group.
    """

    jobs: Sequence[int | str]
    job_id: int
    jobid: int
    external_jobid: str
    rule_msg: str | None
    log: list[str]
    job_error_info: list[dict[str, Any]]
    aux_logs: list[str]


class GridProgress:
    """Tells which jobs ended and how, how many are left, and about how long they will take.

    It begins to speak when it is made.

    Args:
        jobs: every job that will run, by job id.
        local: how many run at a time where snakemake runs.
        elsewhere: how many run at a time as jobs of a cluster.
    """

    def __init__(self, jobs: Mapping[int, PlannedJob], local: int, elsewhere: int = 1) -> None:
        self._jobs, self._workers = dict(jobs), {True: local, False: elsewhere}
        self._members: dict[str, list[int]] = defaultdict(list)
        for number, job in jobs.items():
            self._members[str(job.submission)].append(number)
        self._waiting: set[int] = set(jobs)
        self._failed: set[int] = set()
        self._started: dict[int, float] = {}
        self._seconds: dict[str, list[float]] = {}
        self._stopped = False
        self._group_errors: dict[int, tuple[str | None, list[str]]] = {}
        self._began = time.monotonic()
        threading.Thread(target=self._speak_regularly, daemon=True).start()

    def hear(self, record: logging.LogRecord) -> bool:
        """Hear an event of Snakemake's logger, or of the workflow's.

        Returns:
            Whether it is for the user as Snakemake shows it: it is unless it is told here, or is an
            error of a job that the user has ended.
        """
        event, message = getattr(record, "event", None), str(record.msg)
        self._stopped |= event == STOPPING
        if self._stopped and (event in _ERRORS or _is_of_a_rule(record)):
            return False
        self._follow(event, cast(Event, record))
        return event not in _TOLD_HERE and not any(part in message for part in CHATTER)

    def _follow(self, event: str | None, record: Event) -> None:
        """Keep account of the jobs, and tell what became of them."""
        now = time.monotonic()
        if event == "job_started":
            jobs = {job for name in record.jobs for job in self._members.get(str(name), ())}
            self._started |= dict.fromkeys(jobs, now)
            self._waiting -= jobs
            self._failed -= jobs
        elif event == SUBMITTED:
            members = self._members.get(str(record.jobid), ())
            names = " and ".join(str(self._jobs[number]) for number in members)
            say(f"queued: {names} (Slurm job {record.external_jobid})")
        elif event == "job_finished":
            self._finish(record.job_id, now)
        elif event == "group_error":  # comes before the errors of its jobs, which lack all this
            for job in record.job_error_info:
                self._group_errors[job["jobid"]] = (job["aux"].get("reason"), record.aux_logs)
        elif event == "job_error":
            reason, logs = self._group_errors.pop(record.jobid, (None, []))
            self._fail(record.jobid, record.rule_msg or reason, [*record.log, *logs])

    def line(self) -> str:
        """The line of progress as of now."""
        done = sum(len(seconds) for seconds in self._seconds.values())
        running = Counter(self._jobs[job].rule for job in dict(self._started))
        steps = self._steps()
        what = ", ".join(f"{n} {rule}{steps.get(rule, '')}" for rule, n in running.items())
        failed = f", {len(self._failed)} failed" if self._failed else ""
        passed, left = time.monotonic() - self._began, self.seconds_left()
        until = "time left not known yet" if left is None else f"about {_minutes(left)} left"
        return (
            f"grid: {done} of {len(self._jobs)} jobs done{failed}, {len(self._waiting)} left; "
            f"started: {what or 'none'}; {_minutes(passed)} passed, {until}"
        )

    def seconds_left(self) -> float | None:
        """Estimate from the mean time of finished jobs of each rule, in the queue and running.

        Rules of which no job has ended are reckoned with at the pace of the others. The estimate is
        None as long as nothing is known of some rule that runs elsewhere.
        """
        now, started, waiting = time.monotonic(), dict(self._started), set(self._waiting)
        pace = self._pace({job: now - start for job, start in started.items()})
        points = self._points()
        times = self._times(points, now)
        guessed = {
            job: self._expected(self._jobs[job], pace, times) for job in {*started, *waiting}
        }
        expected = {job: seconds for job, seconds in guessed.items() if seconds is not None}
        if len(expected) < len(guessed):
            return None
        # A job that takes longer than expected may end at any moment.
        running = {job: max(expected[job] - (now - start), 1.0) for job, start in started.items()}
        running |= {job: point.seconds_left for job, point in points.items()}
        work = {True: 0.0, False: 0.0}
        for job, seconds in (expected | running).items():
            work[self._jobs[job].local] += seconds
        # Shared evenly by the workers, but no sooner than the last of the running jobs ends.
        shared = sum(seconds / self._workers[local] for local, seconds in work.items())
        return max([shared, *running.values()])

    def _points(self) -> dict[int, Reached]:
        """How far trainings are that write a curve, by job."""
        now, found = time.monotonic(), {}
        for job, start in dict(self._started).items():
            logs = self._jobs[job].logs
            if logs and (point := last_point(Path(logs), now - start)):
                found[job] = point
        return found

    def _steps(self) -> dict[str, str]:
        """What lines say of the steps of trainings, by rule."""
        steps: dict[str, list[str]] = defaultdict(list)
        for job, point in self._points().items():
            steps[self._jobs[job].rule].append(f"{point.step} of {point.last_step}")
        return {rule: f" (step {', '.join(found)})" for rule, found in steps.items()}

    def _finish(self, number: int, now: float) -> None:
        start = self._started.pop(number, None)
        if start is not None:
            job = self._jobs[number]
            self._seconds.setdefault(job.rule, []).append(now - start)
            say(f"done:   {job} ({_minutes(now - start)})")

    def _fail(self, number: int, reason: str | None, logs: Sequence[str]) -> None:
        if self._started.pop(number, None) is not None:
            self._failed.add(number)
            why = _summary(reason or "")
            say(f"failed: {self._jobs[number]}" + (f" ({why})" if why else ""))
            for log in logs:  # that of the rule, then Slurm's, if it is needed to understand
                lines = [line for line in last_lines(log) if line != f"error: {why}"]
                if lines:
                    say(f"        the end of {log}:")
                for line in lines:
                    say(f"          {line}")
                if error_line(log):
                    break
            else:
                for log in logs[:1]:
                    note_failure(log, why)

    def _expected(
        self, job: PlannedJob, pace: float, times: Mapping[str, Sequence[float]]
    ) -> float | None:
        if seconds := times.get(job.rule):
            return sum(seconds) / len(seconds)
        return pace * _reckoned(job.rule) if job.local else None

    def _times(self, points: Mapping[int, Reached], now: float) -> dict[str, list[float]]:
        """Seconds that jobs of every rule took; where none has ended, what running ones will take.

        Only trainings tell how far they are. Further ones are taken to be like those that run.
        """
        times: dict[str, list[float]] = defaultdict(list)
        for job, point in points.items():
            if job in self._started:
                times[self._jobs[job].rule].append(now - self._started[job] + point.seconds_left)
        return dict(times) | dict(self._seconds)

    def _pace(self, running: Mapping[int, float]) -> float:
        """How much longer local jobs have taken than reckoned; running ones count if overdue.

        Args:
            running: seconds that each job has run for.
        """
        local = {job.rule for job in self._jobs.values() if job.local}
        took = [(r, t) for r, times in dict(self._seconds).items() if r in local for t in times]
        going = [(self._jobs[job].rule, seconds) for job, seconds in running.items()]
        took += [(r, t) for r, t in going if r in local and t > _reckoned(r)]
        reckoned = sum(_reckoned(rule) for rule, _ in took)
        return sum(seconds for _, seconds in took) / reckoned if took else 1.0

    def _speak_regularly(self) -> None:
        spoken, state = time.monotonic(), None
        while self._waiting or self._started:
            time.sleep(INTERVAL)
            news = (set(self._waiting), set(self._started), set(self._failed))
            if news != state or time.monotonic() - spoken > _LONGEST_INTERVAL:
                say(self.line())
                spoken, state = time.monotonic(), news


def _is_of_a_rule(record: logging.LogRecord) -> bool:
    """Whether Snakemake tells of a job's failure by an exception."""
    return getattr(record, "exception", None) == "RuleException"


def _reckoned(rule: str) -> float:
    return RULES.get(rule, Rule(rule)).seconds


def _summary(reason: str) -> str:
    """What Snakemake says of a failure in one line, without commands and advice."""
    return " ".join(re.split(r"sbatch call:|For further error details", reason)[0].split())


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.0f} s"
