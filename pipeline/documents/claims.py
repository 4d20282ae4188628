"""`python -m pipeline.documents.claims REPOSITORY`: what was found of every claim, in the pages.

The README shows the demo and the studies side by side, docs/demo.md the demo in full. The
repository has the claims of its studies in `results/study_*/`, and those of the demo in
docs/demo_claims.parquet, which a run of the demo replaces if there is one in `results/`.
"""

import shutil
import sys
from collections.abc import Mapping, Sequence
from math import isnan
from pathlib import Path
from typing import cast

import pandas as pd

from pipeline.artifacts.tables import read_table
from pipeline.base.errors import PipelineError
from pipeline.base.types import Values
from pipeline.claims.decide import in_order
from pipeline.claims.render import markdown
from pipeline.claims.verdict import VERDICTS
from pipeline.documents.arguments import arguments
from pipeline.documents.paste import paste
from pipeline.stages.domains import DOMAINS

_KEPT = "docs/demo_claims.parquet"
"""Claims of the demo, of which the repository has nothing else."""
_MADE = "tables/claims.parquet"
"""Claims of a run, in its folder."""
_Found = dict[tuple[object, ...], tuple[str, str]]
"""Verdict and number by claim and quantity."""
_STATED = ["claim", "domain", "quantity", "relation", "prediction"]
"""Columns that tell the rows of the table apart."""


def fill_pages(repository: Path) -> None:
    """Write the claims of the demo and of all studies into the pages that show them.

    Raises:
        PipelineError: a table is missing or cannot be read, or a page has no place for it.
    """
    made = repository / "results/demo" / _MADE
    if made.is_file():
        shutil.copyfile(made, repository / _KEPT)
    claims = claims_by_run(repository)
    paste(repository / "docs/demo.md", "demo_claims", markdown(claims["demo"]))
    paste(repository / "README.md", "claims", side_by_side(claims))


def claims_by_run(repository: Path) -> dict[str, pd.DataFrame]:
    """Tables of claims by the name of their run: the demo, then the studies that are there."""
    studies = sorted(repository.glob(f"results/study_*/{_MADE}"))
    paths = {"demo": repository / _KEPT, **{path.parts[-3]: path for path in studies}}
    return {run: read_table(path, "claims") for run, path in paths.items()}


def side_by_side(claims: Mapping[str, pd.DataFrame]) -> str:
    """A table in GitHub's Markdown: a row for every claim and quantity.

    Its last two columns are what the demo found, and what the studies did, by verdict.

    Args:
        claims: tables of claims by the name of their run, `demo` or `study_<name>`.
    """
    pooled = {run: table[table["setting"].isna()] for run, table in claims.items()}
    found = {run: _found(table) for run, table in pooled.items()}
    demo = found.pop("demo")
    stated = in_order(pd.concat(pooled.values(), ignore_index=True).drop_duplicates(_STATED))
    repeated = stated["statement"] == stated["statement"].shift()
    places = list(stated[_STATED].itertuples(index=False, name=None))
    columns = {
        "claim": stated["statement"].mask(repeated, ""),
        "data": [DOMAINS[domain].data for domain in stated["domain"]],
        "quantity": stated["quantity"].str.replace("|", r"\|"),
        "claimed": [f"{relation} {value:g}" for *_, relation, value in places],
        "demo": [_of_demo(demo.get(place)) for place in places],
        "studies": [_of_studies(found, place) for place in places],
    }
    lines = [columns, ["---"] * len(columns), *zip(*columns.values(), strict=True)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _found(claims: pd.DataFrame) -> _Found:
    """Verdicts and numbers of one run by what `_STATED` says."""
    rows = cast("list[Values]", claims.to_dict("records"))
    return {tuple(row[name] for name in _STATED): (row["verdict"], _number(row)) for row in rows}


def _number(row: Values) -> str:
    """The estimate with its bounds, as far as there are any."""
    if isnan(row["estimate"]):
        return ""
    estimate, low, high = (f"{row[name]:z.2f}" for name in ("estimate", "low", "high"))
    return estimate + ("" if isnan(row["low"]) else f" [{low}, {high}]")


def _of_demo(found: tuple[str, str] | None) -> str:
    """The verdict, with its number; a dash where there is none."""
    return ", ".join(filter(None, found)) if found else "-"


def _of_studies(found: Mapping[str, _Found], place: tuple[object, ...]) -> str:
    """Studies by verdict, each with its interval; a dash where no study has a verdict.

    Of those without an interval there is their number alone.
    """
    by_verdict: dict[str, list[tuple[str, str]]] = {}
    for run, of_run in found.items():
        if place in of_run:
            verdict, number = of_run[place]
            by_verdict.setdefault(verdict, []).append((run.removeprefix("study_"), number))
    ordered = [word for word in VERDICTS if word in by_verdict]
    return "; ".join(f"{word}: {_listed(by_verdict[word])}" for word in ordered) or "-"


def _listed(studies: Sequence[tuple[str, str]]) -> str:
    """Names and numbers of the studies that have an interval, and how many have none."""
    shown = [f"{name} {number}" for name, number in studies if "[" in number]
    rest = len(studies) - len(shown)
    if not shown:
        return str(rest)
    return ", ".join(shown) + (f", and {rest} without an interval" if rest else "")


if __name__ == "__main__":
    try:
        fill_pages(*map(Path, arguments("ROOT")))
    except PipelineError as error:
        sys.exit(f"error: {error}")
