"""The status of cells, told from files alone."""

import json
import os
import shutil
import time
from pathlib import Path

import pandas as pd
import pytest

from pipeline.artifacts.tables import write_table
from pipeline.base.errors import PipelineError
from pipeline.config.load import load_config
from pipeline.run.status import print_status, run_status

ROOT = Path(__file__).parents[2]
STOPPED = "error: training: stopped after step 30 of 40, as its time limit is near; resume me"
DIVERGED = "error: training: loss of replicas [nan, 0.5] is not finite at step 3, learning rate 1"


@pytest.fixture
def cells(tmp_path):
    """Directories of the smoke preset's cells, by dataset size."""
    config = load_config(ROOT / "config.yaml", ROOT / "workflow/presets", {"preset": "smoke"})
    run = tmp_path / "results/smoke"
    run.mkdir(parents=True)
    (run / "config.json").write_text(json.dumps(config.plain()))
    sizes = ("4", "8", "16", "online")
    found = {size: run / f"rhm/v4_m2_s2_L2/P{size}/g0d0n0+g1d0n0" for size in sizes}
    for path in found.values():
        (path / "logs").mkdir(parents=True)
    return found


def states(root):
    found = run_status(root, "smoke")
    return {cell.dataset_size: cell.state for cell in found if cell.domain == "rhm"}


def write_losses(path, step, losses):
    common = {"step": step, "noise_low": 0.0, "noise_high": 1.0}
    rows = [{**common, "split": split, "loss": loss} for split, loss in losses]
    write_table(path, pd.DataFrame(rows), {"kind": "losses"})


def test_a_cell_goes_from_waiting_to_done(cells, tmp_path):
    home, seen = cells["8"], []
    seen.append(states(tmp_path)["8"])
    for name in ("dataset.safetensors", "logs/train.log", "losses.parquet"):
        (home / name).touch()
        seen.append(states(tmp_path)["8"])
    (home / "samples/.work").mkdir(parents=True)
    assert states(tmp_path)["8"] == "trained", "sampling has only begun"
    (home / "samples/step40.safetensors").touch()
    seen.append(states(tmp_path)["8"])
    for name in ("measurements.parquet", "probes.parquet"):
        (home / name).touch()
        seen.append(states(tmp_path)["8"])
    expected = ["waiting", "ready", "training", "trained", "sampled", "measured", "done"]
    assert seen == expected
    assert states(tmp_path)["4"] == "waiting"


def test_replicas_are_grouped_as_they_were_trained(cells, tmp_path):
    overrides = {"preset": "smoke", "domains": {"rhm": {"grid": {"grammar_seeds": [0, 1, 2]}}}}
    config = load_config(ROOT / "config.yaml", ROOT / "workflow/presets", overrides)
    (tmp_path / "results/smoke/config.json").write_text(json.dumps(config.plain()))
    trained = cells["8"].with_name("g0d0n0+g2d0n0") / "losses.parquet"
    trained.parent.mkdir()
    trained.touch()
    found = [c for c in run_status(tmp_path, "smoke") if c.dataset_size == "8"]
    assert [(c.replicas, c.state) for c in found] == [
        ("g0d0n0+g2d0n0", "waiting"),
        ("g1d0n0", "waiting"),
    ]


def test_a_source_that_cannot_be_made_fails_the_cells_that_need_it(cells, tmp_path):
    (cells["8"] / "dataset.safetensors").touch()
    log = tmp_path / "results/smoke/logs/rhm/v4_m2_s2_L2/grammar_g1.log"
    log.parent.mkdir(parents=True)
    log.write_text("error: grammar: it is wrong\n")
    assert states(tmp_path) == {"4": "failed", "8": "ready", "16": "failed", "online": "failed"}


def test_step_and_loss_of_a_training_are_those_that_are_saved(cells, tmp_path):
    home = cells["16"]
    work = home / ".work/abc"
    (work / "checkpoints").mkdir(parents=True)
    (home / "dataset.safetensors").touch()
    (home / "logs/train.log").write_text("training: from step 0 to 40\n")
    for step, loss in ((10, 2.0), (20, 1.0)):
        path = work / f"losses_step{step}.parquet"
        write_losses(path, step, [("validation", loss), ("validation", loss + 0.5), ("test", 9.0)])
        os.utime(path, (time.time() - 100 + step,) * 2)
        (work / f"checkpoints/step{step}.safetensors").touch()
    (work / "state_step23.safetensors").touch()
    found = next(cell for cell in run_status(tmp_path, "smoke") if cell.dataset_size == "16")
    assert (found.state, found.step, found.steps) == ("training", 23, 40)
    assert found.validation_loss == pytest.approx(1.25)
    assert 0 <= found.seconds_ago < 60
    for path in home.rglob("*"):
        os.utime(path, (time.time() - 2000,) * 2)
    assert states(tmp_path)["16"] == "silent"


def test_errors_tell_failed_cells_from_those_to_be_resumed(cells, tmp_path, capsys):
    for size, line in (("4", STOPPED), ("8", DIVERGED), ("16", "ValueError: odd")):
        (cells[size] / "dataset.safetensors").touch()
        (cells[size] / "logs/train.log").write_text(f"noise\n{line}\n")
    found = states(tmp_path)
    assert found == {"4": "stopped", "8": "failed", "16": "failed", "online": "waiting"}
    print_status(tmp_path, "smoke", as_json=False)
    shown = capsys.readouterr().out
    assert "[nan, 0.5]" in shown
    assert "1 stopped, 2 failed, 3 waiting" in shown


def test_an_error_of_an_attempt_before_the_last_counts_no_more(cells, tmp_path):
    home = cells["4"]
    (home / "logs/train.log").write_text(f"{DIVERGED}\n")
    for name in ("dataset.safetensors", "losses.parquet"):
        (home / name).touch()
    assert states(tmp_path)["4"] == "trained"


def test_cells_of_which_only_tables_were_kept_are_told_so(cells, tmp_path, capsys):
    run = tmp_path / "results/smoke"
    shutil.rmtree(run / "rhm")
    assert {*states(tmp_path).values()} == {"waiting"}
    (run / "tables").mkdir()
    (run / "tables/rhm_losses.parquet").touch()
    assert {*states(tmp_path).values()} == {"only in tables"}
    print_status(tmp_path, "smoke", as_json=False)
    assert "4 only in tables, 2 waiting" in capsys.readouterr().out
    (run / "rhm/v4_m2_s2_L2").mkdir(parents=True)
    assert {*states(tmp_path).values()} == {"waiting"}, "the run has begun anew"


def test_a_run_that_was_never_started_is_refused(tmp_path):
    with pytest.raises(PipelineError, match=r"results/smoke/config.json: .* start the run first"):
        run_status(tmp_path, "smoke")


def test_cells_of_text_are_told_apart_by_their_domain(cells, tmp_path):
    home = tmp_path / "results/smoke/text/characters28_context16/Ponline/d0n0"
    (home / "samples").mkdir(parents=True)
    names = ("dataset.safetensors", "losses.parquet", "samples/step40.safetensors")
    for name in (*names, "measurements.parquet"):
        (home / name).touch()
    [cell] = [cell for cell in run_status(tmp_path, "smoke") if cell.domain == "text"]
    assert (cell.setting, cell.state) == ("characters28_context16", "measured")
    for name in ("probes.parquet", "judgements.parquet"):
        (home / name).touch()
    [cell] = [cell for cell in run_status(tmp_path, "smoke") if cell.domain == "text"]
    assert cell.state == "done"


def test_images_that_fail_to_be_encoded_are_told(cells, tmp_path):
    home = tmp_path / "results/smoke/image/generated_8px/Ponline/d0n0"
    for name in ("samples", "features/.work", "logs"):
        (home / name).mkdir(parents=True)
    names = ("dataset.safetensors", "losses.parquet", "samples/step20.safetensors")
    for name in names:
        (home / name).touch()
    (home / "logs/encode.log").write_text("error: no finite numbers\n")
    [cell] = [cell for cell in run_status(tmp_path, "smoke") if cell.domain == "image"]
    assert (cell.state, cell.error) == ("failed", "error: no finite numbers")
