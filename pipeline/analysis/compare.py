"""Stage `exponents`: how P*_l grows with m, v and the level, and how well competing laws do."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from pipeline.analysis.collapse import collapse, in_range
from pipeline.analysis.curves import at_best_checkpoint, finite_sizes
from pipeline.analysis.exponents import exponents as fit_exponents
from pipeline.analysis.laws import compare_laws
from pipeline.analysis.sample_complexity import CRITERIA, accuracy_curves
from pipeline.analysis.settings import ExponentRules
from pipeline.artifacts import tables
from pipeline.artifacts.tensors import make_stamp
from pipeline.base.randomness import stream_key
from pipeline.base.spec import Spec


def compare(
    spec: Spec[ExponentRules],
    table: Path,
    measurements: Path,
    losses: Path,
    exponents: Path,
    laws: Path,
) -> None:
    """Fit exponents and competing laws to the half-way points of all settings, by each criterion.

    Args:
        spec: spec of the stage.
        table: half-way points of all settings.
        measurements: of all settings, whose accuracies are collapsed.
        losses: of all settings; they say which checkpoint is best.
        exponents: output, one row per criterion and exponent.
        laws: output, one row per criterion and law.
    """
    points = tables.read_table(table, "sample_complexity")
    samples, among = spec.settings.bootstrap_samples, spec.settings.among
    found = _each(points, lambda part: fit_exponents(part, samples, stream_key("exponents")))
    tables.write_table(exponents, found, make_stamp("exponents", spec, {}))
    measured = accuracy_curves(tables.read_table(measurements, "measurements", CRITERIA))
    best = finite_sizes(at_best_checkpoint(measured, tables.read_table(losses, "losses")))
    compared = _each(points, lambda part: compare_laws(part, samples, stream_key("laws")))
    collapsed = _each(in_range(best[best["among"] == among], points), collapse)
    found = compared.merge(collapsed, "outer", ["criterion", "law", "factor"], sort=False)
    tables.write_table(laws, found, make_stamp("laws", spec, {}))


def _each(frame: pd.DataFrame, analysis: Callable[[pd.DataFrame], pd.DataFrame]) -> pd.DataFrame:
    """The analysis of every criterion, below one another."""
    parts = [
        analysis(frame[frame["quantity"] == criterion]).assign(criterion=criterion)
        for criterion in CRITERIA
    ]
    filled = [part for part in parts if not part.empty] or parts[:1]
    return pd.concat(filled, ignore_index=True)
