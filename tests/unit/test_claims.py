"""Every claim on tables whose truth is known: upheld, violated, too noisy, and not measured."""

import numpy as np
import pandas as pd
import pytest

from pipeline.analysis.curves import predicted_size
from pipeline.analysis.exponents import exponents
from pipeline.analysis.laws import compare_laws
from pipeline.claims.claims import CLAIMS
from pipeline.claims.decide import claims_table
from pipeline.claims.thresholds import chance_class_accuracy
from pipeline.tables import COLUMNS
from tests.unit.test_exponents import V_M, thresholds

SIZES = 2.0 ** np.arange(4, 15)
SETTING = {"v": 16, "m": 4, "s": 2, "L": 3}


def decided(quantity, **frames):
    """The row of the quantity that begins so, of tables of the RHM."""
    frames = {f"rhm_{name}": frame for name, frame in frames.items()}
    table = claims_table(frames, 200, 0.25)
    (row,) = table[
        table["quantity"].str.startswith(quantity) & (table["claim"] != "C5")
    ].itertuples()
    return row


def noise(*shape, size=0.05, seed=0):
    return size * np.random.default_rng(seed).standard_normal(shape)


def trajectories(quantity, curve, levels, spread=0.05, grammars=4, **columns):
    """Rows of `curve(P, level, grammar's factor)`, one checkpoint, one replica a grammar."""
    factors = np.exp(noise(grammars, size=spread, seed=1))
    rows = [
        {**SETTING, "grammar_seed": g, "data_seed": 0, "network_seed": 0, "step": 8}
        | {"dataset_size": str(int(P)), "quantity": quantity, "level": level}
        | {"estimate": curve(P, level, factors[g])}
        for g in range(grammars)
        for P in SIZES
        for level in levels
    ]
    return pd.DataFrame(rows).assign(**columns)


def losses(frame):
    cells = frame.drop_duplicates([*SETTING, "grammar_seed", "dataset_size"])
    return cells.assign(split="validation", noise_low=0.0, noise_high=1.0, loss=1.0)


def law(v, m, s, level):
    return predicted_size(v, m, s, level)


def power(exponent):
    return lambda v, m, s, level: predicted_size(v, m, s, level) ** exponent


@pytest.mark.parametrize(
    ("variable", "quantity"),
    [("dataset_size", "smallest ratio of half-way d"), ("step", "smallest ratio of half-way t")],
)
@pytest.mark.parametrize(
    ("size", "spread", "verdict"),
    [
        (law, 0.1, "supported"),
        (lambda v, m, s, level: 500.0 / m**level, 0.1, "contradicted"),
        (lambda v, m, s, level: 500.0 * 4 ** (level == 2), 0.1, "contradicted"),  # 3 before 2
        (lambda v, m, s, level: 500.0 * 1.1**level, 1.0, "undecided"),
    ],
)
def test_levels_in_order(variable, quantity, size, spread, verdict):
    table = thresholds(size, noise=spread, design=(8, 1, 1)).assign(variable=variable)
    row = decided(quantity, sample_complexity=table)
    assert (row.verdict, row.grammars, row.replicas) == (verdict, 8, 8)


def test_the_smallest_ratio_is_that_of_noiseless_thresholds():
    row = decided("smallest ratio of half-way d", sample_complexity=thresholds(law))
    assert [row.estimate, row.low, row.high] == pytest.approx([thresholds(law)["m"].iloc[0]] * 3)


def test_a_level_out_of_range_makes_no_ratio():
    table = thresholds(law)
    table["status"] = np.where(table["level"] == 3, "above", "inside")
    row = decided("smallest ratio of half-way d", sample_complexity=table)
    m = table["m"].iloc[0]
    assert row.estimate == pytest.approx(m)
    only_one = table.assign(status=np.where(table["level"] == 1, "inside", "above"))
    assert decided("smallest ratio of half-way d", sample_complexity=only_one).grammars == 0


@pytest.mark.parametrize(
    ("level", "status", "found"),
    [(2, "below", False), (1, "above", False), (3, "above", True), (1, "below", True)],
)
def test_one_replica_out_of_range_and_out_of_order_leaves_the_order_undecided(level, status, found):
    table = thresholds(law, noise=0.05, design=(8, 1, 1))
    table.loc[(table["level"] == level) & (table["grammar_seed"] == 0), "status"] = status
    row = decided("smallest ratio of half-way d", sample_complexity=table)
    assert (row.verdict == "supported") == found


def test_an_order_that_no_replica_tells_is_not_taken_for_granted():
    table = thresholds(law, noise=0.05)
    table["status"] = np.where(table["level"] > 1, "above", "inside")
    assert decided("smallest ratio of half-way d", sample_complexity=table).grammars == 0


@pytest.mark.parametrize(
    ("exponent", "spread", "verdict"),
    [(1.0, 0.05, "supported"), (2.0, 0.05, "contradicted"), (1.0, 0.4, "undecided")],
)
def test_the_exponent_of_the_law(exponent, spread, verdict):
    table = exponents(thresholds(power(exponent), noise=spread, design=(4, 1, 1)), 200, 1)
    assert decided("exponent of the prediction", exponents=table).verdict == verdict


def test_rival_laws_are_each_held_against_the_law():
    several = compare_laws(thresholds(law, V_M, noise=0.05), 200, 1)
    for rival in ("m^l", "m^(2l-1)", "m^3"):
        assert decided(f"held-out error of {rival} ", laws=several).verdict == "supported"
    one = compare_laws(thresholds(law, noise=0.05), 200, 1)
    assert decided("held-out error of m^l ", laws=one).verdict == "undecided"  # no telling apart
    assert decided("held-out error of m^3 ", laws=one).verdict == "supported"
    cubic = compare_laws(thresholds(lambda v, m, s, level: v * m**3.0, noise=0.05), 200, 1)
    assert decided("held-out error of m^3 ", laws=cubic).verdict == "contradicted"


def clusters(networks, factor, exponent=1.0):
    """Curves of class accuracy that are half-way at (factor x threshold of a network)^exponent."""
    rows = []
    for row in networks[networks["level"] > 1].itertuples():
        chance = chance_class_accuracy(row.v, row.m)
        for P in 2.0 ** np.arange(2, 32):
            rise = 1 / (1 + ((factor * row.threshold) ** exponent / P) ** 3)
            place = {name: getattr(row, name) for name in ("v", "m", "s", "L")}
            place |= {"grammar_seed": row.grammar_seed, "data_seed": row.data_seed}
            rows.append({**place, "level": row.level - 1, "dataset_size": str(int(P))})
            rows[-1] |= {"quantity": "class_accuracy", "estimate": chance + (1 - chance) * rise}
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("exponent", "verdict"), [(1.0, "supported"), (0.5, "contradicted"), (2.0, "contradicted")]
)
def test_networks_need_a_power_of_what_clustering_needs(exponent, verdict):
    networks = thresholds(law, V_M, noise=0.1, design=(4, 1, 1))
    theory = clusters(networks, 3.0, exponent)
    row = decided("exponent of the cl", sample_complexity=networks, theory=theory)
    assert row.estimate == pytest.approx(1 / exponent, rel=0.02)
    assert (row.verdict, row.grammars) == (verdict, 16)


def test_only_grammars_and_settings_that_both_have_are_compared():
    networks = thresholds(law, V_M, noise=0.1, design=(4, 1, 1))
    theory = clusters(networks[(networks["grammar_seed"] < 3) & (networks["v"] == 16)], 1.0)
    row = decided("exponent of the cl", sample_complexity=networks, theory=theory)
    shared = networks[(networks["grammar_seed"] < 3) & (networks["v"] == 16)]
    assert row.grammars == shared.groupby(["v", "m", "grammar_seed"]).ngroups
    elsewhere = theory.assign(v=99)
    row = decided("exponent of the cl", sample_complexity=networks, theory=elsewhere)
    assert (row.verdict, row.grammars) == ("undecided", 0)


@pytest.mark.parametrize(
    ("exponent", "spread", "growth", "size"),
    [
        (0.5, 0.02, "supported", "supported"),  # ln 2 / ln 4
        (1.0, 0.02, "supported", "contradicted"),
        (-0.5, 0.02, "contradicted", "contradicted"),
        (0.0, 0.5, "undecided", "undecided"),
    ],
)
def test_the_coherence_length_grows_as_a_power(exponent, spread, growth, size):
    def length(P, level, factor):
        wobble = factor ** np.log(P / 16)  # every grammar has an exponent of its own
        return 8 * (P / 2**14) ** exponent * wobble

    measured = trajectories("coherence_length", length, [np.nan], spread)
    tables = {"measurements": measured, "losses": losses(measured)}
    assert decided("growth exponent of the coh", **tables).verdict == growth
    assert decided("growth exponent over", **tables).verdict == size


@pytest.mark.parametrize(
    ("half", "verdict"),
    [
        (lambda level: 16.0 * 4**level, "supported"),
        (lambda level: 16.0 * 4 ** (4 - level), "contradicted"),
        (lambda level: 300.0, "undecided"),
    ],
)
def test_blocks_become_invariant_level_by_level(half, verdict):
    def sensitivity(P, level, factor):
        return 0.8 / (1 + (P / (half(level) * factor**level)) ** 2)

    probes = trajectories("synonym_sensitivity", sensitivity, [1, 2, 3], 0.2)
    probes = probes.assign(block="up" + (probes["level"] + 1).astype(str))
    other = probes.assign(block="down1", estimate=1.0)  # which must not matter
    row = decided(
        "smallest ratio of sizes", probes=pd.concat([probes, other]), losses=losses(probes)
    )
    assert row.verdict == verdict


@pytest.mark.parametrize(
    ("exponent", "spread", "verdict"),
    [(1.0, 0.02, "supported"), (0.5, 0.02, "contradicted"), (1.0, 0.6, "undecided")],
)
def test_copying_starts_at_a_power_of_the_size(exponent, spread, verdict):
    def start(P, level, factor):
        return 30 * P**exponent * factor ** np.log(P)

    times = trajectories("copied_excess", start, [np.nan], spread)
    times = times.rename(columns={"estimate": "threshold"}).assign(status="inside")
    learning = times.assign(quantity="node_accuracy", threshold=1.0, level=1)
    row = decided("growth exponent of the st", memorization=pd.concat([times, learning]))
    assert row.verdict == verdict


def test_what_was_not_run_is_undecided_and_has_no_grammars():
    table = claims_table({}, 200, 0.25)
    assert set(table["verdict"]) == {"undecided"}
    assert set(table["grammars"]) == {0}
    assert len(table) == len(CLAIMS)
    assert set(table.columns) <= set(COLUMNS)


def test_tables_without_rows_leave_every_claim_undecided():
    names = {name for claim in CLAIMS for name in claim.tables}
    table = claims_table({name: pd.DataFrame() for name in names}, 200, 0.25)
    assert set(table["verdict"]) == {"undecided"}


def test_a_single_grammar_leaves_every_claim_undecided():
    table = thresholds(law, design=(1, 2, 2))
    measured = trajectories("coherence_length", lambda P, *_: P**0.5, [np.nan], grammars=1)
    frames = {
        "rhm_sample_complexity": pd.concat([table, table.assign(variable="step")]),
        "rhm_exponents": exponents(table, 100, 1),
        "rhm_theory": clusters(table, 1.0),
        "rhm_measurements": measured,
        "rhm_losses": losses(measured),
    }
    decisions = claims_table(frames, 100, 0.25)
    assert set(decisions["verdict"]) == {"undecided"}
    assert (decisions["estimate"].notna()).sum() >= 5


def test_rows_of_other_quantities_are_no_evidence():
    measured = trajectories("node_accuracy", lambda P, *_: 0.5, [1])
    theory = trajectories("tuple_coverage", lambda P, *_: 0.5, [1])
    probes = trajectories("excess_loss", lambda P, *_: 0.5, [1]).assign(block=None)
    none = thresholds(law).assign(status="above")
    tables = {"measurements": measured, "theory": theory, "probes": probes}
    tables |= {"sample_complexity": none, "losses": losses(measured)}
    frames = {f"rhm_{name}": frame for name, frame in tables.items()}
    table = claims_table(frames, 100, 0.25)
    assert set(table["verdict"]) == {"undecided"}
    assert set(table["grammars"]) == {0}
