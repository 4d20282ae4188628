"""Parquet tables: documented columns, stamps, refusals."""

import random
from dataclasses import replace

import pandas as pd
import pyarrow.parquet as pq
import pytest

from pipeline.artifacts.tables import read_table, read_table_stamp, read_tables, write_table
from pipeline.artifacts.tensors import make_stamp
from pipeline.base.columns import COLUMNS
from pipeline.base.errors import PipelineError
from tests.unit.settings_case import BARE

FRAME = pd.DataFrame({"v": [4, 8], "level": [1.0, None], "quantity": ["a", "b"]})
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


def test_an_undocumented_column_is_refused(tmp_path):
    with pytest.raises(KeyError, match="mystery"):
        write_table(tmp_path / "table.parquet", FRAME.assign(mystery=1), STAMP)
    assert list(tmp_path.iterdir()) == []


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
    pd.testing.assert_frame_equal(read_tables(paths, "losses"), expected)


def test_a_truncated_table_is_refused(written):
    written.write_bytes(written.read_bytes()[:-20])
    with pytest.raises(PipelineError, match="cannot be read as losses") as refused:
        read_table(written, "losses")
    assert str(written) in str(refused.value)


def test_no_altered_byte_changes_what_is_read(written):
    content = written.read_bytes()
    footer, refused = int.from_bytes(content[-8:-4], "little"), []
    for place in range(len(content)):
        altered = bytearray(content)
        altered[place] ^= 1
        written.write_bytes(altered)
        try:
            pd.testing.assert_frame_equal(read_table(written, "losses"), FRAME)
        except PipelineError as error:
            assert "\n" not in str(error)
            refused.append(place)
    assert set(range(len(content) - 8 - footer)) <= set(refused), "the data are all hashed"


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
