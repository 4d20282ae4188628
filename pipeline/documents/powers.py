"""The powers with which dataset sizes at which levels are learnt grow, as a table in Markdown."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

_CRITERIA = ("conditional_accuracy", "excess_loss")
"""Quantities whose half-way points are shown: of what is generated, and of the loss."""
_COLUMNS = {
    "law_exponent": "power of the prediction (law: 1)",
    "misfit": "p of a straight line",
    "m_exponent": "power of m",
    "m_exponent_adjusted": "over the factor",
    "law": "law",
    "v_exponent": "power of v (law: 1)",
    "v_exponent_adjusted": "over the factor",
    "grammars": "grammars",
}
"""Columns behind those that name the row, with their heads."""


def power_table(exponents: Mapping[str, pd.DataFrame]) -> str:
    """Growth of P*_l with the prediction, m and v: a row for each study, level and criterion.

    "Over the factor" is the power that is left once 1 / (1 - m/v^(s-1)) is divided out of P*_l. A
    dash stands where settings do not determine a number.

    Args:
        exponents: rows of that table, by name of the study.
    """
    heads = ["study", "level", "P*_l by", *_COLUMNS.values()]
    lines = [f"| {' | '.join(heads)} |\n", "| --- " * len(heads) + "|\n"]
    for study, found in exponents.items():
        sizes = found[found["level"].notna() & (found["variable"] == "dataset_size")]
        for level in sorted(sizes["level"].unique()):
            for criterion in _CRITERIA:
                part = sizes[(sizes["level"] == level) & (sizes["criterion"] == criterion)]
                slopes = part.set_index("quantity")
                if "law_exponent" in slopes.index:
                    names = [f"`{study}`", f"{level:.0f}", criterion.replace("_", " ")]
                    lines.append(f"| {' | '.join([*names, *_cells(slopes)])} |\n")
    return "".join(lines)


def _cells(slopes: pd.DataFrame) -> list[str]:
    """Numbers of one row, from slopes by name."""
    cells = {name: _slope(slopes, name) for name in _COLUMNS}
    misfit = float(slopes["misfit"].to_dict()["law_exponent"])
    cells["misfit"] = "-" if np.isnan(misfit) else f"{misfit:.2g}"
    cells["grammars"] = str(slopes["grammars"].to_dict()["law_exponent"])
    if "m_exponent" in slopes.index:
        cells["law"] = f"{slopes['prediction'].to_dict()['m_exponent']:.0f}"
    return list(cells.values())


def _slope(slopes: pd.DataFrame, name: str) -> str:
    """A slope with its 95 % interval, or a dash."""
    if name not in slopes.index:
        return "-"
    estimate, low, high = slopes.loc[name, ["estimate", "low", "high"]].to_numpy(float)
    return f"{estimate:.2f}" if np.isnan(low) else f"{estimate:.2f} [{low:.2f}, {high:.2f}]"
