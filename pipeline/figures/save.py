"""Stage `figure`: read tables, draw, and save in every requested format."""

import textwrap
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import matplotlib as mpl

from pipeline.analysis.missing import describe_missing
from pipeline.artifacts import tables
from pipeline.artifacts.files import replacing
from pipeline.artifacts.seals import seal, with_blank_seal
from pipeline.artifacts.tensors import STAMP
from pipeline.base.spec import Spec
from pipeline.figures import style
from pipeline.figures.settings import FigureSettings
from pipeline.stages.parts import figure_module


def save_figure(spec: Spec[FigureSettings], paths: Sequence[Path], outputs: Sequence[Path]) -> None:
    """Draw the figure `spec.stage` from tables named `[<domain>_]<table>.parquet`.

    The module of the figure has one public function, `draw(settings, **tables) -> Figure`. It may
    say which rows it looks at, for large runs: `QUANTITIES`, a table's quantities by its name.
    """
    mpl.rcdefaults()  # whatever the matplotlibrc of the user says
    mpl.use("agg")
    names = [path.stem.removeprefix(f"{spec.domain}_") for path in paths]
    module = import_module(figure_module(spec.stage))
    rows = getattr(module, "QUANTITIES", {})
    frames = {n: tables.read_table(p, n, rows.get(n)) for n, p in zip(names, paths, strict=True)}
    figure = module.draw(spec.settings, **frames)
    if missing := describe_missing(spec.settings.missing):
        width = int(15 * figure.get_size_inches()[0])  # about 15 characters fit into an inch
        figure.suptitle(
            "\n".join(textwrap.wrap(missing, width)), fontsize=style.TEXT, color="firebrick"
        )
    for output in outputs:
        sealed = seal(with_blank_seal({"kind": "figure", "spec": dict(spec.plain)}).encode())
        stamp = {STAMP: sealed.decode()}
        metadata = {"CreationDate": None} if output.suffix == ".pdf" else stamp
        with replacing(output) as temporary:
            kind = output.suffix[1:]
            figure.savefig(temporary, format=kind, dpi=200, metadata=metadata)
