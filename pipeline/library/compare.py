"""Runs beside one another: what differs between their configs, their tables, their figures."""

from collections.abc import Sequence
from os.path import commonprefix
from pathlib import Path

import pandas as pd
from PIL import Image, ImageDraw, ImageFont

from pipeline.artifacts.files import replacing
from pipeline.base.errors import PipelineError
from pipeline.config.recorded import differing, recorded_config
from pipeline.library.tables import table

_MARGIN, _TEXT = 24, 32
"""Pixels around pictures, and of the height of a line; figures have 200 in an inch."""
_LONGEST = 60
"""Characters of a value that are shown."""


def differences(*runs: str, root: str | Path = "results") -> pd.DataFrame:
    """Keys of the config that are not the same in all runs.

    Args:
        runs: their names.
        root: the directory that they are in.

    Returns:
        A row per run, named by it, and a column per dotted key; lists are JSON.

    Raises:
        PipelineError: a run was never started, or by another version of the config.
    """
    found = differing([recorded_config(Path(root) / run).plain() for run in runs])
    found.pop("run", None)
    return pd.DataFrame(found, index=pd.Index(runs, name="run"), dtype=object)


def compare(*runs: str, name: str, root: str | Path = "results") -> pd.DataFrame:
    """A table of several runs as one, with `run` and what differs between them as first columns.

    Args:
        runs: their names.
        name: of the table, as for `table`.
        root: the directory that runs are in.

    Raises:
        PipelineError: as of `differences` and `table`.
    """
    differing = differences(*runs, root=root)
    parts = []
    for run in runs:
        rows = table(run, name, root)
        known = {"run": run, **differing.loc[run].to_dict()}
        columns = {key: [value] * len(rows) for key, value in known.items()}
        parts.append(pd.concat([pd.DataFrame(columns, index=rows.index), rows], axis=1))
    return pd.concat(parts, ignore_index=True)


def compare_figures(runs: Sequence[str], figure: str, root: Path, output: Path) -> None:
    """Write a picture of a figure of several runs side by side, each under what differs in it.

    Args:
        runs: their names.
        figure: that each of them has drawn.
        root: the directory that they are in.
        output: PNG file.

    Raises:
        PipelineError: a run has not drawn it.
    """
    differing = differences(*runs, root=root)
    shown = [_shown(str(key), values.tolist()) for key, values in differing.items()]
    known = [[lines[number] for lines in shown] for number in range(len(runs))]
    panels = [_panel(root / run, figure, lines) for run, lines in zip(runs, known, strict=True)]
    width = sum(panel.width for panel in panels)
    picture = Image.new("RGB", (width, max(panel.height for panel in panels)), "white")
    left = 0
    for panel in panels:
        picture.paste(panel, (left, 0))
        left += panel.width
    with replacing(output) as temporary:
        picture.save(temporary, format="PNG")


def _shown(key: str, values: Sequence[object]) -> list[str]:
    """A line for every value of a key; of long ones, the part from where they begin to differ."""
    texts = [str(value) for value in values]
    room = _LONGEST - len(f"{key} = ")
    # Some of what is the same stays, to tell by.
    start = max(0, len(commonprefix(texts)) - room // 2) if max(map(len, texts)) > room else 0
    return [f"{key} = {'...' if start else ''}{text[start:]}"[:_LONGEST] for text in texts]


def _panel(home: Path, figure: str, known: Sequence[str]) -> Image.Image:
    """A figure of a run under its name, and under lines of what differs."""
    path = home / f"figures/{figure}.png"
    if not path.is_file():
        raise PipelineError(
            f"{path} is not there; draw it with: python -m pipeline run {home.name} --figure "
            f"{figure} (and the --preset of this run)"
        )
    with Image.open(path) as opened:
        drawn = opened.convert("RGB")
    lines = [home.name, *known]
    head = _MARGIN + _TEXT * len(lines)
    panel = Image.new("RGB", (drawn.width + 2 * _MARGIN, drawn.height + head + _MARGIN), "white")
    pen, font = ImageDraw.Draw(panel), ImageFont.load_default(size=0.7 * _TEXT)
    for number, line in enumerate(lines):
        pen.text((_MARGIN, _MARGIN + number * _TEXT), line, fill="black", font=font)
    panel.paste(drawn, (_MARGIN, head))
    return panel
