"""Stage `concatenate`: one table of all settings from the tables of each."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.artifacts import tables
from pipeline.artifacts.tensors import make_stamp
from pipeline.base.section import NoSettings
from pipeline.base.spec import Spec


def concatenate(spec: Spec[NoSettings], parts: Sequence[Path], output: Path) -> None:
    """Join tables of one kind, in the order given; the stamp has the settings behind them."""
    kind = output.stem.removeprefix(f"{spec.domain}_")
    read = [tables.read_arrow(path, kind) for path in parts]
    rows = tables.concatenate([part for part, _ in read])
    upstream: list[dict[str, Any]] = []
    for _, stamp in read:
        upstream += [settings for settings in _behind(stamp) if settings not in upstream]
    tables.write_arrow(output, rows, make_stamp(kind, spec, {}) | {"upstream": upstream})


def _behind(stamp: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Settings of the stages behind a part, by stage: of one that joins cells, as its stamp says.

    The stamp of any other part has the specs of the stages before its own, if it has them.
    """
    upstream = stamp.get("upstream", {})
    if isinstance(upstream, list):
        return upstream
    specs = {**upstream, stamp["spec"]["stage"]: stamp["spec"]}
    return [{stage: spec["settings"] for stage, spec in specs.items()}]
