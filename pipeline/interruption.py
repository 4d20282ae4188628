"""The polite end of a run on this machine: at Ctrl-C and at SIGTERM its jobs are told to end.

Left alone, Snakemake answers SIGTERM by waiting for all that runs, which may take days, and Ctrl-C
by an exception wherever it happens to be, after which it waits likewise.
"""

import logging
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import psutil

_FAREWELL = 120.0
"""Seconds in which jobs have to save and end; then they are killed."""
_GLANCE = 0.2
"""Seconds between two looks at what is left of them."""


class Scheduler(Protocol):
    """What is needed of Snakemake's: the jobs that run, and a way to start no others."""

    running: set

    def exit_gracefully(self) -> None:
        """Return from scheduling once no job runs."""


class Interruption:
    """Hears that the user ends a run, and ends its jobs; snakemake ends when they have saved.

    Args:
        scheduler: of the run.
        logger: Snakemake's.
    """

    def __init__(self, scheduler: Scheduler, logger: logging.Logger) -> None:
        self._scheduler, self._logger = scheduler, logger
        self._thread = threading.Thread(target=self._stop)

    def listen(self) -> None:
        """Take over the signals, but for one that whoever started snakemake has switched off."""
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._hear)

    def _hear(self, *_: object) -> None:
        """Act in a thread, since the main one may hold the lock that stopping needs."""
        with suppress(RuntimeError):  # of a thread that an earlier signal has started
            self._thread.start()

    def _stop(self) -> None:
        self._logger.warning("Terminating processes on user request; trainings save.")
        self._scheduler.exit_gracefully()
        end_children(lambda: not self._scheduler.running)
        self._logger.warning("Stopped; the same command goes on from here.")


def end_children(over: Callable[[], bool], farewell: float = _FAREWELL) -> None:
    """Tell all processes below this one to end, also those that start now, until it is over.

    Args:
        over: whether nothing is left to end.
        farewell: seconds after which what is left is killed.
    """
    told: set[psutil.Process] = set()
    deadline = time.monotonic() + farewell
    while not over():
        late = time.monotonic() > deadline
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if late:
                    process.kill()
                elif process not in told:
                    process.terminate()
            told.add(process)
        time.sleep(_GLANCE)
