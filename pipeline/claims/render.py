"""The table of claims as people read it: Markdown for the README, HTML for the report.

A row shows a number of all settings together. Those of single settings, which the table has too,
are shown in that row as a range.
"""

from math import isnan
from typing import cast

import pandas as pd

from pipeline.base.types import Values
from pipeline.stages.domains import DOMAINS

_ROW = ["claim", "domain", "quantity"]
_DATA = {domain.name: domain.data for domain in DOMAINS.values()}
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
    single = dict(iter(claims[claims["setting"].notna()].groupby(_ROW)))
    pooled = claims[claims["setting"].isna()]
    rows = cast("list[Values]", pooled.to_dict("records"))
    places = pooled[_ROW].itertuples(index=False, name=None)
    shown = {
        "claim": pooled["statement"].mask(pooled["statement"] == pooled["statement"].shift(), ""),
        "data": pooled["domain"].map(_DATA),
        "quantity": pooled["quantity"],
        "claimed": [f"{row['relation']} {row['prediction']:g}" for row in rows],
        "found [95 %]": [_found(row) for row in rows],
        "by setting": [_settings(single.get(place)) for place in places],
        "grammars, replicas": [f"{row['grammars']}, {row['replicas']}" for row in rows],
        "verdict": [_verdict(row) for row in rows],
    }
    return pd.DataFrame(shown).astype(str)


def _verdict(row: Values) -> str:
    word, reason = row["verdict"], row["reason"]
    return word if pd.isna(reason) else f"{word}: {reason}"


def _found(row: Values) -> str:
    """The estimate with its bounds; a dash where there is none."""
    estimate, low, high = row["estimate"], row["low"], row["high"]
    if isnan(estimate):
        return "-"
    bounds = "no interval" if isnan(low) else f"{low:.3g}, {high:.3g}"
    return f"{estimate:.3g} [{bounds}]"


def _settings(rows: pd.DataFrame | None) -> str:
    """Smallest and largest estimate of single settings, and how many there are."""
    if rows is None or rows["estimate"].isna().all():
        return "-"
    known = rows["estimate"].dropna()
    return f"{known.min():.3g} to {known.max():.3g} ({len(known)})"
