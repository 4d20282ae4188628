"""The best checkpoint: found as pandas finds it, flagged in tables, and drawn in ten lines."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from matplotlib import pyplot as plt

import pipeline
from pipeline.analysis.checkpoints import best_checkpoints, with_best_checkpoints
from pipeline.artifacts.tables import write_table
from pipeline.figures.rhm import accuracy_vs_dataset_size
from tests.unit.test_figures import SETTINGS

ROOT = Path(__file__).parents[2]
STEPS, SIZES, LEVELS = (1, 10, 100), ("8", "16", "online"), (1, 2, 3)
REPLICA = ["dataset_size", "grammar_seed"]
KNOWN = {"v": 10, "m": 3, "s": 2, "L": 3, "data_seed": 0, "network_seed": 0}
(EXAMPLE,) = re.findall(
    r"main figure, .*?```python\n(.*?)```", (ROOT / "docs/notebook.md").read_text(), re.DOTALL
)


def losses():
    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_product(
        [SIZES, (0, 1), STEPS, ("training", "validation"), (0.0, 0.5)],
        names=[*REPLICA, "step", "split", "noise_low"],
    )
    frame = index.to_frame(index=False).assign(**KNOWN, noise_high=1.0)
    return frame.assign(loss=rng.random(len(frame)))


def measurements():
    rng = np.random.default_rng(1)
    index = pd.MultiIndex.from_product(
        [SIZES, (0, 1), STEPS, LEVELS], names=[*REPLICA, "step", "level"]
    )
    kind = {"quantity": "conditional_accuracy", "among": "novel_strings", "ceiling": 1.0}
    frame = index.to_frame(index=False).assign(**KNOWN, **kind)
    return frame.assign(estimate=rng.random(len(frame)))


def arrow(frame):
    return pa.Table.from_pandas(frame, preserve_index=False)


def lowest(frame):
    """Steps of the lowest validation loss over all noise levels, by pandas."""
    whole = frame[(frame["noise_low"] == 0) & (frame["split"] == "validation")]
    return whole.loc[whole.groupby(REPLICA)["loss"].idxmin()].set_index(REPLICA)["step"]


def test_it_is_that_of_the_lowest_validation_loss_over_all_noise_levels():
    found = best_checkpoints(arrow(losses())).to_pandas().set_index(REPLICA)["step"]
    pd.testing.assert_series_equal(found.sort_index(), lowest(losses()).sort_index())
    assert found.nunique() > 1


def test_of_equal_losses_the_first_counts_and_one_that_is_not_known_does_not():
    equal = losses().assign(loss=1.0)
    assert set(best_checkpoints(arrow(equal)).to_pandas()["step"]) == {STEPS[0]}
    unknown = equal.assign(loss=equal["loss"].where(equal["step"] > STEPS[0]))
    assert set(best_checkpoints(arrow(unknown)).to_pandas()["step"]) == {STEPS[1]}


def test_text_and_images_have_no_grammar():
    bare = losses().query("grammar_seed == 0").drop(columns=[*"vmsL", "grammar_seed"])
    found = best_checkpoints(arrow(bare.assign(setting="x"))).to_pandas()
    assert found["step"].tolist() == [lowest(losses())[size, 0] for size in found["dataset_size"]]


def test_rows_keep_their_order_and_are_flagged():
    rows = measurements().sample(frac=1, random_state=0, ignore_index=True)
    found = with_best_checkpoints(arrow(rows), arrow(losses())).to_pandas()
    pd.testing.assert_frame_equal(found.drop(columns="best_checkpoint"), rows)
    best = lowest(losses())
    expected = [row["step"] == best[row["dataset_size"], row["grammar_seed"]]
                for row in rows.to_dict("records")]  # fmt: skip
    assert found["best_checkpoint"].tolist() == expected


@pytest.mark.parametrize("older", [False, True])
def test_ten_lines_draw_the_accuracies_of_the_main_figure(tmp_path, monkeypatch, older):
    """From one table; one of an older version has flags as long as losses are there."""
    rows = arrow(measurements())
    if not older:
        rows = with_best_checkpoints(rows, arrow(losses()))
    home = tmp_path / "results/demo/tables"
    write_table(home / "rhm_measurements.parquet", rows.to_pandas(), {"kind": "measurements"})
    if older:
        write_table(home / "rhm_losses.parquet", losses(), {"kind": "losses"})
    monkeypatch.chdir(tmp_path)
    assert len([line for line in EXAMPLE.splitlines() if line]) <= 10
    plt.figure()
    exec(EXAMPLE, {})  # noqa: S102
    drawn = [line.get_ydata() for line in plt.gca().lines]
    plt.close()
    analysis = SETTINGS.analysis.model_copy(
        update={"accuracy": "conditional_accuracy", "among": "novel_strings"}
    )
    settings = SETTINGS.model_copy(update={"analysis": analysis})
    nothing = pd.DataFrame(
        columns=[
            "quantity",
            "variable",
            "status",
            *"vmsL",
            "level",
            "criterion",
            "lead",
            "explained",
        ],
        dtype=object,
    )
    tables = measurements(), losses(), nothing, nothing, nothing
    figure = accuracy_vs_dataset_size.draw(settings, *tables)
    bars = figure.axes[0].containers[: len(LEVELS)]
    curves = [np.asarray(bar.lines[0].get_ydata(), float) for bar in bars]
    np.testing.assert_allclose(drawn, curves)
    assert pipeline.table("demo", "rhm_measurements")["best_checkpoint"].dtype == bool
