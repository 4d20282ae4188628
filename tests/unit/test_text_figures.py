"""Figures of text: what is shown of which table, and that nothing breaks where little is known."""

import numpy as np
import pandas as pd
import pytest

from pipeline.analysis.samples import largest_training_set, mean_over_networks, square_root
from pipeline.figures.settings import OfJudgements
from pipeline.figures.text import coherence_length_vs_training as text_coherence_length_vs_training
from pipeline.figures.text import correlation_vs_distance as text_correlation_vs_distance
from pipeline.figures.text import perplexity_vs_context as text_perplexity_vs_context
from pipeline.figures.text import samples as text_samples
from tests.unit.test_figures import STYLE

LOOKS = OfJudgements(style=STYLE, missing=[], average=0.99, judge="some model")
STEPS, DISTANCES = (10, 100, 1000), (1, 2, 4)


def row(quantity, estimate, **more):
    base = {"quantity": quantity, "estimate": estimate, "standard_error": 0.05, "count": 128}
    base |= {"among": "all"}
    return base | {"distance": np.nan, "context": np.nan, "low": None, "high": None} | more


def numbers(size):
    """Rows of samples whose coherence grows with `size`."""
    rows = [row("squared_correlation", 1e-2 * size / d, distance=d) for d in DISTANCES]
    rows += [row("correlation_ratio", max(0, 1 - d / size), distance=d) for d in DISTANCES]
    bounds = {"low": size - 0.5, "high": size + 0.5, "status": "resolved"}
    rows += [row("equivalent_block_length", size, **bounds)]
    return rows + [row("sample_entropy", 2.0), row("distinct_2", 0.1)]


def judged(size):
    return [
        row("judge_loss", 5 - size / 10),
        row("judge_loss_per_character", 3 - size / 10),
        *(row("judge_loss", 5 - np.log(c + 1) / 5, context=c) for c in (1, 2, 4)),
    ]


def of_networks(rows, networks=2, raw=1.0):
    """Rows of two kinds of weights; sizes of samples of raw weights are `raw` times as large."""
    place = {"setting": "x", "data_seed": 0, "dataset_size": "online"}
    return pd.DataFrame(
        [
            {**place, "network_seed": seed, "step": step, "average": average, **r}
            for average, factor in ((0.99, 1.0), (np.nan, raw))
            for seed in range(networks)
            for step in STEPS
            for r in rows(factor * (1 + np.log10(step)))
        ]
    )


def of_controls(rows):
    lengths = [np.nan, 1.0, 2.0, 4.0]
    return pd.DataFrame(
        [
            {"setting": "x", "block_length": b, **r}
            for b in lengths
            for r in rows(8.0 if np.isnan(b) else b)
        ]
    )


@pytest.mark.parametrize("networks", [1, 2])
def test_the_length_is_drawn_for_every_network_and_kind_of_weights(networks):
    measured, calibration = of_networks(numbers, networks, raw=1.5), of_controls(numbers)
    figure = text_coherence_length_vs_training.draw(LOOKS, measured, calibration)
    _, lengths, calibrated = figure.axes
    curves = [line for line in lengths.lines if line.get_linestyle() == "-"]
    assert [line.get_ydata() for line in curves] == [pytest.approx([2, 3, 4])] * networks
    dotted = [line for line in lengths.lines if line.get_linestyle() == ":"]
    assert [line.get_ydata() for line in dotted] == [pytest.approx([3, 4.5, 6])] * networks
    assert calibrated.lines[0].get_ydata() == pytest.approx([1, 2, 4])


def test_every_other_average_has_a_curve_of_its_own():
    """As one curve, they would run to and fro between one another's points."""
    measured = of_networks(numbers, 1, raw=1.5)
    third = measured[measured["average"] == 0.99].assign(average=0.9)
    third["estimate"] *= 2
    measured = pd.concat([measured, third], ignore_index=True)
    figure = text_coherence_length_vs_training.draw(LOOKS, measured, of_controls(numbers))
    dotted = [line for line in figure.axes[1].lines if line.get_linestyle() == ":"]
    assert [line.get_ydata() for line in dotted] == [
        pytest.approx([4, 6, 8]),
        pytest.approx([3, 4.5, 6]),
    ]


def test_a_lower_bound_is_marked_by_an_arrow():
    measured, calibration = of_networks(numbers, 1), of_controls(numbers)
    last = (measured["quantity"] == "equivalent_block_length") & (measured["step"] == 1000)
    measured.loc[last, "status"] = "at least"
    figure = text_coherence_length_vs_training.draw(LOOKS, measured, calibration)
    arrows = [line for line in figure.axes[1].lines if line.get_marker() == "^"]
    assert [list(line.get_xdata()) for line in arrows] == [[1000]] * 2  # of each kind of weights


def test_correlations_with_zero_in_their_interval_are_left_out():
    measured = of_networks(numbers, 1)
    measured["standard_error"] = 1e-3
    far = (measured["quantity"] == "squared_correlation") & (measured["distance"] == 4)
    measured.loc[far, "standard_error"] = 1.0
    figure = text_correlation_vs_distance.draw(LOOKS, measured, of_controls(numbers))
    curve = figure.axes[0].lines[0]
    assert curve.get_xdata().tolist() == [1, 2]
    assert curve.get_ydata()[1] == pytest.approx(np.sqrt(1e-2 * 2 / 2))


def test_the_judge_is_shown_beside_the_diversity_of_samples():
    tables = of_networks(judged), of_controls(judged), of_networks(numbers), of_controls(numbers)
    figure = text_perplexity_vs_context.draw(LOOKS, *tables)
    assert "some model" in figure.get_supxlabel()
    labels = [panel.get_ylabel() for panel in figure.axes]
    assert len(labels) == 4
    assert "per token" in labels[0]
    assert "distinct" in labels[3]
    shown = [text.get_text() for text in figure.legends[0].get_texts()]
    assert shown == ["step 10", "step 100", "step 1000"] + [
        "blocks of 1", "blocks of 2", "blocks of 4", "real text",
    ]  # fmt: skip


def test_samples_of_one_network_are_shown_in_the_order_of_training():
    texts = [row("", 0, sample=n, text=f"sample {n} costs $5_$") for n in range(4)]
    figure = text_samples.draw(LOOKS, of_networks(lambda _: texts))
    assert [panel.get_title(loc="left") for panel in figure.axes] == [f"step {s}" for s in STEPS]
    figure.canvas.draw()
    shown = figure.axes[0].texts[0].get_text()
    assert shown.count("sample") == 3


def test_online_counts_as_the_largest_training_set():
    frame = pd.DataFrame({"dataset_size": ["8", "online", "64"]})
    assert largest_training_set(frame)["dataset_size"].tolist() == ["online"]
    assert largest_training_set(frame.iloc[[0, 2]])["dataset_size"].tolist() == ["64"]


def test_errors_of_networks_do_not_average_out():
    frame = pd.DataFrame({"step": [1, 1], "estimate": [1.0, 3.0], "standard_error": [0.1, 0.7]})
    summary = mean_over_networks(frame, ["step"]).iloc[0]
    assert summary["mean"] == 2
    assert summary["error"] == pytest.approx(1.96 * 0.5)


def test_intervals_cover_the_mean_of_networks_that_share_their_real_data():
    """Errors 0.3 and 0.5 of two networks, of which real data in common make the larger part."""
    random, covered = np.random.default_rng(0), []
    for _ in range(500):
        common, own = 0.25 * random.normal(), np.sqrt([0.3**2 - 0.25**2, 0.5**2 - 0.25**2])
        estimates = np.array([1, 3]) + common + own * random.normal(size=2)
        frame = pd.DataFrame({"step": 1, "estimate": estimates, "standard_error": [0.3, 0.5]})
        [found] = mean_over_networks(frame, ["step"]).to_dict("records")
        covered.append(abs(found["mean"] - 2) < found["error"])
    assert np.mean(covered) > 0.95


def test_ratios_with_large_errors_are_left_out():
    measured = of_networks(numbers, 1)
    far = (measured["quantity"] == "correlation_ratio") & (measured["distance"] == 2)
    measured.loc[far, "standard_error"] = [0.31, 0.29, 0.31] * 2  # of both kinds of weights
    figure = text_coherence_length_vs_training.draw(LOOKS, measured, of_controls(numbers))
    drawn = [list(bars[0].get_xdata()) for bars in figure.axes[0].containers]
    assert drawn == [[1, 4], [1, 2, 4], [1, 4], [1, 2, 4]]
    assert square_root(pd.DataFrame({"mean": [4.0, -1.0], "error": [3.0, 1.0]}))["down"].item() == 1
