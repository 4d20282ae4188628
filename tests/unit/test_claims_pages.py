"""Claims of the demo and of the studies in the pages that show them, and side by side."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from pipeline.artifacts import tables
from pipeline.claims.claims import CLAIMS
from pipeline.claims.decide import claims_table
from pipeline.claims.render import markdown
from pipeline.documents.claims import claims_by_run, fill_pages, side_by_side
from pipeline.documents.paste import pasted
from tests.unit.claims_case import RULES

ROOT = Path(__file__).parents[2]
DOMAINS = ("rhm", "text", "image")
FOUND = {"estimate": 0.4149, "low": 0.36, "high": 0.4711, "verdict": "supported"}
EMPTY = "\n".join(("<!-- {0}:begin -->", "<!-- {0}:end -->", ""))


def table(*domains, **found):
    """Claims that were not run, but for the first of every domain, which has what was found."""
    parts = [claims_table(domain, {}, RULES) for domain in domains]
    for part in parts:
        part.loc[0, list(found)] = list(found.values())
    return pd.concat(parts, ignore_index=True)


def cells(text):
    return [[cell.strip() for cell in line[1:-1].split("|")] for line in text.splitlines()]


def store(claims, path):
    tables.write_table(path, claims, {"kind": "claims"})


@pytest.fixture
def repository(tmp_path):
    """Pages without claims, those of a demo, and those of a study of text."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text(EMPTY.format("claims"))
    (tmp_path / "docs/demo.md").write_text(EMPTY.format("demo_claims"))
    store(table(*DOMAINS, verdict="undecided"), tmp_path / "docs/demo_claims.parquet")
    store(table("text", **FOUND), tmp_path / "results/study_b/tables/claims.parquet")
    return tmp_path


def test_the_pages_say_what_the_tables_in_the_repository_do():
    claims = claims_by_run(ROOT)
    pages = {"README.md": ("claims", side_by_side(claims))}
    pages["docs/demo.md"] = "demo_claims", markdown(claims["demo"])
    for page, (name, content) in pages.items():
        text = (ROOT / page).read_text()
        assert pasted(text, name, content) == text, f"{page}: run `make claims`"


def test_a_claim_has_a_row_and_the_studies_share_a_column(repository):
    head, _, *rows = cells(side_by_side(claims_by_run(repository)))
    assert head == ["claim", "data", "quantity", "claimed", "demo", "studies"]
    assert len(rows) == len(CLAIMS)
    assert [row[2] for row in rows] == [claim.quantity for claim in CLAIMS]
    for claim, row in zip(CLAIMS, rows, strict=True):
        assert row[0] in ("", claim.statement)
        assert (row[5] == "-") == (claim.domain != "text")
    (text,) = [row for row in rows if row[1] == "text" and "with steps" in row[2]]
    assert text[3:] == ["> 0", "undecided", "supported: b 0.41 [0.36, 0.47]"]


def test_studies_stand_by_verdict_whatever_their_order():
    claims = {"demo": table("text"), "study_a": table("text"), "study_b": table("text", **FOUND)}
    claims["study_c"] = table("text", **{**FOUND, "estimate": 0.5})
    row = cells(side_by_side(claims))[2]
    assert row[4:] == ["not run", "supported: b 0.41 [0.36, 0.47], c 0.50 [0.36, 0.47]; not run: 1"]


def test_studies_without_an_interval_are_counted():
    undecided = {"verdict": "undecided", "reason": "because"}
    claims = {"demo": table("text"), "study_a": table("text", **undecided)}
    claims["study_b"] = table("text", **{**FOUND, **undecided})
    claims["study_c"] = table("text", estimate=0.5, **undecided)
    row = cells(side_by_side(claims))[2]
    assert row[5] == "undecided: b 0.41 [0.36, 0.47], and 2 without an interval"


@pytest.mark.parametrize(
    ("found", "cell"),
    [
        ({"verdict": "undecided", "reason": "because"}, "undecided"),
        ({"estimate": 0.5, "verdict": "undecided", "reason": "because"}, "undecided, 0.50"),
        ({**FOUND, "low": -0.001}, "supported, 0.41 [0.00, 0.47]"),
    ],
)
def test_a_cell_is_short(found, cell):
    (row, *_) = cells(side_by_side({"demo": table("rhm", **found)}))[2:]
    assert row[-2:] == [cell, "-"]


def test_what_two_runs_held_against_other_numbers_are_two_rows():
    strict = table("rhm")
    strict.loc[strict["claim"] == "creativity", "prediction"] = 0.95
    rows = cells(side_by_side({"demo": table("rhm"), "study_a": strict}))
    shown = [row[3:] for row in rows if "creativity" in row[2]]
    assert shown == [["> 0.9", "not run", "-"], ["> 0.95", "-", "not run: 1"]]


def test_a_run_of_the_demo_replaces_the_claims_that_were_kept(repository):
    store(table(*DOMAINS, **FOUND), repository / "results/demo/tables/claims.parquet")
    fill_pages(repository)
    assert "| supported, 0.41 [0.36, 0.47] | - |\n" in (repository / "README.md").read_text()
    assert "| 0.415 [0.36, 0.471] |" in (repository / "docs/demo.md").read_text()
    before = (repository / "README.md").read_text()
    (repository / "results/demo/tables/claims.parquet").unlink()
    fill_pages(repository)
    assert (repository / "README.md").read_text() == before


def test_an_error_of_the_command_is_one_line(repository):
    (repository / "docs/demo_claims.parquet").unlink()
    command = [sys.executable, "-m", "pipeline.documents.claims", repository]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
