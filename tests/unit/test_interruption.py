"""How a run on this machine ends: signals are heard once, and processes are told to end."""

import logging
import signal
import subprocess
import sys
import threading
import time

import pytest

from pipeline.run.interruption import Interruption, end_children
from pipeline.run.progress import STOPPING

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True)"


@pytest.fixture
def signals():
    """Handlers of the signals, put back after the test."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


class Scheduler:
    def __init__(self):
        self.told = 0

    def exit_gracefully(self):
        self.told += 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_scheduler_once_and_raises_nothing(signals, monkeypatch, caplog, number):
    scheduler, ended = Scheduler(), threading.Event()
    monkeypatch.setattr("pipeline.run.interruption.end_children", lambda _: ended.set())
    monkeypatch.setattr("atexit.register", lambda *_, **__: None)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    Interruption(scheduler, logging.getLogger("snakemake of a test")).listen()
    for _ in range(3):
        signal.raise_signal(number)
    assert ended.wait(60)
    assert scheduler.told == 1
    (record,) = caplog.records
    assert "Terminating processes on user request" in record.getMessage()
    assert record.event == STOPPING


def test_a_run_in_the_background_does_not_hear_ctrl_c(signals):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Interruption(Scheduler(), logging.getLogger()).listen()
    assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN


def test_processes_are_told_to_end_and_killed_if_they_do_not():
    code = f"{STUBBORN}; time.sleep(600)"
    patient = subprocess.Popen(["sleep", "600"])
    stubborn = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    stubborn.stdout.readline()
    began = time.monotonic()
    end_children(lambda: None not in (patient.poll(), stubborn.poll()), farewell=1.0)
    assert time.monotonic() - began > 1.0
    assert (patient.returncode, stubborn.returncode) == (-signal.SIGTERM, -signal.SIGKILL)
    stubborn.stdout.close()
