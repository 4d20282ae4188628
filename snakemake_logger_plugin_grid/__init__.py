"""A logger plugin of Snakemake, for the display of a workflow's own (`logger: [grid]`).

The workflow hands its display over when a run starts: it logs a record whose `display` makes one.
The display then hears every event, and decides which of them are shown as well. Until then, as in
dry runs, all is shown as Snakemake would. Snakemake finds this package by its name, in whichever
checkout is installed, before it reads a Snakefile; so it imports nothing of `pipeline`.
"""

import io
import logging
import sys
from typing import Protocol

from snakemake.logging import ColorizingTextHandler
from snakemake_interface_logger_plugins.base import LogHandlerBase

__all__ = ["LogHandler"]


class Display(Protocol):
    """Tells the user of a run in its own way."""

    def hear(self, record: logging.LogRecord) -> bool:
        """Hear an event; returns whether it is to be shown as Snakemake does."""


class LogHandler(LogHandlerBase):
    """Writes to the terminal, in the place of Snakemake's own handler."""

    writes_to_stream = True
    writes_to_file = False
    has_filter = False  # Snakemake adds its own, which follows --quiet and the like
    has_formatter = False  # likewise
    needs_rulegraph = False

    def __post_init__(self) -> None:
        """Look at the terminal, for its colours, and write into a buffer from then on."""
        self._stream = sys.stdout if self.common_settings.stdout else sys.stderr
        self._snakemakes = ColorizingTextHandler(self.common_settings.nocolor, self._stream)
        self._display: Display | None = None

    def handle(self, record: logging.LogRecord) -> bool:
        """Let the display hear a record before Snakemake's filter, which drops what is quiet."""
        try:
            if make_display := getattr(record, "display", None):
                self._display = make_display()
                return False
            shown = self._display is None or self._display.hear(record)
        except Exception:  # else the thread that logs would end, and all messages with it
            self.handleError(record)
            shown = True
        return shown and bool(super().handle(record))

    def emit(self, record: logging.LogRecord) -> None:
        """Show a record as Snakemake does, in one piece: other threads write lines as well."""
        text = io.StringIO()
        self._snakemakes.setFormatter(self.formatter)
        self._snakemakes.setStream(text)
        self._snakemakes.emit(record)
        self._stream.write(text.getvalue())
        self._stream.flush()
