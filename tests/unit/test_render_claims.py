"""The table of claims in Markdown and HTML, and its place in the README."""

from xml.etree import ElementTree

import pandas as pd
import pytest

from pipeline.artifacts import tables
from pipeline.base.errors import PipelineError
from pipeline.claims.decide import claims_table, decide, show_verdicts
from pipeline.claims.render import html, markdown
from pipeline.documents.paste import paste, pasted
from tests.unit.claims_case import RULES
from tests.unit.settings_case import spec_of

BEGIN, END = "<!-- claims:begin -->\n", "<!-- claims:end -->\n"


@pytest.fixture
def claims():
    table = claims_table("rhm", {}, RULES)
    decisions = {"estimate": 1.0641, "low": 0.9, "high": 1.2, "grammars": 4, "replicas": 8}
    table.loc[2, list(decisions)] = list(decisions.values())
    table.loc[2, "verdict"] = "supported"
    table.loc[3, ["estimate", "verdict", "reason"]] = 0.5, "undecided", "because"
    return table


@pytest.fixture
def with_settings(claims):
    """The same, with rows of settings below one of them."""
    single = claims.loc[[2, 2]].assign(setting=["8, 2, 2, 3", "8, 3, 2, 3"], estimate=[0.9, 1.4])
    return pd.concat([claims[:3], single, claims[3:]], ignore_index=True)


@pytest.fixture
def readme(tmp_path):
    path = tmp_path / "README.md"
    path.write_text(f"before\n{BEGIN}{END}after\n")
    return path


def cells(text):
    return [[cell.strip() for cell in line[1:-1].split("|")] for line in text.splitlines()]


def test_markdown_says_what_the_table_does(claims, with_settings):
    head, _, *rows = cells(markdown(with_settings))
    assert head[0] == "claim"
    assert len(rows) == len(claims)
    for row, shown in zip(claims.itertuples(), rows, strict=True):
        assert shown[0] in ("", row.statement)
        assert shown[2:4] == [row.quantity, f"{row.relation} {row.prediction:g}"]
    assert rows[2][4:] == ["1.06 [0.9, 1.2]", "0.9 to 1.4 (2)", "4, 8", "supported"]
    assert rows[3][4:] == ["0.5 [no interval]", "-", "0, 0", "undecided: because"]
    assert rows[0][4:] == ["-", "-", "0, 0", "not run"]


def test_a_statement_of_several_rows_is_said_once(claims):
    text = markdown(claims)
    assert all(text.count(f"| {statement} |") == 1 for statement in claims["statement"])


def test_html_has_the_same_cells(claims):
    rows = ElementTree.fromstring(f"<div>{html(claims, '')}</div>").iter("tr")
    shown = [[cell.text or "" for cell in row] for row in rows]
    assert shown == [cells(markdown(claims))[0], *cells(markdown(claims))[2:]]


def test_pasting_twice_is_pasting_once(readme, claims):
    paste(readme, "claims", markdown(claims))
    once = readme.read_text()
    paste(readme, "claims", markdown(claims))
    assert readme.read_text() == once == f"before\n{BEGIN}\n{markdown(claims)}\n{END}after\n"


@pytest.mark.parametrize("text", ["", BEGIN, END, END + BEGIN, BEGIN + END + BEGIN + END])
def test_markers_that_are_missing_or_not_alone_are_an_error(text):
    with pytest.raises(PipelineError, match="there must be one line"):
        pasted(text, "claims", "content")


def test_every_marker_has_a_place_of_its_own():
    claims, bench = (f"<!-- {x}:begin -->\nold\n<!-- {x}:end -->\n" for x in ("claims", "bench"))
    assert pasted(bench + claims, "claims", "new") == f"{bench}{BEGIN}\nnew\n{END}"


def test_the_stages_write_tables_of_domains_and_a_page_of_all(tmp_path):
    paths = [tmp_path / f"{domain}_claims.parquet" for domain in ("rhm", "text")]
    for path in paths:
        domain = path.stem.removesuffix("_claims")
        decide(spec_of("claims", domain, RULES.plain()), [], path)
    outputs = tmp_path / "claims.parquet", tmp_path / "claims.html"
    show_verdicts(spec_of("verdicts", "rhm", {"missing": ["some/cell"]}), paths, *outputs)
    table = tables.read_table(outputs[0], "claims")
    assert outputs[1].read_text() == html(table, "without 1 missing cell: some/cell")
    made = pd.concat(claims_table(domain, {}, RULES) for domain in ("rhm", "text"))
    # In the order of the list of claims: one about two domains has its rows together.
    assert not table["claim"].ne(table["claim"].shift()).groupby(table["claim"]).sum().gt(1).any()
    by = ["claim", "domain", "quantity"]
    found = [t.astype(object).where(t.notna(), None).sort_values(by) for t in (table, made)]
    alike = [t[sorted(t.columns)].reset_index(drop=True) for t in found]
    pd.testing.assert_frame_equal(*alike)
