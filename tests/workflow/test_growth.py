"""Runs that grow: what was trained is not trained again. Trainings and their steps are counted."""

import re
from collections import Counter

import pandas as pd
import pytest

from tests.workflow.checkout import SMOKE, Checkout

GRID = "results/smoke/rhm/v4_m2_s2_L2"
SIZES = ("8", "online")
GROUP = "g0d0n0+g1d0n0"
CELLS = [f"{GRID}/P{size}/{GROUP}" for size in SIZES]
LOSSES = "results/smoke/tables/rhm_losses.parquet"
SAMPLED = f"{CELLS[0]}/samples/step20.safetensors"
STEPS = {"steps": 40, "decay_from": 1.0, "checkpoints": [20, 40]}


def grown(checkout, path, **sections):
    """A copy whose sections of grammars have other values."""
    copy = checkout.copy(path / "checkout")
    copy.edit_preset(lambda rhm, _: [rhm[name].update(new) for name, new in sections.items()])
    return copy


def grammar(*sizes):
    return [{"v": 4, "m": 2, "s": 2, "L": 2, "dataset_sizes": list(sizes)}]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Two grammars at two dataset sizes, trained at a constant rate; one cell is sampled."""
    checkout = Checkout.of_sources(tmp_path_factory.mktemp("grow") / "checkout")
    checkout.edit_preset(lambda rhm, _: rhm["training"].update(STEPS))
    checkout.edit_preset(lambda rhm, _: rhm["grid"].update(grammars=grammar(8, "online")))
    result = checkout.snakemake(*SMOKE, LOSSES, SAMPLED)
    assert result.returncode == 0, result.stderr
    assert attempts(checkout) == Counter({"0 to 40": 2})
    return checkout


def attempts(checkout):
    """How many attempts trained from which step to which, by what they noted."""
    histories = checkout.path.glob(f"{GRID}/P*/*/.work/*/history.txt")
    return Counter(
        span for path in histories for span in re.findall(r"from step (.+)", path.read_text())
    )


def plan(checkout, *targets):
    """Trainings of a dry run, and the lines about what is trained anew."""
    counts, messages = checkout.plan(*targets)
    return counts["train"], [line for line in messages.splitlines() if "trained anew" in line]


@pytest.mark.parametrize(
    ("grid", "trainings"),
    [
        ({"grammar_seeds": [0, 1, 2]}, 2),
        ({"grammar_seeds": [2, 0, 3, 1, 4]}, 4),
        ({"data_seeds": [0, 1]}, 2),
        ({"network_seeds": [1, 0]}, 2),
        ({"grammar_seeds": [0, 1, 2], "replicas_per_job": 1}, 2),
        ({"replicas_per_job": 4}, 0),
        ({"grammars": grammar(4, 8, 16, "online")}, 2),
    ],
    ids=str,
)
def test_seeds_and_sizes_that_are_added_train_alone(trained, tmp_path, grid, trainings):
    assert plan(grown(trained, tmp_path, grid=grid), LOSSES) == (trainings, [])


def test_a_run_grows_by_seeds_and_its_tables_have_all(trained, tmp_path):
    checkout = grown(trained, tmp_path, grid={"grammar_seeds": [0, 2, 1, 3]})
    result = checkout.snakemake(*SMOKE, LOSSES)
    assert result.returncode == 0, result.stderr
    assert attempts(checkout) == Counter({"0 to 40": 4})
    assert {path.name for path in (checkout.path / GRID / "P8").iterdir()} == {
        GROUP,
        "g2d0n0+g3d0n0",
    }
    assert plan(checkout, LOSSES) == (0, [])
    losses = pd.read_parquet(checkout.path / LOSSES)
    assert losses["grammar_seed"].unique().tolist() == [0, 1, 2, 3]


def test_more_steps_at_a_constant_rate_go_on(trained, tmp_path):
    """Online, too, where more steps read more strings; earlier samples are not drawn again."""
    checkout = grown(trained, tmp_path, training={"steps": 60, "checkpoints": [20, 40, 60]})
    (drawn,) = checkout.path.glob(f"{CELLS[0]}/samples/.work/*/step20.safetensors")
    before = drawn.stat().st_ino
    targets = [f"{CELLS[0]}/samples/step60.safetensors"]
    targets += [f"{cell}/checkpoints/step60.safetensors" for cell in CELLS]
    assert plan(checkout, *targets) == (2, [])
    result = checkout.snakemake(*SMOKE, *targets)
    assert result.returncode == 0, result.stderr
    assert attempts(checkout) == Counter({"0 to 40": 2, "40 to 60": 2})
    assert drawn.stat().st_ino == before, "it was written again"


def test_more_steps_without_checkpoints_train_nothing(trained, tmp_path):
    assert plan(grown(trained, tmp_path, training={"steps": 60}), LOSSES, SAMPLED) == (0, [])


def test_a_seed_that_is_taken_out_is_told_with_what_it_costs(trained, tmp_path):
    count, (line,) = plan(grown(trained, tmp_path, grid={"grammar_seeds": [1, 2]}), LOSSES)
    assert count == 2
    assert line.startswith("warning: results/smoke/rhm: 2 trained replicas, in 2 trainings, are")


def test_steps_of_a_rate_that_falls_are_told(trained, tmp_path):
    falling = {"steps": 60, "decay_from": 0.5}
    count, (line,) = plan(grown(trained, tmp_path, training=falling), LOSSES)
    assert count == 2
    assert line.endswith("they were trained with another training.decay_from, training.steps")


def test_a_checkpoint_where_none_are_kept_is_told(trained, tmp_path):
    more = {"keep_checkpoints": False, "steps": 60, "checkpoints": [20, 40, 60]}
    checkout = grown(trained, tmp_path, training=more)
    for path in checkout.path.glob(f"{GRID}/P*/*/.work/*/state_*"):
        path.unlink()  # as training does itself where it is not to keep them
    count, (line,) = plan(checkout, f"{CELLS[0]}/samples/step60.safetensors")
    assert count == 1
    assert "2 trained replicas, in 1 trainings" in line
    assert line.endswith("as with training.keep_checkpoints = false; true keeps it")


OTHERS = {domain: f"results/smoke/tables/{domain}_losses.parquet" for domain in ("text", "image")}


@pytest.fixture(scope="module")
def trained_others(tmp_path_factory):
    """A network of text and one of images, trained."""
    checkout = Checkout.of_sources(tmp_path_factory.mktemp("others") / "checkout")
    result = checkout.snakemake(*SMOKE, *OTHERS.values())
    assert result.returncode == 0, result.stderr
    return checkout


@pytest.mark.parametrize(
    ("domain", "grid"),
    [
        ("text", {"dataset_sizes": [16, "online"]}),
        ("text", {"network_seeds": [0, 1]}),
        ("image", {"dataset_sizes": [16, "online"]}),
        ("image", {"data_seeds": [1, 0]}),
    ],
    ids=str,
)
def test_text_and_images_grow_by_a_cell(trained_others, tmp_path, domain, grid):
    """The datasets of the others are not made again, either."""
    checkout = trained_others.copy(tmp_path / "checkout")
    checkout.edit_preset(
        lambda _, content: content["domains"][domain].setdefault("grid", {}).update(grid)
    )
    expected = Counter({f"train_{domain}": 1, "dataset": 1, "aggregate": 1, "concatenate": 1})
    assert checkout.stale(*OTHERS.values()) == expected
