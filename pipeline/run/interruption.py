"""The polite end of a run on this machine: at Ctrl-C and at SIGTERM its jobs are told to end.

Left alone, Snakemake answers SIGTERM by waiting for all that runs, which may take days, and Ctrl-C
by an exception wherever it happens to be, after which it waits likewise.
"""

import atexit
import logging
import queue
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import psutil

from pipeline.run.messages import say
from pipeline.run.progress import STOPPING

STOPPED = "Stopped; the same command goes on from here (but for --forcerun, which begins afresh)."
"""What is said when all jobs have ended."""
_FAREWELL = 120.0
"""Seconds in which jobs have to save and end; then they are killed."""
_GLANCE = 0.2
"""Seconds between two looks at what is left of them."""


class Scheduler(Protocol):
    """What is needed of Snakemake's: a way to start no further jobs."""

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
        self._heard: queue.SimpleQueue[int] = queue.SimpleQueue()

    def listen(self) -> None:
        """Take over the signals, but for one that whoever started snakemake has switched off.

        A thread acts on them: the main one may hold a lock that stopping needs. It is there before
        any signal, since starting it takes a lock as well.
        """
        threading.Thread(target=self._stop, daemon=True).start()
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, lambda number, _: self._heard.put(number))

    def _stop(self) -> None:
        self._heard.get()
        told = "Terminating processes on user request; trainings save."
        self._logger.warning(told, extra={"event": STOPPING})
        atexit.register(say, STOPPED)
        self._scheduler.exit_gracefully()
        # Until snakemake has ended: it may have chosen a job just before, and start it now.
        end_children(lambda: not threading.main_thread().is_alive())


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
