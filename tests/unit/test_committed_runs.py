"""Runs in the repository: what was measured is there, and says what their claims say."""

from pathlib import Path

import pandas as pd
import pytest

from pipeline.artifacts import tables
from pipeline.documents.again import analyse_again

ROOT = Path(__file__).parents[2]
PRESETS = {path.stem for path in (ROOT / "workflow/presets").glob("study_*.yaml")}
RUNS = [run for run in sorted((ROOT / "results").glob("study_*")) if run.name in PRESETS]


def in_order(frame):
    """Columns and rows in an order of their own.

    That of columns was another one, and that of rows is the order of settings in the config.
    """
    columns = sorted(frame.columns)
    return frame[columns].sort_values(columns, ignore_index=True)


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_a_run_can_be_analysed_again_from_its_tables(run, tmp_path):
    analyse_again(run, tmp_path)
    made = sorted(path.name for path in tmp_path.glob("*.parquet"))
    assert "claims.parquet" in made
    for name in made:
        kind = "claims" if name == "claims.parquet" else name[:-8].split("_", 1)[1]
        found = tables.read_table(tmp_path / name, kind)
        committed = tables.read_table(run / "tables" / name, kind)
        pd.testing.assert_frame_equal(in_order(found), in_order(committed), rtol=1e-9)
