"""Which replicas train together: seeds that are added never break up a group that was trained."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.base.labels import Cell, Replica, parse_replicas, replica_label
from pipeline.config.grid import cells
from pipeline.config.load import load_config
from pipeline.run.trained import trained_cells

ROOT = Path(__file__).parents[2]
SETTING = SimpleNamespace(label="v4_m2_s2_L2", dataset_sizes=[8])

SEEDS = st.lists(st.integers(0, 12), min_size=1, max_size=7, unique=True)
SIZES = st.integers(1, 5)
HISTORY = st.lists(SEEDS, max_size=6)
"""Groups that earlier configs have left behind, whatever these were; each by its grammar seeds."""


def domain(seeds, size):
    grid = SimpleNamespace(
        grammar_seeds=seeds, data_seeds=[0], network_seeds=[0], replicas_per_job=size
    )
    return SimpleNamespace(grid=grid, settings=[SETTING])


def cell(group, dataset_size="8"):
    replicas = replica_label([Replica(seed, 0, 0) for seed in group])
    return Cell(SETTING.label, dataset_size, replicas)


def groups(found):
    return [[replica.grammar_seed for replica in parse_replicas(c.replicas)] for c in found]


@given(SEEDS, SIZES, HISTORY)
def test_every_wanted_replica_is_in_one_group(seeds, size, history):
    found = groups(cells(domain(seeds, size), map(cell, history)))
    assert sorted(seed for group in found for seed in group) == sorted(seeds)
    assert all(len(group) <= size for group in found if group not in history)


@given(SEEDS, SIZES)
def test_where_nothing_was_trained_groups_are_cut_from_the_list(seeds, size):
    expected = [seeds[start : start + size] for start in range(0, len(seeds), size)]
    assert groups(cells(domain(seeds, size), [])) == expected


@given(SEEDS, SIZES, HISTORY, st.data())
def test_groups_that_are_trained_meanwhile_leave_all_groups_as_they_are(seeds, size, history, data):
    """So every process that parses the workflow, and every later start, sees the same cells."""
    config, before = domain(seeds, size), [cell(group) for group in history]
    planned = cells(config, before)
    made = data.draw(st.lists(st.sampled_from(planned), unique=True))
    left = [c for c in before if c not in made]
    assert cells(config, [*made, *left]) == planned


@given(SEEDS, SIZES, SIZES, HISTORY, st.data())
def test_seeds_that_are_added_keep_every_group(seeds, size, later_size, history, data):
    """Wherever they are added, and whatever `replicas_per_job` has become."""
    before = [cell(group) for group in history]
    planned = cells(domain(seeds, size), before)
    further = [seed for seed in data.draw(SEEDS) if seed not in seeds]
    grown = data.draw(st.permutations([*seeds, *further]))
    left = [c for c in before if c not in planned]
    assert set(planned) <= set(cells(domain(grown, later_size), [*planned, *left]))


@given(SEEDS, SIZES, HISTORY)
def test_the_first_replica_stays_in_the_first_group(seeds, size, history):
    """Figures that show one network, or the trees of one, show the first there is."""
    assert seeds[0] in groups(cells(domain(seeds, size), map(cell, history)))[0]


def test_a_group_with_a_replica_that_is_wanted_no_more_is_broken_up():
    found = groups(cells(domain([0, 2, 3], 2), [cell([0, 1]), cell([2, 3])]))
    assert found == [[0], [2, 3]]


def test_of_two_groups_that_share_a_replica_the_first_counts():
    config = domain([0, 1, 2], 2)
    assert groups(cells(config, [cell([1, 2]), cell([0, 1])])) == [[0], [1, 2]]
    assert groups(cells(config, [cell([0, 1]), cell([1, 2])])) == [[0, 1], [2]]


def test_a_group_counts_at_its_own_dataset_size_only():
    assert groups(cells(domain([1, 0], 2), [cell([0, 1], "16")])) == [[1, 0]]


@pytest.mark.parametrize("name", ["text", "image"])
def test_text_and_images_have_a_cell_for_every_replica(name):
    overrides = {"preset": "smoke", "domains": {name: {"grid": {"network_seeds": [0, 1]}}}}
    section = load_config(ROOT / "config.yaml", ROOT / "workflow/presets", overrides).domain(name)
    assert [c.replicas for c in cells(section, [])] == ["d0n0", "d0n1"]


def touch(path: Path, time: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.utime(path, (time, time))


def test_cells_are_trained_that_have_losses_or_a_state(tmp_path):
    place = tmp_path / "v4_m2_s2_L2"
    touch(place / "P8/g0d0n0+g1d0n0/losses.parquet", 1)
    touch(place / "P8/g2d0n0/.work/abc/state_step7.safetensors", 2)
    touch(place / "Ponline/g1d0n0/losses.parquet", 3)
    touch(place / "P16/g1d0n0/dataset.safetensors", 4)
    for odd in ("g1d0n0 (copy)", "g01d0n0", "g0d0n0+g0d0n0", "old"):
        touch(place / f"P8/{odd}/losses.parquet", 5)
    touch(place / "tables/losses.parquet", 6)
    assert trained_cells(tmp_path) == [
        Cell("v4_m2_s2_L2", "online", "g1d0n0"),
        Cell("v4_m2_s2_L2", "8", "g2d0n0"),
        Cell("v4_m2_s2_L2", "8", "g0d0n0+g1d0n0"),
    ]


def test_states_that_a_training_removes_meanwhile_count_still(tmp_path, monkeypatch):
    """`status` looks while trainings run, which keep two states and delete those before."""
    gone = tmp_path / "v4_m2_s2_L2/P8/g0d0n0/.work/abc/state_step7.safetensors"
    touch(gone, 1)
    glob = Path.glob

    def glob_and_remove(path, pattern):
        found = list(glob(path, pattern))
        if found == [gone]:
            gone.unlink()
        return found

    monkeypatch.setattr(Path, "glob", glob_and_remove)
    assert trained_cells(tmp_path) == [Cell("v4_m2_s2_L2", "8", "g0d0n0")]


def test_where_nothing_is_no_cell_is_trained(tmp_path):
    assert trained_cells(tmp_path / "absent") == []
