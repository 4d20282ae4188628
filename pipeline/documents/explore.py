"""Command `explore`: a page to look around in, by dataset size and step, that needs no other file.

It shows what the tables of a run have: numbers measured of samples, and some samples themselves, as
trees, text or pictures.
"""

import base64
import html
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline.analysis.curves import GRAMMAR
from pipeline.analysis.groups import grouped
from pipeline.artifacts.files import replacing
from pipeline.artifacts.tables import read_table
from pipeline.base.errors import PipelineError
from pipeline.stages.domains import DOMAINS

NAME = "explore.html"
"""The page, in the directory of a run."""
_TEMPLATE = Path(__file__).with_name(NAME)
_DATA = "/* data */"
"""Place of the data in the template."""
_MOST = 12
"""Samples of a checkpoint that are shown."""


def write_explorer(root: Path, run: str) -> Path:
    """Write the page of a run; its path.

    Args:
        root: directory that has `results`.
        run: its name.

    Raises:
        PipelineError: the run has measured nothing yet, or a table was altered.
    """
    home = root / "results" / run
    found = {name: places for name in DOMAINS if (places := _places(home / "tables", name))}
    if not found:
        raise PipelineError(f"{home}/tables has no measurements; let the run end first")
    data = json.dumps({"run": run, "domains": found}).replace("</", "<\\/")
    page = _TEMPLATE.read_text().replace(_DATA, data).replace("{run}", html.escape(run))
    with replacing(home / NAME) as temporary:
        temporary.write_text(page)
    return home / NAME


def _places(tables: Path, domain: str) -> list[dict[str, Any]]:
    """Every setting, dataset size and step of a domain, with its numbers and samples."""
    path = tables / f"{domain}_measurements.parquet"
    if not path.is_file():
        return []
    measured = read_table(path, "measurements")
    keys = [*(GRAMMAR if DOMAINS[domain].has_grammars else ["setting"]), "dataset_size", "step"]
    kept = _samples(tables, domain, keys)
    return [
        {
            "setting": _setting(keys[:-2], place[:-2]),
            "size": place[-2],
            "step": int(place[-1]),
            "numbers": _numbers(rows),
            "samples": kept.get(tuple(place), []),
        }
        for place, rows in grouped(measured, keys, sort=False)
    ]


def _setting(keys: Sequence[str], values: Sequence[object]) -> str:
    """Parameters of a grammar, or the name of a setting."""
    if len(keys) == 1:
        return f"{values[0]}"
    return ", ".join(f"{key}={value}" for key, value in zip(keys, values, strict=True))


def _numbers(rows: pd.DataFrame) -> list[tuple[str, float, float | None]]:
    """Means over replicas of what has no distance, with their standard deviations."""
    optional = [name for name in ("level", "layer", "kernel", "frequency") if name in rows]
    named = rows[rows["distance"].isna() & rows["estimate"].notna()]
    found = []
    for place, group in named.groupby(["quantity", "among", *optional], dropna=False, sort=False):
        spread = float(group["estimate"].std()) if len(group) > 1 else None
        found.append((_name(optional, list(place)), float(group["estimate"].mean()), spread))
    return found


def _name(optional: Sequence[str], place: Sequence[Any]) -> str:
    """What a number is, with those details that it has, and among which samples."""
    quantity, among, *values = place
    details = (
        f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in zip(optional, values, strict=True)
        if not pd.isna(value)
    )
    return ", ".join([quantity.replace("_", " "), *details, among.replace("_", " ")])


def _samples(tables: Path, domain: str, keys: list[str]) -> dict[Any, list[Any]]:
    """Samples of one replica at every place, as the page draws them."""
    name, show = _SHOWN[domain]
    path = tables / f"{domain}_{name}.parquet"
    if not path.is_file():
        return {}
    frame = read_table(path, name)
    seeds = [seed for seed in ("grammar_seed", "data_seed", "network_seed") if seed in frame]
    first = frame.merge(frame[seeds].iloc[:1], on=seeds)
    return {
        tuple(place): [show(sample) for _, sample in rows.groupby("sample")][:_MOST]
        for place, rows in grouped(first, keys, sort=False)
    }


def _tree(rows: pd.DataFrame) -> dict[str, Any]:
    """Nodes [level, node, symbol or null, whether its tokens are new] of a string."""
    columns = (rows[name].to_numpy() for name in ("level", "node", "symbol", "novel"))
    nodes = [
        [int(level), int(node), None if np.isnan(symbol) else int(symbol), bool(novel)]
        for level, node, symbol, novel in zip(*columns, strict=True)
    ]
    return {"branching": int(rows["s"].iloc[0]), "nodes": nodes}


def _text(rows: pd.DataFrame) -> str:
    return str(rows["text"].iloc[0])


def _picture(rows: pd.DataFrame) -> dict[str, str]:
    data = base64.b64encode(rows["png"].iloc[0]).decode()
    return {"png": f"data:image/png;base64,{data}"}


_SHOWN: dict[str, tuple[str, Callable[[pd.DataFrame], Any]]] = {
    "rhm": ("trees", _tree),
    "text": ("texts", _text),
    "image": ("pictures", _picture),
}
"""Table of samples of every domain, and how one of them is shown."""
