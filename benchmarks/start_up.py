"""How soon stages that need no torch start: the command, against importing torch alone."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path

from benchmarks.contest import Contest, Side
from pipeline.analysis.settings import HalfWayRules
from pipeline.base.section import NoSettings, Section
from pipeline.figures.settings import FigureSettings, Style
from pipeline.rhm.settings import RandomGrammar
from pipeline.stages.specs import make_spec

SECONDS = 8.0
"""For the rounds of a line; enough for starts, which take a second or two."""
_PANDAS = (
    "pandas, which it and others compute with, takes a quarter to a third of the time of torch to "
    "import"
)
_MATPLOTLIB = "matplotlib, which it draws with, and pandas take half the time of torch to import"


def contests() -> Iterator[Contest]:
    """Lines of the table."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        # Apart, as the memory of what it imports would count as that of the contestants.
        preparation = get_context("fork").Process(target=_write_losses, args=(directory,))
        preparation.start()
        preparation.join()
        yield _line("grammar", _grammar(directory))
        yield _line("concatenate, one table", _concatenate(directory))
        names = ("measurements", "losses", "probes", "output")
        paths = [f"--{name}={directory}/absent.parquet" for name in names]
        rules = HalfWayRules(among="all", converged=0.95)
        yield _line("analyse, up to its input", _command("analyse", rules, *paths), 1, _PANDAS)
        paths = [f"--tables={directory}/absent.parquet", f"--outputs={directory}/absent.pdf"]
        style = Style(column_width=3.4, page_width=7.0, palette="viridis")
        looks = FigureSettings(style=style, missing=[])
        figure = _command("figure", looks, *paths, code_of="rhm_loss_curves")
        yield _line("figure, up to its input", figure, 1, _MATPLOTLIB)


def _line(what: str, command: list[str], status: int = 0, note: str = "") -> Contest:
    torch = [sys.executable, "-c", "import torch"]
    return Contest(
        f"start of {what}",
        Side("python -m pipeline", lambda: _run(command, status)),
        Side("import torch", lambda: _run(torch, 0)),
        1,
        "starts",
        4.0,
        note,
    )


def _run(command: list[str], status: int) -> None:
    """Run a command that ends with the given status, 1 where an input is missing."""
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != status or "Traceback" in done.stderr:
        raise RuntimeError(f"{command} ended with {done.returncode}: {done.stderr}")


def _command(stage: str, settings: Section, *options: str, code_of: str = "") -> list[str]:
    spec = make_spec(code_of or stage, "rhm", settings)
    return [sys.executable, "-m", "pipeline", stage, "--spec", spec, *options]


def _grammar(directory: Path) -> list[str]:
    parameters = RandomGrammar(v=4, m=2, s=2, L=2, seed=0)
    return _command("grammar", parameters, "--output", f"{directory}/grammar.safetensors")


def _write_losses(directory: Path) -> None:
    """A table for the stage `concatenate`."""
    import pandas as pd

    from pipeline.artifacts import tables

    spec = {"stage": "train", "settings": {"cell": {}}}
    frame = pd.DataFrame({"replica": [0], "step": [1], "loss": [0.5]})
    tables.write_table(directory / "part.parquet", frame, {"kind": "losses", "spec": spec})


def _concatenate(directory: Path) -> list[str]:
    paths = [f"--parts={directory}/part.parquet", f"--output={directory}/rhm_losses.parquet"]
    return _command("concatenate", NoSettings(), *paths)
