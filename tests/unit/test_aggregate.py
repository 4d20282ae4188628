"""Tables of all cells: no row lost or doubled, every accuracy beside the ceiling of its own."""

import re
from dataclasses import replace
from itertools import product
from pathlib import Path
from zlib import crc32

import pandas as pd
import pytest

from pipeline.analysis.aggregate import aggregate
from pipeline.analysis.concatenate import concatenate
from pipeline.artifacts import tables
from pipeline.artifacts.tensors import make_stamp
from pipeline.base.errors import PipelineError
from pipeline.base.labels import Cell
from tests.unit.settings_case import BARE, spec_of

SHAPES = [{"v": 4, "m": 2, "s": 2, "L": 2}, {"v": 4, "m": 3, "s": 2, "L": 2}]
SIZES, SEEDS, STEPS = [4, "online"], [3, 5], [1, 10]
AMONG = ("all", "novel_strings", "novel_subtrees")
ACCURACIES = ("node_accuracy", "string_accuracy", "conditional_accuracy")
OTHERS = [("copied_fraction", None), ("rule_usage_divergence", 1), ("rule_usage_divergence", 2)]
KEY = ["v", "m", "s", "L", "grammar_seed", "quantity", "level"]


def number(*labels):
    """Between 0 and 1, another one for other labels."""
    return crc32(repr(labels).encode()) / 2**32


def write(path, rows, stamp=None):
    spec = {"stage": "train", "settings": {"cell": {}}}
    stamp = {"kind": path.stem, "spec": spec} | (stamp or {})
    path.parent.mkdir(parents=True, exist_ok=True)
    tables.write_table(path, pd.DataFrame(rows), stamp)


def place(shape, size, seed, step):
    seeds = {"grammar_seed": seed, "data_seed": 0, "network_seed": 0}
    return {**shape, **seeds, "dataset_size": str(size), "step": step}


def measured(shape, size):
    kinds = [(name, level) for name in ACCURACIES for level in (1, 2)] + OTHERS
    return [
        {**place(shape, size, seed, step), "quantity": name, "level": level, "among": among}
        | {"estimate": number(shape, size, seed, step, name, level, among)}
        for step, seed, (name, level), among in product(STEPS, SEEDS, kinds, AMONG)
    ]


def probed(shape, size):
    return [
        {**place(shape, size, seed, step), "quantity": "excess_loss", "level": None}
        | {"estimate": number("probe", shape, size, seed, step)}
        for step, seed in product(STEPS, SEEDS)
    ]


def evaluated(shape, size):
    return [
        {"step": step, "split": split, "replica": replica, "noise_low": 0.0, "noise_high": 1.0}
        | {"loss": number("loss", shape, size, SEEDS[replica], step, split)}
        for step, split, replica in product(STEPS, ("training", "validation"), range(len(SEEDS)))
    ]


def reached(configured=True):
    """Ceilings of a sampler, other ones of every grammar, accuracy, level and sampler."""
    keys = product(SHAPES, SEEDS, ACCURACIES, (1, 2))
    return [
        {**shape, "grammar_seed": seed, "quantity": name, "level": level, "noise_levels": levels}
        | {"configured": configured, "standard_error": 0.01, "count": 100}
        | {"estimate": number(shape, seed, name, level, levels)}
        for shape, seed, name, level in keys
        for levels in ([20] if configured else [2, 200])
    ]


def expected_ceiling(row):
    shape = {name: row[name] for name in ("v", "m", "s", "L")}
    if row["quantity"] not in ACCURACIES:
        return float("nan")
    return number(shape, row["grammar_seed"], row["quantity"], int(row["level"]), 20)


def run(directory, ceilings, missing=()):
    """Tables of a grid of two grammars at two sizes, both replicas in one job."""
    trained = {"sample": {"settings": {}}, "train": {"settings": {"cell": {}}}}
    cells = []
    for shape, size in product(SHAPES, SIZES):
        setting = "_".join(f"{name}{value}" for name, value in shape.items())
        cells.append(Cell(setting, str(size), "g3d0n0+g5d0n0"))
        home = directory / cells[-1].label
        write(home / "measurements.parquet", measured(shape, size), {"upstream": trained})
        write(home / "probes.parquet", probed(shape, size))
        write(home / "losses.parquet", evaluated(shape, size))
    write(directory / "ceilings.parquet", ceilings)
    names = ("losses", "measurements", "probes")
    outputs = [directory / "tables" / f"{name}.parquet" for name in names]
    spec = spec_of("aggregate", "rhm", {"cells": cells, "missing": missing})
    there = [cell.label for cell in cells if cell.label not in missing]
    for output in outputs:
        parts = [directory / label / output.name for label in there]
        reached = [directory / "ceilings.parquet"] if output.stem == "measurements" else []
        losses = [directory / "tables/losses.parquet"] if output.stem != "losses" else []
        aggregate(spec, parts, losses, reached, output)
    return {path.stem: tables.read_table(path, path.stem) for path in outputs}


def test_missing_cells_are_left_out(tmp_path):
    shape = SHAPES[0]
    label = "_".join(f"{name}{value}" for name, value in shape.items())
    label += f"/P{SIZES[0]}/g3d0n0+g5d0n0"
    some = run(tmp_path, reached(), missing=[label])
    whole = run(tmp_path, reached())
    for name, frame in some.items():
        left_out = whole[name]["dataset_size"] == str(SIZES[0])
        for parameter, value in shape.items():
            left_out &= whole[name][parameter] == value
        assert left_out.any()
        pd.testing.assert_frame_equal(frame, whole[name][~left_out].reset_index(drop=True))


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> dict[str, pd.DataFrame]:
    directory: Path = tmp_path_factory.mktemp("aggregate")
    return run(directory, reached(configured=False) + reached())


def test_rows_are_those_of_the_cells_each_once_and_in_their_order(found):
    for name, rows in (("measurements", measured), ("probes", probed)):
        cells = [row for cell in product(SHAPES, SIZES) for row in rows(*cell)]
        table = found[name].drop(columns=["ceiling", "best_checkpoint"], errors="ignore")
        # Types are those of the schema: an empty column holds NaN, and not None.
        expected = pd.DataFrame(cells)[table.columns].astype(table.dtypes)
        pd.testing.assert_frame_equal(table, expected)


def test_every_accuracy_has_the_ceiling_of_its_grammar_quantity_and_level(found):
    table = found["measurements"]
    rows = table[table["quantity"].isin(ACCURACIES)]
    assert rows["ceiling"].notna().all()
    assert set(rows["among"]) == set(AMONG)
    expected = [expected_ceiling(row) for row in rows.to_dict("records")]
    assert rows["ceiling"].tolist() == expected
    assert rows.groupby(KEY)["ceiling"].nunique().eq(1).all()
    assert rows["ceiling"].nunique() == len(rows[KEY].drop_duplicates()) == 2 * 2 * 3 * 2


def test_what_is_no_accuracy_has_no_ceiling(found):
    table = found["measurements"]
    others = table[~table["quantity"].isin(ACCURACIES)]
    assert len(others) == 4 * 2 * 2 * 3 * 3  # cells, replicas, steps, quantities, samples
    assert others["ceiling"].isna().all()


def test_losses_have_the_seeds_of_their_replicas(found):
    losses = found["losses"]
    assert len(losses) == 4 * 2 * 2 * 2  # cells, replicas, steps, splits
    for row in losses.to_dict("records"):
        shape = {name: row[name] for name in ("v", "m", "s", "L")}
        size = row["dataset_size"] if row["dataset_size"] == "online" else int(row["dataset_size"])
        labels = shape, size, row["grammar_seed"], row["step"], row["split"]
        assert row["loss"] == pytest.approx(number("loss", *labels), rel=1e-12)


def test_the_checkpoint_of_lowest_validation_loss_is_flagged_in_every_table(found):
    for table in found.values():
        for key, rows in table.groupby([*SHAPES[0], "dataset_size", "grammar_seed"]):
            *shape, size, seed = key
            labels = dict(zip(SHAPES[0], shape, strict=True)), size, seed
            labels = labels[0], size if size == "online" else int(size), seed
            best = min(STEPS, key=lambda step: number("loss", *labels, step, "validation"))  # noqa: B023
            assert set(rows[rows["best_checkpoint"]]["step"]) == {best}
            assert not rows[rows["step"] == best]["best_checkpoint"].eq(False).any()
    steps = found["losses"].query("best_checkpoint").groupby("step").size()
    assert len(steps) == 2  # not the same of all replicas


def test_two_configured_samplers_are_refused(tmp_path):
    """Either ceiling could be meant, and every measurement would be there twice."""
    with pytest.raises(pd.errors.MergeError):
        run(tmp_path, reached() + reached())


LOSSES = spec_of(
    "aggregate", "rhm", {"cells": [("v4_m2_s2_L2", "4", "g3d0n0+g5d0n0")], "missing": []}
)


def test_a_table_of_all_settings_says_what_made_those_that_it_joins(tmp_path):
    parts, joined = (
        [tmp_path / f"{name}.parquet" for name in "abcd"],
        tmp_path / "rhm_theory.parquet",
    )
    behind = [{"train": {"width": 4}}, {"train": {"width": 8}}]
    made = replace(BARE, plain={"stage": "theory", "settings": {"seed": 1}})
    sampled = {"sample": {"settings": {"steps": 9}}}
    for path, upstream in zip(parts, (behind[:1], behind, sampled, {}), strict=True):
        rows = pd.DataFrame({"estimate": [float(ord(path.stem))]})
        tables.write_table(path, rows, make_stamp("theory", made, {}) | {"upstream": upstream})
    concatenate(spec_of("concatenate", "rhm", {}), parts, joined)
    own = {"theory": {"seed": 1}}
    expected = [*behind, {"sample": {"steps": 9}} | own, own]
    assert tables.read_table_stamp(joined)["upstream"] == expected
    assert tables.read_table(joined, "theory")["estimate"].tolist() == [97.0, 98.0, 99.0, 100.0]


def test_a_part_that_was_altered_is_refused_by_name(tmp_path):
    part = tmp_path / "losses.parquet"
    write(part, evaluated(SHAPES[0], 4))
    content = bytearray(part.read_bytes())
    content[10] ^= 1
    part.write_bytes(content)
    with pytest.raises(PipelineError, match=re.escape(f"{part} ")):
        aggregate(LOSSES, [part], [], [], tmp_path / "tables/losses.parquet")
