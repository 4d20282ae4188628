"""One line of progress for the whole grid, with an estimate of the time left.

A logging handler beside Snakemake's own: it hears jobs start and finish, and speaks every quarter
of a minute. Standard library only.
"""

import logging
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Mapping

INTERVAL = 15.0
"""Seconds between two lines."""

_EXPECTED_SECONDS = {"train": 120.0, "sample": 40.0, "measure": 8.0}
"""Until the first job of a rule has ended; as measured for the demo preset."""
_EXPECTED_OTHERWISE = 4.0


class GridProgress(logging.Handler):
    """Prints how many jobs are done, running and left, and about how long the rest will take.

    Args:
        rules: rule name of every job that will run, by job id.
        workers: how many jobs run at a time.
    """

    def __init__(self, rules: Mapping[int, str], workers: int) -> None:
        super().__init__()
        self._rules, self._workers = dict(rules), max(1, workers)
        self._waiting = set(rules)
        self._started: dict[int, float] = {}
        self._seconds: dict[str, list[float]] = defaultdict(list)
        self._began, self._failed = time.monotonic(), 0
        threading.Thread(target=self._speak_regularly, daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Hear an event of Snakemake's logger."""
        event, now = getattr(record, "event", None), time.monotonic()
        if event == "job_started":
            self._started |= dict.fromkeys(record.jobs, now)
            self._waiting.difference_update(record.jobs)
        elif event == "job_finished":
            self._finish(record.job_id, now)
        elif event == "job_error":
            self._failed += self._started.pop(record.jobid, None) is not None

    def line(self) -> str:
        """The line of progress as of now."""
        done = sum(len(seconds) for seconds in self._seconds.values())
        running = Counter(self._rules.get(job, "?") for job in dict(self._started))
        what = ", ".join(f"{count} {rule}" for rule, count in running.items()) or "none"
        failed = f", {self._failed} failed" if self._failed else ""
        passed, left = time.monotonic() - self._began, self.seconds_left()
        return (
            f"grid: {done} of {len(self._rules)} jobs done{failed}; running: {what}; "
            f"{_minutes(passed)} passed, about {_minutes(left)} left"
        )

    def seconds_left(self) -> float:
        """Estimate from the mean time of finished jobs of each rule."""
        now = time.monotonic()
        running = [
            max(self._expected(self._rules.get(job, "?")) - (now - start), 1.0)
            for job, start in dict(self._started).items()
        ]
        waiting = sum(self._expected(self._rules[job]) for job in set(self._waiting))
        return max([(sum(running) + waiting) / self._workers, *running])

    def _finish(self, job: int, now: float) -> None:
        start = self._started.pop(job, None)
        if start is not None and job in self._rules:
            self._seconds[self._rules[job]].append(now - start)

    def _expected(self, rule: str) -> float:
        seconds = self._seconds.get(rule)
        if seconds:
            return sum(seconds) / len(seconds)
        return _EXPECTED_SECONDS.get(rule, _EXPECTED_OTHERWISE)

    def _speak_regularly(self) -> None:
        while self._waiting or self._started:
            time.sleep(INTERVAL)
            print(self.line(), file=sys.stderr, flush=True)


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.0f} s"
