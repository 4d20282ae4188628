"""The table of claims as people read it: Markdown for the README, HTML for the report."""

from math import isnan
from typing import NamedTuple

import pandas as pd

_STYLE = """<style>
.claims {font: 12px sans-serif; border-collapse: collapse; background: white; min-width: 60em}
.claims th, .claims td {padding: 3px 6px; text-align: left; vertical-align: top; border: 0}
.claims tr {border-bottom: 1px solid #ddd}
</style>
"""


def markdown(claims: pd.DataFrame) -> str:
    """A table in GitHub's Markdown."""
    shown = _shown(claims)
    rows = shown.replace(r"\|", r"\|", regex=True).to_numpy()
    lines = [shown.columns, ["---"] * len(shown.columns), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def html(claims: pd.DataFrame, note: str) -> str:
    """A table with the little style it needs and a note, to be put into a page."""
    table = _shown(claims).to_html(index=False, classes="claims", border=0, justify="left")
    return f"{_STYLE}{table}\n<p>{note}</p>\n" if note else f"{_STYLE}{table}\n"


def _shown(claims: pd.DataFrame) -> pd.DataFrame:
    """Text of every cell; a statement that several rows share is written once."""
    shown = pd.DataFrame(
        {
            "claim": claims["claim"],
            "statement": claims["statement"].mask(claims["statement"].duplicated(), ""),
            "quantity": claims["quantity"],
            "claimed": [_claimed(row) for row in claims.itertuples()],
            "found [95 %]": [_found(row) for row in claims.itertuples()],
            "grammars, replicas": [
                f"{row.grammars}, {row.replicas}" for row in claims.itertuples()
            ],
            "verdict": claims["verdict"],
        }
    )
    return shown.astype(str)


def _claimed(row: NamedTuple) -> str:
    return f"{row.relation} {row.prediction:g}"


def _found(row: NamedTuple) -> str:
    """The estimate with its bounds; a dash where there is none."""
    if isnan(row.estimate):
        return "-"
    bounds = "no interval" if isnan(row.low) else f"{row.low:.3g}, {row.high:.3g}"
    return f"{row.estimate:.3g} [{bounds}]"
