"""Snakemake's records of paths, whose names are base64, cut where a name may not be longer."""

from snakemake.persistence.file import FilePersistence

from pipeline.artifacts.stamps import recorded_paths


def test_recorded_paths_are_those_that_snakemake_wrote_records_of(tmp_path):
    paths = {"results/run/a.parquet", "results/" + "/".join(["long_name"] * 60)}
    persistence = FilePersistence.__new__(FilePersistence)
    persistence._max_len = 255
    for path in paths:
        persistence._io_write(str(tmp_path), {}, path)
    (tmp_path / ".cmVzdWx0cw==.x1_y2").write_text("{")  # a record that is being written
    assert recorded_paths(tmp_path) == paths


def test_without_a_directory_nothing_is_recorded(tmp_path):
    assert recorded_paths(tmp_path / "absent") == set()
