"""Runs beside one another: configs, tables, figures."""

import json

import pandas as pd
import pytest
from PIL import Image

from pipeline.artifacts.tables import write_table
from pipeline.base.errors import PipelineError
from pipeline.config.recorded import default_config
from pipeline.library.compare import _shown, compare, differences
from pipeline.library.shown import show_comparison

FIGURE, TABLE = "rhm_loss_curves", "rhm_losses"


@pytest.fixture
def root(tmp_path):
    for run, width in (("narrow", 16), ("wide", 64)):
        home = tmp_path / run
        plain = default_config().plain() | {"run": run}
        plain["domains"]["rhm"]["network"]["width"] = width
        home.mkdir()
        (home / "config.json").write_text(json.dumps(plain))
        rows = pd.DataFrame({"step": [1, 2], "loss": [0.5, 1.0 / width]})
        write_table(home / f"tables/{TABLE}.parquet", rows, {"kind": "losses"})
        (home / "figures").mkdir()
        colour = (width, 0, 0)
        Image.new("RGB", (300, 200), colour).save(home / f"figures/{FIGURE}.png")
    return tmp_path


def test_only_what_differs_is_told(root):
    found = differences("narrow", "wide", root=root)
    assert found.to_dict() == {"domains.rhm.network.width": {"narrow": 16, "wide": 64}}
    assert differences("narrow", "narrow", root=root).columns.empty


def test_a_table_of_two_runs_says_which_rows_are_whose_and_why(root):
    rows = compare("narrow", "wide", name=TABLE, root=root)
    assert list(rows.columns) == ["run", "domains.rhm.network.width", "step", "loss"]
    assert rows.groupby("run")["loss"].min().to_dict() == {"narrow": 1 / 16, "wide": 1 / 64}


def test_figures_stand_side_by_side(root, capsys):
    show_comparison(["narrow", "wide"], FIGURE, TABLE, root)
    said = capsys.readouterr().out
    assert "domains.rhm.network.width" in said
    home = root / "comparisons/narrow_wide"
    assert len(pd.read_csv(home / f"{TABLE}.csv")) == 4
    with Image.open(home / f"{FIGURE}.png") as picture:
        assert picture.width > 600
        bottom = picture.height - 50
        assert picture.getpixel((150, bottom)) == (16, 0, 0)
        assert picture.getpixel((picture.width - 150, bottom)) == (64, 0, 0)


def test_what_is_not_there_is_told(root, capsys):
    show_comparison(["narrow", "narrow"], None, None, root)
    assert "their configs are the same" in capsys.readouterr().out
    with pytest.raises(PipelineError, match=r"other/config\.json: No such file.*start the run"):
        differences("narrow", "other", root=root)
    with pytest.raises(PipelineError, match=r"draw it with: python -m pipeline run narrow --fig"):
        show_comparison(["narrow", "wide"], "rhm_samples", None, root)


def test_of_long_values_the_part_is_shown_in_which_they_differ():
    same = "[{v: 10, m: 3, s: 2, L: 3, dataset_sizes: [16, 45, 128, 362, 1024, 2896"
    lines = _shown("grid.grammars", [f"{same}]}}]", f"{same}, 8192]}}]"])
    assert all(line.startswith("grid.grammars = ...") for line in lines)
    assert lines[0].endswith("1024, 2896]}]")
    assert lines[1].endswith("1024, 2896, 8192]}]")
    assert max(map(len, lines)) <= 60
    assert _shown("width", [64, 128]) == ["width = 64", "width = 128"]
