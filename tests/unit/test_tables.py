"""Parquet tables: documented columns, stamps, refusals."""

import json
import random
import subprocess
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from pipeline.artifacts.stamps import is_stale, stamped_spec
from pipeline.artifacts.tables import (
    UNSEALED,
    read_arrow,
    read_table,
    read_table_stamp,
    read_tables,
    write_table,
)
from pipeline.artifacts.tensors import make_stamp
from pipeline.base.columns import COLUMNS
from pipeline.base.errors import PipelineError
from pipeline.sources.archives import file_hash
from tests.unit.settings_case import BARE

ROOT = Path(__file__).parents[2]

FRAME = pd.DataFrame({"v": [4, 8], "quantity": ["a", "b"], "level": [1.0, None]})
STAMP = make_stamp("losses", replace(BARE, plain={"x": 1}), {"in": "abc"})


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "deep" / "table.parquet"
    write_table(path, FRAME, STAMP)
    return path


def test_a_table_comes_back(written):
    pd.testing.assert_frame_equal(read_table(written, "losses"), FRAME)


def test_every_column_carries_its_meaning_and_the_table_its_stamp(written):
    table = pq.read_table(written, partitioning=None)
    for field in table.schema:
        assert field.metadata[b"description"].decode() == COLUMNS[field.name].meaning
    stamp = read_table_stamp(written)
    assert len(stamp.pop("sha256")) == 64
    assert stamp == STAMP


def test_a_text_in_a_table_is_not_taken_for_its_stamp(tmp_path):
    frame = FRAME.assign(quantity=['{"kind": "other", "spec": {}}', "stamp"])
    write_table(tmp_path / "table.parquet", frame, STAMP)
    assert stamped_spec(tmp_path / "table.parquet") == {"x": 1}
    assert not is_stale(tmp_path / "table.parquet", '{"x": 1}')


def test_an_undocumented_column_is_refused(tmp_path):
    with pytest.raises(KeyError, match="mystery"):
        write_table(tmp_path / "table.parquet", FRAME.assign(mystery=1), STAMP)
    assert list(tmp_path.iterdir()) == []


def test_columns_have_the_type_and_order_of_all_tables_also_where_nothing_is_known(tmp_path):
    """Whichever order rows were made in, and whatever pandas takes an empty column for."""
    names = [*COLUMNS]
    random.Random(0).shuffle(names)
    none = dict.fromkeys(names)
    for rows in ([], [none], [none | dict.fromkeys(("estimate", "level"), float("nan"))]):
        path = tmp_path / "table.parquet"
        write_table(path, pd.DataFrame(rows, columns=names), STAMP)
        found = pq.read_table(path, partitioning=None)
        assert [(f.name, f.type) for f in found.schema] == [(n, c.kind) for n, c in COLUMNS.items()]
        assert all(column.null_count == len(rows) for column in found.columns)


def test_many_tables_are_read_as_one_in_their_order(written, tmp_path):
    other = tmp_path / "other.parquet"
    write_table(other, FRAME.assign(v=[1, 2]), STAMP)
    together = read_tables([written, other], "losses")
    assert together["v"].tolist() == [4, 8, 1, 2]
    assert together.index.tolist() == [0, 1, 2, 3]


def test_rows_of_some_quantities_are_those_that_a_query_finds(written):
    chosen = read_table(written, "losses", ["b", "c"])
    pd.testing.assert_frame_equal(chosen, FRAME.query("quantity == 'b'").reset_index(drop=True))
    assert read_table(written, "losses", ["c"]).empty


@pytest.mark.parametrize("quantities", [None, ["a"]])
def test_rows_are_checked_whichever_are_read(written, quantities):
    content = bytearray(written.read_bytes())
    content[40] ^= 1
    written.write_bytes(content)
    with pytest.raises(PipelineError, match=r"table\.parquet .*rebuild it with: snakemake"):
        read_table(written, "losses", quantities)


def test_a_column_that_a_part_lacks_is_empty_there_as_in_pandas(tmp_path):
    parts = [
        FRAME.assign(level=[None, None], steps_per_second=None),
        FRAME.drop(columns="v").assign(chance=0.5, steps_per_second=1.0),
    ]
    paths = [tmp_path / f"{place}.parquet" for place in range(2)]
    for path, part in zip(paths, parts, strict=True):
        write_table(path, part, STAMP)
    joined = pd.concat([read_table(path, "losses") for path in paths], ignore_index=True)
    write_table(tmp_path / "joined.parquet", joined, STAMP)
    expected = read_table(tmp_path / "joined.parquet", "losses")
    found = read_tables(paths, "losses")
    pd.testing.assert_frame_equal(found[expected.columns], expected)


def test_a_truncated_table_is_refused(written):
    written.write_bytes(written.read_bytes()[:-20])
    with pytest.raises(PipelineError, match="cannot be read as losses") as refused:
        read_table(written, "losses")
    assert str(written) in str(refused.value)


def test_no_altered_byte_is_read(written):
    content = written.read_bytes()
    for place in range(len(content)):
        altered = bytearray(content)
        altered[place] ^= 1
        written.write_bytes(altered)
        with pytest.raises(PipelineError) as refused:
            read_table(written, "losses", ["a"])
        assert "\n" not in str(refused.value)


def test_no_library_is_shown_a_footer_that_was_altered(written, monkeypatch):
    def hang(*_arguments, **_options):
        raise AssertionError("a footer that says anything may keep it busy for ever")

    content = bytearray(written.read_bytes())
    content[-30] ^= 1
    written.write_bytes(content)
    for name in ("ParquetFile", "read_table", "read_metadata"):
        monkeypatch.setattr(pq, name, hang)
    for read in (lambda: read_table(written, "losses"), lambda: read_table_stamp(written)):
        with pytest.raises(PipelineError, match="does not hold what its stamp says"):
            read()


KNOWN = [line.split() for line in UNSEALED.read_text().splitlines()]


def test_tables_of_an_older_version_are_read_only_as_they_are_in_the_repository(tmp_path):
    assert len(KNOWN) > 10
    for sha256, name in KNOWN:
        path = ROOT / name
        assert file_hash(path) == sha256, f"{name} is another by now: take its line out"
        rows, stamp = read_arrow(path, stamped_kind(path))
        assert rows.num_rows > 0
        assert "seal" not in stamp
        assert read_table_stamp(path) == stamp
    content = bytearray(path.read_bytes())
    content[-30] ^= 1
    (tmp_path / path.name).write_bytes(content)
    for read in (read_arrow, lambda path, _: read_table_stamp(path)):
        with pytest.raises(PipelineError, match="has no seal: .* of an older version; rebuild it"):
            read(tmp_path / path.name, stamped_kind(path))


def test_every_table_in_the_repository_is_sealed_or_known():
    """One that older code made is added by `sha256sum >> workflow/references/unsealed.sha256`."""
    listed = ["git", "ls-files", "*.parquet"]
    found = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=False)
    for name in found.stdout.split():
        read_arrow(ROOT / name, stamped_kind(ROOT / name))


def stamped_kind(path):
    footer = pq.read_metadata(path).metadata
    return json.loads(footer[b"stamp"])["kind"]


def test_garbage_of_the_same_size_is_refused(written):
    written.write_bytes(random.Random(0).randbytes(written.stat().st_size))
    with pytest.raises(
        PipelineError, match=r"cannot be read as losses.*rebuild it with: snakemake"
    ):
        read_table(written, "losses")


def test_a_table_of_another_kind_is_refused(written):
    with pytest.raises(PipelineError, match="is not a measurements .* but losses"):
        read_table(written, "measurements")


def test_a_foreign_table_is_refused(tmp_path):
    FRAME.to_parquet(tmp_path / "foreign.parquet")
    with pytest.raises(PipelineError, match="foreign"):
        read_table(tmp_path / "foreign.parquet", "losses")
