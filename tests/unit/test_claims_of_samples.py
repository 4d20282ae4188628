"""Claims on samples of all domains, on tables whose truth is known: coherence, novelty, depth."""

import numpy as np
import pandas as pd
import pytest

from tests.unit.claims_case import (
    RULES,
    SIZES,
    decided,
    losses,
    network_losses,
    networks,
    trajectories,
)
from tests.unit.test_exponents import thresholds

STEPS = [2**k for k in range(5, 13)]
NOVEL = {"rhm": "novel_strings", "text": "novel_samples", "image": "novel_samples"}


def strings(power_of_data, power_of_time, spread):
    """Lengths of grammars at several steps of every size."""
    parts = []
    for step in STEPS:

        def length(P, _, factor, step=step):
            # every grammar has exponents of its own
            return P**power_of_data * step**power_of_time * factor ** np.log(P * step / 512)

        part = trajectories("coherence_length", length, spread=spread)
        parts.append(part.assign(step=step))
    return pd.concat(parts).assign(among="novel_strings")


def best_step(size):
    return int(np.clip(size / 4, STEPS[0], STEPS[-1]))


def tables_of(domain, power_of_data, power_of_time, spread=0.02):
    """Tables whose best checkpoint is later for larger sizes."""
    if domain == "rhm":
        frame = strings(power_of_data, power_of_time, spread)
        cells = frame.drop_duplicates(["grammar_seed", "dataset_size", "step"])
        loss = [abs(np.log(r.step / best_step(int(r.dataset_size)))) for r in cells.itertuples()]
        return {"measurements": frame, "losses": losses(cells, loss=loss)}

    def length(P, step, factor):
        return P**power_of_data * step**power_of_time * factor ** np.log(P * step / 512)

    sizes = [2**k for k in range(7, 14)]
    frame = networks(
        "equivalent_block_length",
        length,
        sizes,
        STEPS,
        "novel_samples",
        [RULES.average],
        spread=spread,
    )
    pixels = frame.assign(estimate=3.0, layer=np.nan)
    frame = pd.concat([frame.assign(layer=0), pixels]) if domain == "image" else frame
    return {"measurements": frame, "losses": network_losses(frame, best_step)}


@pytest.mark.parametrize("domain", NOVEL)
@pytest.mark.parametrize(
    ("data", "time", "spread", "best", "last"),
    [
        (0.5, 0.0, 0.02, "supported", "supported"),
        (-0.5, 0.0, 0.02, "contradicted", "contradicted"),
        (0.0, 0.5, 0.02, "supported", "undecided"),  # growth with P that is growth with time
        (0.0, 0.0, 0.5, "undecided", "undecided"),
    ],
)
def test_lengths_grow_with_data_at_the_best_checkpoint_and_at_a_fixed_one(
    domain, data, time, spread, best, last
):
    tables = tables_of(domain, data, time, spread)
    found = [
        decided(
            "coherence with data", f"exponent of the length's growth with P, {c}", domain, **tables
        )
        for c in ("best", "fixed")
    ]
    assert [row.verdict for row in found] == [best, last]
    assert found[1].estimate == pytest.approx(data, abs=4 * spread)
    if domain != "rhm":
        assert found[0].replicas == 3


@pytest.mark.parametrize("domain", NOVEL)
def test_copies_do_not_count(domain):
    tables = tables_of(domain, 0.5, 0.0)
    frame = tables["measurements"].assign(among="all")
    found = [
        decided("coherence with data", f"exponent of the length's growth with P, {c}", domain,
                measurements=frame, losses=tables["losses"])
        for c in ("best", "fixed")
    ]  # fmt: skip
    assert [row.verdict for row in found] == ["not run"] * 2


@pytest.mark.parametrize("domain", NOVEL)
def test_sizes_of_which_most_samples_are_copies_do_not_count(domain):
    """Nor with time on the largest set; copies of other weights do not matter."""
    tables = tables_of(domain, 0.5, 0.5)
    frame = tables["measurements"]
    small = frame["dataset_size"].astype(int) < 1000
    longer = frame.assign(estimate=frame["estimate"].where(~small, 1e4))
    copies = longer.assign(quantity="copied_fraction", estimate=np.where(small, 0.9, 0.1))
    copies["among"] = None
    if domain == "image":
        copies = copies[copies["layer"] == 0].assign(layer=np.nan)
    others = [] if domain == "rhm" else [copies.assign(average=0.5, estimate=1.0)]
    measured = pd.concat([longer, copies, *others])
    data = ("coherence with data", "exponent of the length's growth with P, fixed", domain)
    row = decided(*data, measurements=measured, losses=tables["losses"])
    assert row.estimate == pytest.approx(0.5, abs=0.05)
    every = pd.concat([longer, copies.assign(estimate=1.0)])
    for claim in (data, ("coherence with time", "", domain)):
        row = decided(*claim, measurements=every, losses=tables["losses"])
        assert row.verdict == "undecided"


@pytest.mark.parametrize("domain", NOVEL)
@pytest.mark.parametrize(("power", "verdict"), [(0.4, "supported"), (-0.4, "contradicted")])
@pytest.mark.parametrize("online", [True, False])
def test_lengths_grow_with_time(domain, power, verdict, online):
    frame = tables_of(domain, 0.0, power)["measurements"]
    sizes = frame["dataset_size"].astype(int)
    largest, smaller = frame[sizes == sizes.max()], frame[sizes < sizes.max()]
    if online:
        frame = pd.concat([frame, largest.assign(dataset_size="online", among="all")])
    else:  # smaller sets do not count
        frame = pd.concat([largest, smaller.assign(estimate=1.0)])
    row = decided("coherence with time", domain=domain, measurements=frame)
    assert row.estimate == pytest.approx(power, abs=0.02)
    assert row.verdict == verdict


@pytest.mark.parametrize("domain", ["text", "image"])
def test_a_single_network_decides_nothing(domain):
    frame = tables_of(domain, 0.5, 0.5)["measurements"]
    one = frame[frame["network_seed"] == 0]
    row = decided("coherence with time", domain=domain, measurements=one)
    assert (row.verdict, row.replicas) == ("undecided", 1)
    assert "one network" in row.reason


def learnt(level_sizes, quantity="conditional_accuracy"):
    """Half-way points of the grammars of `trajectories`, by level."""
    parts = [
        thresholds(lambda *_, size=size: size, [(16, 4)], [level], design=(4, 1, 1))
        for level, size in level_sizes.items()
    ]
    return pd.concat(parts).assign(quantity=quantity)


@pytest.mark.parametrize(
    ("index", "verdict"), [(0.98, "supported"), (0.3, "contradicted"), (0.9, "undecided")]
)
def test_creativity_counts_from_where_a_level_is_learnt(index, verdict):
    """Before, and where nothing is left to invent, it may be anything."""
    half = {1: 64.0, 2: 256.0, 3: 1024.0}

    def found(P, level, factor):
        return index * factor**0.2 if half[level] <= P < 8 * half[level] else 0.0

    def unseen(P, level, _):
        return 0.5 if 8 * half[level] > P else 0.01

    rows = [
        trajectories("creativity_index", found, [1, 2, 3]),
        trajectories("unseen_share", unseen, [1, 2, 3]),
    ]
    frame = pd.concat(rows)
    row = decided(
        "creativity", measurements=frame, losses=losses(frame), sample_complexity=learnt(half)
    )
    assert row.verdict == verdict
    assert row.estimate == pytest.approx(index, rel=0.05)


def test_creativity_of_the_weakest_level_counts():
    half = {1: 64.0, 2: 256.0, 3: 1024.0}
    values = {1: 1.0, 2: 0.4, 3: 1.0}
    index = trajectories("creativity_index", lambda P, level, f: values[level] * f, [1, 2, 3])
    unseen = trajectories("unseen_share", lambda *_: 0.5, [1, 2, 3])
    frame = pd.concat([index, unseen])
    tables = {"measurements": frame, "losses": losses(frame), "sample_complexity": learnt(half)}
    assert decided("creativity", **tables).estimate == pytest.approx(0.4, rel=0.1)
    unlearnt = learnt(half).assign(status="above")
    row = decided("creativity", **(tables | {"sample_complexity": unlearnt}))
    assert (row.verdict, row.reason) == (
        "undecided",
        "at no size is a level learnt and much of it unseen",
    )


@pytest.mark.parametrize(
    ("share", "verdict"), [(0.95, "supported"), (0.5, "contradicted"), (0.8, "undecided")]
)
def test_valid_and_novel_samples_are_held_against_the_exact_denoiser(share, verdict):
    strings = 16 * 4**7

    def found(P, _, factor):
        return share * factor**0.1 * 0.9 * (1 - P / strings) if P >= 1000 else 0.1

    novel = trajectories("valid_and_novel_fraction", found)
    later = novel.assign(step=16, estimate=0.0)  # copies only
    whole = trajectories("string_accuracy", lambda *_: 0.9, [3], ceiling=0.9)
    unseen = trajectories("unseen_share", lambda P, *_: 1 - P / strings, [3])
    early = unseen.assign(step=1, estimate=1.0)  # when hardly anything was read
    frame = pd.concat([novel, later, whole, unseen, early])
    row = decided(
        "valid and novel samples", measurements=frame, sample_complexity=learnt({3: 1000.0})
    )
    assert row.estimate == pytest.approx(share, rel=0.03)
    assert row.verdict == verdict


def test_sizes_below_the_largest_are_no_evidence_of_valid_and_novel_samples():
    """There, the highest level is learnt half."""

    def share(P, _, factor):
        return (0.9 if SIZES[-1] == P else 0.3) * factor**0.2

    novel = trajectories("valid_and_novel_fraction", share)
    whole = trajectories("string_accuracy", lambda *_: 0.9, [3], ceiling=0.9)
    unseen = trajectories("unseen_share", lambda *_: 1.0, [3])
    frame = pd.concat([novel, whole, unseen])
    tables = {"measurements": frame, "sample_complexity": learnt({3: 1000.0})}
    assert decided("valid and novel samples", **tables).verdict == "supported"


def copying(exponent, spread=0.02, settings=((16, 4),)):
    def start(P, _, factor):
        return 30 * P**exponent * factor ** np.log(P)

    times = trajectories("copied_excess", start, spread=spread)
    times = times.rename(columns={"estimate": "threshold"}).assign(status="inside")
    return pd.concat([times.assign(v=v, m=m) for v, m in settings])


@pytest.mark.parametrize(
    ("exponent", "spread", "verdict"),
    [(1.0, 0.02, "supported"), (0.5, 0.02, "contradicted"), (1.0, 0.6, "undecided")],
)
def test_copying_starts_at_a_power_of_the_size(exponent, spread, verdict):
    times = copying(exponent, spread)
    learning = times.assign(quantity="node_accuracy", threshold=1.0, level=1)
    both = pd.concat([times, learning])
    row = decided("copying", memorization=both, losses=losses(both))
    assert row.verdict == verdict


def test_copying_is_claimed_of_each_setting():
    times = pd.concat([copying(1.0), copying(0.5, settings=[(16, 3)])])
    row = decided("copying", memorization=times, losses=losses(times))
    assert (row.verdict, row.reason) == (
        "heterogeneous",
        "contradicted by 16, 3, 2, 3; supported by 16, 4, 2, 3",
    )
    alike = pd.concat([copying(1.0), copying(1.0, settings=[(16, 3)])])
    assert decided("copying", memorization=alike, losses=losses(alike)).verdict == "supported"


@pytest.mark.parametrize(("last", "verdict"), [(1e9, "supported"), (1e4, "undecided")])
def test_copying_under_a_falling_rate_is_no_evidence(last, verdict):
    """A rate that falls after the latest time does no harm."""
    times = copying(1.0)
    rates = pd.concat([losses(times).assign(step=8), losses(times).assign(step=last)])
    rates["optimizer_learning_rate"] = np.where(rates["step"] == 8, 1.0, 0.1)
    between = losses(times).assign(step=1e8)
    row = decided("copying", memorization=times, losses=pd.concat([rates, between]))
    assert row.verdict == verdict
    if verdict == "undecided":
        assert "do all copy at the first learning rate" in row.reason


def test_too_few_sizes_at_which_all_copy_are_told_also_where_the_rate_never_falls():
    times = copying(1.0)
    times = times[times["dataset_size"] == times["dataset_size"].iloc[0]]
    row = decided("copying", memorization=times, losses=losses(times))
    assert row.verdict == "undecided"
    assert "at fewer than two sizes do all copy at the first learning rate" in row.reason


def convergence(order, networks=3, tied=True):
    """Times of three layers by kernel; with `tied`, the first network's second layer is not told
    apart from its first, so that networks differ."""
    rows = [
        {"setting": "some", "data_seed": 0, "network_seed": network, "average": RULES.average}
        | {"dataset_size": "online", "quantity": "mmd", "kernel": kernel, "fraction": 0.5}
        | {"layer": layer, "estimate": 10.0 * times[place], "status": "inside"}
        for network in range(networks)
        for kernel, times in order.items()
        for place, layer in zip(
            (0, 0, 2) if tied and network == 0 else (0, 1, 2), (0, 4, 9), strict=True
        )
    ]
    return pd.DataFrame(rows).astype({"average": float})


@pytest.mark.parametrize(
    ("energy", "gaussian", "verdict"),
    [((1, 2, 3), (1, 2, 3), "supported"), ((1, 2, 3), (3, 2, 1), "contradicted")],
)
def test_shallow_features_come_first_by_every_kernel(energy, gaussian, verdict):
    table = convergence({"energy": energy, "gaussian": gaussian})
    row = decided("depth", domain="image", convergence=table)
    assert (row.verdict, row.replicas) == (verdict, 3)


@pytest.mark.parametrize("times", [(1, 2, 3), (1, 1, 1)])
def test_networks_that_are_all_alike_have_no_interval(times):
    """Student's interval of them would be a point. The weakest kernel counts."""
    table = convergence({"energy": (1, 2, 3), "gaussian": times}, tied=False)
    row = decided("depth", domain="image", convergence=table)
    assert row.estimate == (1 if times[0] < times[-1] else 0)
    assert np.isnan([row.low, row.high]).all()
    assert (row.verdict, row.reason) == ("undecided", "no interval: all give the same value")


def test_grammars_that_are_all_alike_have_no_interval():
    times = copying(1.0, spread=0.0)
    row = decided("copying", memorization=times, losses=losses(times))
    assert row.estimate == pytest.approx(1)
    assert (row.verdict, row.reason) == ("undecided", "no interval: all give the same value")


def test_layers_that_never_converge_come_last_together():
    table = convergence({"energy": (1, 5, 2), "gaussian": (1, 5, 2)}, tied=False)
    late = table["layer"] > 0
    table["status"] = np.where(late, "above", "inside")
    row = decided("depth", domain="image", convergence=table)
    assert row.estimate == pytest.approx(np.sqrt(3) / 2)
