"""The benchmark suite: ratios of known times, their intervals, the table, and that modules run."""

import json
import math
import os
import subprocess
import sys
from importlib import import_module
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from benchmarks import (
    belief_propagation,
    checking,
    correlations,
    dataset_generation,
    large_networks,
    machine,
    start_up,
    table,
    tables,
)
from benchmarks.__main__ import SUITE
from benchmarks.contest import LONG, ROUNDS, Contest, Line, Side, compete, run_apart
from benchmarks.curves import Curve, fastest
from benchmarks.figure import draw
from benchmarks.unchecked import unchecked
from pipeline.base.errors import PipelineError
from pipeline.documents.paste import pasted
from pipeline.rhm.grammar.parsing import parse
from pipeline.rhm.grammar.rules import sample_rules

ROOT = Path(__file__).parents[2]


class Clock:
    """Time that passes only where a side says so."""

    def __init__(self):
        self.now, self.order = 0.0, []

    def __call__(self):
        return self.now

    def side(self, name, *times):
        """A side whose runs after the first take the given times, over and over."""
        left = cycle(times)
        runs = iter(range(10**9))

        def run():
            if next(runs):
                self.now += next(left)
                self.order.append(name)

        return Side(name, run)


def contest(clock, ours=(1.0,), plain=(3.0,), **changes):
    known = {"what": "work", "amount": 6, "unit": "things", "goal": 3.0}
    sides = {"ours": clock.side("ours", *ours), "plain": clock.side("plain", *plain)}
    return Contest(**known | sides | changes)


def test_the_speed_up_of_known_times_is_their_ratio():
    clock = Clock()
    line = compete(contest(clock), 0.0, clock)
    assert line.rounds == ROUNDS
    assert (line.ours_rate, line.plain_rate) == pytest.approx((6, 2))
    assert (line.low, line.speed_up, line.high) == pytest.approx((3, 3, 3))
    assert line.met
    assert not compete(contest(clock, goal=3.1), 0.0, clock).met


def test_who_begins_changes_from_round_to_round():
    clock = Clock()
    compete(contest(clock), 0.0, clock)
    assert clock.order == ["ours", "plain", "plain", "ours", "ours", "plain"]


def test_rounds_go_on_until_the_time_is_spent():
    clock = Clock()
    assert compete(contest(clock), 39.0, clock).rounds == 10


@pytest.mark.parametrize(("seconds", "runs"), [(LONG / 2, ROUNDS + 1), (LONG, ROUNDS - 1)])
def test_a_first_run_apart_is_a_round_if_it_is_long(seconds, runs):
    clock = Clock()

    def work():
        clock.now += seconds
        clock.order.append("work")

    sides = {side: Side(side, work) for side in ("ours", "plain")}
    line = compete(Contest("work", **sides, amount=1, unit="things", goal=1.0), 0.0, clock)
    assert line.ours_seconds == [seconds] * ROUNDS
    assert len(clock.order) == 2 * runs  # here: those apart are seen by the fork alone


def test_amounts_that_differ_are_made_up_for():
    clock = Clock()
    assert compete(contest(clock, ours_amount=12), 0.0, clock).speed_up == pytest.approx(6)


def test_the_interval_is_that_of_a_t_test_of_logarithms():
    clock = Clock()
    line = compete(contest(clock, (1.0, 1.1, 0.9), (3.0, 2.0, 4.0, 3.5)), 0.0, clock)
    pairs = zip(line.plain_seconds, line.ours_seconds, strict=True)
    test = ttest_1samp([math.log(plain / ours) for plain, ours in pairs], 0.0)
    low, high = test.confidence_interval(0.95)
    assert (line.low, line.high) == pytest.approx((math.exp(low), math.exp(high)))
    assert line.low < line.speed_up < line.high


def test_peak_memory_is_that_of_the_work_or_of_its_largest_child():
    before = run_apart(lambda: None)[1]
    assert run_apart(lambda: bytearray(200_000_000))[1] - before == pytest.approx(200, rel=0.1)
    hungry = [sys.executable, "-c", f"x = bytearray({10**9})"]
    peak = run_apart(lambda: subprocess.run(hungry, check=True))[1]
    assert 1000 < peak < 1100


def test_a_side_that_fails_is_an_error():
    with pytest.raises(RuntimeError, match="exit status 3"):
        run_apart(lambda: sys.exit(3))


def test_the_slope_of_a_power_law_is_its_power():
    known = {"panel": "p", "x_name": "n", "y_name": "seconds", "x": [1, 10, 100]}
    assert Curve(**known, y=[2, 2e2, 2e4]).slope() == pytest.approx((2, 2, 2))
    slope, low, high = Curve(**known, y=[2, 3e2, 2e4]).slope()
    assert slope == pytest.approx(2)
    assert low < slope < high
    assert "slope" not in Curve(**known, y=[1, 2, 3], is_power_law=False).plain_values()


def test_the_fastest_of_several_runs_counts(monkeypatch):
    ticks = iter([0, 3, 10, 11, 20, 25])
    monkeypatch.setattr("benchmarks.curves.time.perf_counter", lambda: next(ticks))
    assert fastest(lambda: None, repeats=3) == 1


def bench(**changes):
    line = Line("work, 6", "ours", "plain way", "things", 3.0, "why", [0.5] * 5, [2.0] * 5, 12, 34)
    curve = Curve("a panel", "n", "seconds", [1, 10, 100], [2, 21, 190], "ours")
    described = machine.describe_machine()
    lines = [{**line.plain_values(), **changes}]
    return {"tables": {"machine": described, "lines": lines, "curves": [curve.plain_values()]}}


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def test_the_table_says_what_the_lines_do():
    head, _, row, *others = table.markdown(json.loads(json.dumps(bench()))).splitlines()
    shown = [cell.strip() for cell in row.strip("| ").split("|")]
    assert len(shown) == head.count("|") - 1
    assert shown[:4] == ["work, 6", "plain way", "2 things/s", "2 s per thing"]
    assert shown[4:] == ["4 [4, 4]", "3", "12 / 34", "why"]
    assert sum(f"{os.cpu_count()} cores" in line for line in others) == 1
    assert "to the power 0.99 [" in others[-1]


def test_a_goal_that_was_missed_says_so():
    assert table.cells(bench(met=False)["tables"]["lines"][0])[5] == "3, missed"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1.2e10, "12 G steps/s"), (1234, "1.23 k steps/s"), (5, "5 steps/s"), (0.5, "2 s per step")],
)
def test_rates_have_three_digits(value, shown):
    assert table.rate(value, "steps") == shown


def test_the_figure_is_drawn(tmp_path):
    curves = bench()["tables"]["curves"]
    accuracy = Curve("other", "n", "share", [1, 2], [0.1, 0.2], "", [0, 0.1], [0.2, 0.3], False)
    draw([*curves, accuracy.plain_values()], tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"cost_growth.pdf", "cost_growth.png"}


def test_the_table_has_its_place_in_the_readme():
    assert "\n| what |" in pasted((ROOT / "docs/speed.md").read_text(), "bench", "| what |")


@pytest.mark.parametrize("module", SUITE)
def test_modules_of_the_suite_have_contests(module):
    assert callable(import_module(f"benchmarks.{module}").contests)


def test_both_ways_to_the_rows_of_a_figure_give_the_same(tmp_path):
    grid = tables.Grid(tmp_path, 6)
    grid.aggregate()
    shown, plain = grid.read_shown(), grid.concatenate_shown()
    assert shown.pop("best_checkpoint").sum() == 6 * 3
    assert shown.equals(plain.reset_index(drop=True))
    assert len(shown) == 6 * 12 * 3


def test_all_contests_of_tables_run(tmp_path):
    assert [compete(contest, 0.0).rounds for contest in tables.contests(2, 2)] == [ROUNDS] * 3


def test_stages_read_the_same_whether_or_not_anything_is_checked():
    for contest in checking.contests(2, 2):
        assert compete(contest, 0.0).rounds == ROUNDS


def test_what_is_not_checked_is_read_although_it_was_altered(tmp_path):
    trajectory = checking.Trajectory(tmp_path, steps=1, strings=64)
    (path,) = trajectory.samples
    spoilt = bytearray(path.read_bytes())
    spoilt[-1] ^= 1
    path.write_bytes(spoilt)
    with pytest.raises(PipelineError):
        trajectory.check_and_measure()
    unchecked(trajectory.measure)


def test_large_networks_are_trained_and_sampled_either_way(monkeypatch):
    monkeypatch.setattr(large_networks, "_STEPS", {"text": 1, "image": 1})
    monkeypatch.setattr(large_networks, "_IMAGES", 2)
    for contest in large_networks.contests():
        contest.ours.run()
        contest.plain.run()


def test_stages_start():
    for contest in start_up.contests():
        contest.ours.run()


def test_contestants_do_the_same_work():
    propagation = belief_propagation.Case(strings=3, levels=4)
    for ours, plain in zip(propagation.exact(), propagation.plain(), strict=True):
        np.testing.assert_allclose(ours, plain, atol=1e-12)
    grammar = sample_rules(correlations.V, correlations.M, correlations.S, correlations.L, seed=0)
    tokens = correlations.corrupted(grammar, 2**12)
    ours = correlations.node_accuracies(grammar, tokens)
    assert ours == pytest.approx(correlations.plain_accuracies(grammar, tokens))
    strings = dataset_generation.plain_strings(grammar, 100)
    assert len(strings.unique(dim=0)) == 100
    assert (parse(grammar, strings.numpy()).symbols[-1] >= 0).all()
