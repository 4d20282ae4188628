"""The logger plugin: Snakemake's own output, and a display that hears all and hides some of it."""

import io
import logging
import sys
from types import SimpleNamespace

import pytest
from snakemake.logging import DefaultFilter, DefaultFormatter
from snakemake.settings.enums import Quietness
from snakemake_interface_logger_plugins.common import LogEvent

from snakemake_logger_plugin_grid import LogHandler


class Pieces(io.StringIO):
    """A terminal that knows in which pieces it was written to."""

    def __init__(self):
        super().__init__()
        self.pieces = []

    def write(self, text):
        self.pieces.append(text)
        return len(text)


class Display:
    """Hides progress, and fails at what it does not know."""

    def __init__(self):
        self.heard = []

    def hear(self, record):
        self.heard.append(record.event)
        if record.event == LogEvent.DEBUG_DAG:
            raise KeyError("a fault of the display")
        return record.event != LogEvent.PROGRESS


@pytest.fixture
def terminal(monkeypatch):
    terminal = Pieces()
    monkeypatch.setattr(sys, "stderr", terminal)
    return terminal


@pytest.fixture
def handler(terminal):
    """As Snakemake makes it with `--quiet rules`."""
    handler = LogHandler(SimpleNamespace(stdout=False, nocolor=False), None)
    handler.addFilter(DefaultFilter({Quietness.RULES}, False, False, False, False))
    handler.setFormatter(DefaultFormatter())
    return handler


def send(handler, message="", **values):
    record = logging.LogRecord("snakemake", logging.INFO, "", 0, message, None, None)
    vars(record).update({"event": None} | values)
    handler.handle(record)


def test_without_a_display_all_is_shown_that_snakemake_shows(handler, terminal):
    send(handler, "Building DAG of jobs...")
    send(handler, event=LogEvent.PROGRESS, done=1, total=4)
    send(handler, "Error in rule train", event=LogEvent.JOB_ERROR)
    assert terminal.pieces == ["Building DAG of jobs...\n", "1 of 4 steps (25%) done\n"]


def test_a_display_hears_what_is_quiet_and_hides_what_it_says_itself(handler, terminal):
    display = Display()
    send(handler, "Jobs to run: 4", display=lambda: display)
    send(handler, event=LogEvent.PROGRESS, done=1, total=4)
    send(handler, "Error in rule train", event=LogEvent.JOB_ERROR)
    send(handler, "Elapsed time")
    assert display.heard == [LogEvent.PROGRESS, LogEvent.JOB_ERROR, None]
    assert terminal.pieces == ["Elapsed time\n"]


def test_a_fault_of_the_display_is_told_and_the_thread_that_logs_goes_on(handler, terminal, capsys):
    send(handler, display=Display)
    send(handler, "of the plan", event=LogEvent.DEBUG_DAG)
    assert "KeyError: 'a fault of the display'" in capsys.readouterr().err
    send(handler, "Elapsed time")
    assert terminal.pieces == ["Elapsed time\n"]
