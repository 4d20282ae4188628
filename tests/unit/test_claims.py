"""Claims on when levels are learnt, on tables whose truth is known: upheld, violated, too noisy."""

import numpy as np
import pandas as pd
import pytest

from pipeline.analysis.curves import predicted_size
from pipeline.analysis.laws import RIVALS
from pipeline.base.columns import COLUMNS
from pipeline.claims.claims import CLAIMS
from pipeline.claims.decide import claims_table
from pipeline.claims.thresholds import chance_class_accuracy
from pipeline.stages.domains import DOMAINS
from tests.unit.claims_case import RULES, decided, decisions, losses, trajectories
from tests.unit.test_exponents import V_M, thresholds
from tests.unit.test_laws import obeying

MANY = [(8, 3), (8, 6), (16, 3), (16, 4), (16, 8), (32, 4)]
"""Settings that tell all laws apart."""


def law(v, m, s, level):
    return predicted_size(v, m, s, level)


def power(exponent):
    return lambda v, m, s, level: predicted_size(v, m, s, level) ** exponent


@pytest.mark.parametrize("variable", ["dataset_size", "step"])
@pytest.mark.parametrize(
    ("size", "spread", "verdict"),
    [
        (law, 0.1, "supported"),
        (lambda v, m, s, level: 500.0 / m**level, 0.1, "contradicted"),
        (lambda v, m, s, level: 500.0 * 4 ** (level == 2), 0.1, "contradicted"),  # 3 before 2
        (lambda v, m, s, level: 500.0 * 1.1**level, 1.0, "undecided"),
    ],
)
def test_levels_in_order(variable, size, spread, verdict):
    table = thresholds(size, noise=spread, design=(8, 1, 1)).assign(variable=variable)
    quantity = {
        "dataset_size": "smallest ratio of half-way d",
        "step": "smallest ratio of half-way t",
    }
    row = decided("order of levels", quantity[variable], sample_complexity=table)
    assert (row.verdict, row.grammars, row.replicas) == (verdict, 8, 8)


def order(table):
    return decided("order of levels", "smallest ratio of half-way d", sample_complexity=table)


def test_the_smallest_ratio_is_that_of_noiseless_thresholds():
    row = order(thresholds(law))
    assert row.estimate == pytest.approx(thresholds(law)["m"].iloc[0])
    assert np.isnan([row.low, row.high]).all()
    assert (row.verdict, row.reason) == ("undecided", "no interval: all give the same value")


def test_a_level_out_of_range_makes_no_ratio():
    table = thresholds(law)
    table["status"] = np.where(table["level"] == 3, "above", "inside")
    assert order(table).estimate == pytest.approx(table["m"].iloc[0])
    only_one = table.assign(status=np.where(table["level"] == 1, "inside", "above"))
    row = order(only_one)
    assert (row.verdict, np.isnan(row.estimate)) == ("undecided", True)
    assert "too few replicas tell the order" in row.reason


@pytest.mark.parametrize(
    ("level", "status", "found"),
    [
        (2, "below", False),
        (1, "above", False),
        (3, "above", True),
        (1, "below", True),
        (3, "not converged", True),
        (2, "not converged", True),
    ],
)
def test_one_replica_out_of_range_and_out_of_order_leaves_the_order_undecided(level, status, found):
    table = thresholds(law, noise=0.05, design=(8, 1, 1))
    table.loc[(table["level"] == level) & (table["grammar_seed"] == 0), "status"] = status
    assert (order(table).verdict == "supported") == found


def test_levels_that_do_not_converge_are_in_no_order():
    table = thresholds(law, noise=0.05)
    table["status"] = np.where(table["level"] > 1, "not converged", "inside")
    assert order(table).verdict == "undecided"


@pytest.mark.parametrize(
    ("exponent", "spread", "verdict"),
    [(1.0, 0.05, "supported"), (2.0, 0.05, "contradicted"), (1.0, 1.5, "undecided")],
)
def test_the_exponent_of_the_law(exponent, spread, verdict):
    table = thresholds(power(exponent), V_M, noise=spread, design=(4, 1, 1))
    assert decided("sample complexity", "exponent", sample_complexity=table).verdict == verdict


def test_levels_do_not_make_up_for_settings_that_differ_in_no_way():
    """Pooled over levels the slope would be near 1 whatever m and v do."""
    table = thresholds(lambda v, m, s, level: 100.0 * 3.0**level, V_M, noise=0.05)
    row = decided("sample complexity", "exponent", sample_complexity=table)
    assert row.estimate == pytest.approx(0, abs=0.1)
    assert row.verdict == "contradicted"


def test_a_slope_of_one_is_not_supported_where_a_line_misses_the_settings():
    def bent(v, m, s, level):
        return predicted_size(v, m, s, level) * {3: 1.0, 4: 1.9, 6: 1.0}[m]

    table = thresholds(bent, [(16, 3), (16, 4), (16, 6)], noise=0.05, design=(6, 1, 1))
    row = decided("sample complexity", "exponent", sample_complexity=table)
    assert (row.low > 0.75, row.high < 1.25) == (True, True)
    assert row.verdict == "undecided"
    assert "misses the settings" in row.reason


@pytest.mark.parametrize(("rival", "factor"), [("m^(l+1)", True), *RIVALS])
def test_the_law_is_supported_if_it_is_true_and_not_if_any_rival_is(rival, factor):
    table = thresholds(obeying(rival, factor), MANY, noise=0.1, design=(6, 1, 1))
    row = decided("sample complexity", "place", sample_complexity=table)
    assert (row.verdict == "supported") == (rival == "m^(l+1)")


def test_settings_that_cannot_tell_a_rival_from_the_law_decide_nothing():
    table = thresholds(law, V_M, levels=(1, 2), noise=0.05)
    row = decided("sample complexity", "place", sample_complexity=table)
    assert row.verdict == "undecided"
    assert "cannot tell it from m^(2l-1)" in row.reason


def test_the_lead_of_the_collapse_is_that_of_the_table_of_laws():
    laws = pd.DataFrame(
        {"criterion": ["node_accuracy", "conditional_accuracy"], "lead": [9.0, 0.1]}
    )
    laws = laws.assign(lead_low=0.05, lead_high=0.2, grammars=8, replicas=9)
    row = decided("sample complexity", "variance", laws=laws)
    assert (row.verdict, row.estimate, row.grammars) == ("supported", 0.1, 8)


def clusters(networks, factor, exponent=1.0):
    """Curves of class accuracy, half-way next to (factor x threshold of a network)^exponent."""
    rows, random = [], np.random.default_rng(0)
    for row in networks[networks["level"] > 1].itertuples():
        chance = chance_class_accuracy(row.v, row.m)
        half_way = (factor * row.threshold) ** exponent * np.exp(0.01 * random.standard_normal())
        for P in 2.0 ** np.arange(2, 32):
            rise = 1 / (1 + (half_way / P) ** 3)
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
    row = decided("clustering", "exponent", sample_complexity=networks, theory=theory)
    assert row.estimate == pytest.approx(1 / exponent, rel=0.02)
    assert (row.verdict, row.grammars) == (verdict, 16)


@pytest.mark.parametrize(("sign", "verdict"), [(1.0, "supported"), (-1.0, "contradicted")])
def test_grammars_that_networks_find_hard_are_hard_for_clustering_or_are_not(sign, verdict):
    networks = thresholds(law, V_M, noise=0.3, design=(6, 1, 1))
    other = networks.assign(
        threshold=networks["predicted"] ** (1 - sign) * networks["threshold"] ** sign
    )
    theory = clusters(other, 1.0)
    row = decided("clustering", "correlation", sample_complexity=networks, theory=theory)
    assert row.estimate == pytest.approx(sign, abs=0.05)
    assert row.verdict == verdict


def test_only_grammars_and_settings_that_both_have_are_compared():
    networks = thresholds(law, V_M, noise=0.1, design=(4, 1, 1))
    shared = networks[(networks["grammar_seed"] < 3) & (networks["v"] == 16)]
    theory = clusters(shared, 1.0)
    row = decided("clustering", "exponent", sample_complexity=networks, theory=theory)
    assert row.grammars == shared.groupby(["v", "m", "grammar_seed"]).ngroups
    elsewhere = {"sample_complexity": networks, "theory": theory.assign(v=99)}
    row = decided("clustering", "exponent", **elsewhere)
    assert (row.verdict, row.reason) == ("undecided", "no level is in range in both")


@pytest.mark.parametrize(("exponent", "verdict"), [(1.0, "supported"), (0.5, "contradicted")])
def test_one_gradient_step_needs_a_power_of_the_prediction(exponent, verdict):
    parts = []
    for v, m in V_M:
        half = predicted_size(v, m, 2, 2) ** exponent

        def cosine(P, _level, factor, half=half):
            return 1 / (1 + half * factor / P)

        part = trajectories("synonym_update_similarity", cosine, [1], sizes=2.0 ** np.arange(2, 16))
        parts.append(part.assign(v=v, m=m))
    row = decided("gradient step", theory=pd.concat(parts))
    assert row.verdict == verdict
    assert row.estimate == pytest.approx(exponent, rel=0.05)


def sensitivities(half, spread=0.2):
    def sensitivity(P, level, factor):
        return 0.8 / (1 + (P / (half(level) * factor**level)) ** 2)

    probes = trajectories("synonym_sensitivity", sensitivity, [1, 2, 3], spread)
    probes = probes.assign(block="up" + (probes["level"] + 1).astype(str))
    other = probes.assign(block="down1", estimate=1.0)  # which must not matter
    return {"probes": pd.concat([probes, other]), "losses": losses(probes)}


@pytest.mark.parametrize(
    ("half", "verdict"),
    [
        (lambda level: 16.0 * 4**level, "supported"),
        (lambda level: 16.0 * 4 ** (4 - level), "contradicted"),
        (lambda level: 300.0, "undecided"),
    ],
)
def test_blocks_become_invariant_level_by_level(half, verdict):
    assert decided("synonyms", **sensitivities(half)).verdict == verdict


def test_few_blocks_in_range_decide_nothing():
    row = decided("synonyms", **sensitivities(lambda level: 100.0 * 30**level))
    assert row.verdict == "undecided"
    assert "half-way points are in range" in row.reason


@pytest.mark.parametrize(("growth", "verdict"), [(4.0, "supported"), (0.25, "contradicted")])
def test_correlations_appear_in_order(growth, verdict):
    table = thresholds(lambda v, m, s, level: 500.0 * growth**level, noise=0.1, design=(6, 1, 1))
    table = table.assign(quantity="correlation_ratio")
    assert decided("correlations", sample_complexity=table).verdict == verdict


def test_what_was_not_run_says_so():
    parts = [claims_table(domain, {}, RULES) for domain in DOMAINS]
    table = pd.concat(parts)
    assert set(table["verdict"]) == {"not run"}
    assert set(table["grammars"]) == {0}
    assert len(table) == len(CLAIMS)
    assert set(table.columns) <= set(COLUMNS)


def test_tables_without_rows_were_not_run():
    for domain in DOMAINS.values():
        tables = {name: pd.DataFrame() for name in domain.claim_tables}
        table = claims_table(domain.name, tables, RULES)
        assert set(table["verdict"]) == {"not run"}


def test_the_workflow_hands_over_the_tables_that_claims_are_read_from():
    for domain in DOMAINS.values():
        used = {name for claim in CLAIMS for name in claim.tables if claim.domain == domain.name}
        assert set(domain.claim_tables) == used


def test_a_setting_of_one_grammar_is_left_out_and_named():
    """It would leave all others without an interval, and it must not speak without one."""
    table = thresholds(law, V_M, noise=0.1, design=(6, 1, 1))
    alone = thresholds(lambda *_: 1e4, [(7, 5)], design=(1, 1, 1))
    both = pd.concat([table, alone], ignore_index=True)
    for quantity in ("exponent", "place"):
        known = decided("sample complexity", quantity, sample_complexity=table)
        row = decided("sample complexity", quantity, sample_complexity=both)
        assert (row.estimate, row.low, row.verdict) == (known.estimate, known.low, known.verdict)
        assert row.reason == "without 7, 5, 2, 3, of one grammar"
    assert order(both).verdict == order(table).verdict == "supported"


def test_a_single_grammar_decides_nothing_but_has_numbers():
    table = thresholds(law, V_M, design=(1, 2, 2))
    found = decisions(sample_complexity=table, theory=clusters(table, 1.0))
    found = found[found["setting"].isna()]
    assert set(found["verdict"]) == {"undecided", "not run"}
    assert (found["estimate"].notna()).sum() >= 3
    without = "no interval|too few settings to tell"
    assert found.loc[found["estimate"].notna(), "reason"].str.contains(without).all()


def test_rows_of_other_quantities_are_no_evidence():
    measured = trajectories("string_accuracy", lambda P, *_: 0.5, [1])
    tables = {"theory": trajectories("tuple_coverage", lambda P, *_: 0.5, [1])}
    tables |= {"probes": trajectories("excess_loss", lambda P, *_: 0.5, [1], block=None)}
    tables |= {"measurements": measured, "losses": losses(measured)}
    none = thresholds(law).assign(quantity="node_accuracy")
    found = decisions(sample_complexity=none, **tables)
    assert set(found["verdict"]) == {"not run"}


def test_a_setting_that_contradicts_is_not_hidden_by_the_others():
    rise = thresholds(law, V_M, noise=0.05)
    fall = thresholds(lambda v, m, s, level: 1e4 / m**level, [(32, 3)], noise=0.05)
    table = decisions(sample_complexity=pd.concat([rise, fall]))
    rows = table[table["quantity"].str.startswith("smallest ratio of half-way d")]
    pooled, single = rows[rows["setting"].isna()], rows[rows["setting"].notna()]
    assert pooled["verdict"].item() == "heterogeneous"
    assert "32, 3, 2, 3" in pooled["reason"].item()
    assert (
        dict(zip(single["setting"], single["verdict"], strict=True))["32, 3, 2, 3"]
        == "contradicted"
    )
    assert list(single["verdict"]).count("supported") == 4
