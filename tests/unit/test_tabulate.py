"""The theory stage: its rows, on the strings of the networks, and correlations near their law."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from pipeline.analysis.settings import Shown
from pipeline.artifacts import tables
from pipeline.figures.rhm import clustering as rhm_clustering
from pipeline.figures.rhm import correlation_law as rhm_correlation_law
from pipeline.figures.rhm import one_step_gradient as rhm_one_step_gradient
from pipeline.rhm import data
from pipeline.rhm.grammar.correlations import correlation_law
from pipeline.rhm.grammar.rules import load_grammar, make_grammar
from pipeline.rhm.theory import tabulate as stage
from pipeline.rhm.theory.clustering import tuple_coverage
from tests.unit.settings_case import settings_of, spec_of
from tests.unit.test_figures import SETTINGS as LOOKS
from tests.unit.test_figures import curves
from tests.unit.training_case import grammar_spec

SHAPE = {"v": 4, "m": 2, "s": 2, "L": 3}
SETTINGS = {
    "grammar": {**SHAPE, "dataset_sizes": [4, 40]},
    "grammar_seeds": [0, 3],
    "width": 8,
    "correlation_grammars": 3,
    "validation_size": 8,
    "test_size": 16,
    "data_seed": 5,
}


def sources(directory, shape, seeds):
    paths = [directory / f"grammar_g{seed}.safetensors" for seed in seeds]
    for path, seed in zip(paths, seeds, strict=True):
        make_grammar(grammar_spec(shape, seed), path)
    return paths


def run(directory, **changes):
    settings = SETTINGS | changes
    shape = {name: settings["grammar"][name] for name in SHAPE}
    paths = sources(directory, shape, settings["grammar_seeds"])
    stage.tabulate(spec_of("theory", "rhm", settings), paths, directory / "theory.parquet")
    return tables.read_table(directory / "theory.parquet", "theory")


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return run(tmp_path_factory.mktemp("theory"))


def test_every_grammar_size_and_level_has_its_rows(table):
    curve = ["class_accuracy", "class_accuracy", "tuple_coverage"]
    curve += ["synonym_update_similarity", "other_update_similarity"]
    places = list(zip(curve, [1, 2, 1, 1, 1], strict=True))
    expected = [(g, 5, P, *row) for g, P, row in product((0, 3), ("4", "40"), places)]
    levels = [("squared_correlation", level) for level in (1, 2, 3)]
    expected += [(g, None, None, *row) for g, row in product(range(3), levels)]
    columns = ["grammar_seed", "data_seed", "dataset_size", "quantity", "level"]
    found = table[columns].astype(object).where(table[columns].notna(), None)
    assert list(found.itertuples(index=False, name=None)) == expected
    assert (table[list(SHAPE)] == list(SHAPE.values())).all(axis=None)


def test_counts_are_the_cases_behind_the_estimates(table):
    counts = table.groupby(["quantity", "level"])["count"].max()
    assert counts["class_accuracy"].tolist() == [16 * 4, 16 * 2]
    assert counts["tuple_coverage"].tolist() == [8]
    assert counts["squared_correlation"].tolist() == [pairs * 16 for pairs in (4, 8, 16)]
    assert counts["synonym_update_similarity"].tolist() == [4]
    assert counts["other_update_similarity"].tolist() == [8 * 7 // 2 - 4]


def test_the_same_settings_give_the_same_table(table, tmp_path):
    pd.testing.assert_frame_equal(run(tmp_path), table)


def test_other_sizes_and_grammars_leave_a_row_what_it_is(table, tmp_path):
    few = run(tmp_path, grammar=SETTINGS["grammar"] | {"dataset_sizes": [40]}, grammar_seeds=[3])
    chosen = (table["grammar_seed"] == 3) & (table["dataset_size"] == "40")
    again = few["dataset_size"] == "40"
    pd.testing.assert_frame_equal(
        few[again].reset_index(drop=True), table[chosen].reset_index(drop=True)
    )


def test_training_strings_are_those_of_the_networks(table, tmp_path):
    (path,) = sources(tmp_path, SHAPE, [3])
    cell = {"setting": SHAPE, "dataset_size": "4", "replicas": [[3, 5, 1]]}
    sizes = {"validation_size": 8, "test_size": 16, "training_size": 4}
    settings = settings_of("dataset", "rhm", {**sizes, "cell": cell})
    _, (strings,) = data.build(settings, [path])[0]["training"]
    rows = table.query("quantity == 'tuple_coverage' and grammar_seed == 3 and dataset_size == '4'")
    assert rows["estimate"].tolist() == [tuple_coverage(load_grammar(path)[0], strings)]


@pytest.mark.parametrize("shape", [(16, 4, 2, 3), (16, 6, 2, 3)])
def test_correlations_follow_their_law_up_to_level_2_and_are_below_it_at_3(tmp_path, shape):
    grammar = dict(zip(SHAPE, shape, strict=True)) | {"dataset_sizes": [4]}
    found = run(tmp_path, grammar=grammar, grammar_seeds=[0], correlation_grammars=60)
    squares = found[found["quantity"] == "squared_correlation"].groupby("level")["estimate"].mean()
    ratios = [squares[level] / correlation_law(*shape[:3], level) ** 2 for level in (1, 2, 3)]
    assert ratios[:2] == pytest.approx([1, 1], rel=0.25)
    assert 0.5 < ratios[2] < 1


def test_figures_are_drawn_from_a_theory_table(table):
    measured, losses = curves([0.5, 0.6], (1, 2))
    figure = rhm_clustering.draw(LOOKS, table, measured, losses)
    assert [len(panel.lines) > 0 for panel in figure.axes] == [True] * 3
    assert rhm_correlation_law.draw(LOOKS, table).axes
    assert rhm_one_step_gradient.draw(LOOKS, table).axes


def test_clustering_is_drawn_over_many_decades_of_sizes(table):
    """A linear axis of so many would begin below zero, where a logarithmic one cannot."""
    measured, losses = curves([0.5, 0.6], (1, 2))
    wide = table.assign(dataset_size=table["dataset_size"].replace("4", "400000"))
    *_, covered = rhm_clustering.draw(LOOKS, wide, measured, losses).axes
    assert covered.get_xlim()[0] > 0


@pytest.mark.parametrize("among", ["novel_strings", "all"])
def test_figures_are_drawn_with_pieces_missing(table, among):
    """One grammar, no networks, similarities that no pair stands behind."""
    one = table[table["grammar_seed"] == 0]
    similarity = one["quantity"].str.endswith("similarity")
    one = one.assign(estimate=one["estimate"].mask(similarity & (one["dataset_size"] == "4")))
    measured, losses = curves([0.5], (1,))
    measured = measured[(measured["dataset_size"] == "online") | (among == "all")]
    shown = Shown(accuracy="node_accuracy", among=among)
    looks = LOOKS.model_copy(update={"analysis": shown})
    assert rhm_clustering.draw(looks, one, measured, losses).axes
    assert rhm_correlation_law.draw(looks, one).axes
    assert rhm_one_step_gradient.draw(looks, one).axes


def test_figures_are_drawn_where_every_tuple_is_valid(tmp_path):
    """Then there is no correlation, no law, and no prediction."""
    found = run(tmp_path, grammar=SETTINGS["grammar"] | {"m": 4})
    assert np.allclose(found[found["quantity"] == "squared_correlation"]["estimate"], 0)
    measured, losses = curves([0.5], (1,))
    assert rhm_clustering.draw(LOOKS, found, measured, losses).axes
    assert rhm_correlation_law.draw(LOOKS, found).axes
    assert rhm_one_step_gradient.draw(LOOKS, found).axes
