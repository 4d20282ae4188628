"""Every quantity, and every name in another column of tables, is explained, once and truly."""

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import pipeline
from pipeline.analysis.laws import EXPONENTS
from pipeline.base.column_values import COLUMN_VALUES
from pipeline.base.columns import COLUMNS
from pipeline.base.quantities import QUANTITIES
from pipeline.claims.claims import CLAIMS
from pipeline.claims.verdict import VERDICTS
from pipeline.documents.origins import ORIGINS
from pipeline.documents.quantities import quantities_table, values_table
from pipeline.noise.schedules import SCHEDULES
from pipeline.rhm.model import PROCESSES
from pipeline.stages.catalogue import COMPARISONS, TABLES
from pipeline.stages.domains import DOMAINS
from tests.unit.test_tables import ROOT

HOME = Path(pipeline.__file__).parent
KNOWN = {(table, quantity.name) for quantity in QUANTITIES for table in quantity.tables}
PLAIN = {"departure", "claim", "domain", "statement", "setting", "dataset_size", "block"}
PLAIN |= {"text", "reason"}
"""Columns of texts that say themselves what they mean, or whose values a run has chosen."""
COMMITTED = sorted(ROOT.glob("results/*/tables/*.parquet"))


def values_in(path, column):
    table = pq.read_table(path, columns=[column], partitioning=None)
    return {value for value in table[column].unique().to_pylist() if value is not None}


def unexplained(tables):
    """Quantities and values, with their tables, that no description is there for."""
    for path in tables:
        columns = {*pq.read_schema(path).names}
        if "quantity" in columns and "claims" not in path.stem:
            found = {(path.stem, name) for name in values_in(path, "quantity")}
            yield from found - KNOWN
        for column in columns & COLUMN_VALUES.keys():
            yield from values_in(path, column) - COLUMN_VALUES[column].keys()
        if "criterion" in columns:
            yield from values_in(path, "criterion") - {quantity.name for quantity in QUANTITIES}


@pytest.mark.parametrize("path", COMMITTED, ids=lambda p: p.stem)
def test_what_is_in_tables_of_the_repository_is_explained(path):
    assert list(unexplained([path])) == []


def test_every_column_of_texts_says_what_it_means_or_has_its_values_explained():
    texts = {name for name, column in COLUMNS.items() if column.kind == pa.large_string()}
    assert texts == PLAIN | COLUMN_VALUES.keys() | {"quantity", "criterion"}


@pytest.mark.parametrize("quantity", QUANTITIES, ids=lambda q: f"{q.tables[0]}-{q.name}")
def test_a_quantity_is_made_where_it_says_and_in_tables_that_there_are(quantity):
    source = (HOME / quantity.home).read_text()
    start, _, end = quantity.name.rpartition("_")
    assert quantity.name in source or (start in source and end in source), quantity.home
    places = (table.partition("_")[::2] for table in quantity.tables)
    known = {name: (*TABLES[name], *COMPARISONS[name], "departures") for name in DOMAINS}
    assert all(name in known[domain] for domain, name in places)
    assert quantity.whose in ORIGINS or re.search(r" \d{4}$", quantity.whose)


def test_whatever_a_config_or_a_verdict_may_name_is_explained():
    assert COLUMN_VALUES["schedule"].keys() == SCHEDULES.keys() - {"cosine"}, "one is of images"
    assert COLUMN_VALUES["process"].keys() == PROCESSES.keys()
    assert COLUMN_VALUES["law"].keys() == EXPONENTS.keys()
    assert COLUMN_VALUES["verdict"].keys() == set(VERDICTS)
    assert COLUMN_VALUES["relation"].keys() == {claim.relation for claim in CLAIMS}


def test_no_quantity_is_explained_twice():
    assert len(KNOWN) == sum(len(quantity.tables) for quantity in QUANTITIES)


def test_the_page_has_what_is_said_of_them():
    page = (ROOT / "docs/tables.md").read_text()
    assert quantities_table() in page, "run make schema"
    assert values_table() in page, "run make schema"
