"""What figures of probes and ceilings show: the right quantity, level, process and checkpoint.

Every number of the tables is another one, made of the labels of its row; so a curve of other rows
than it should be has other values.
"""

from itertools import product
from zlib import crc32

import numpy as np
import pandas as pd
import pytest

from pipeline.analysis.curves import predicted_size
from pipeline.figures.rhm import excess_loss as rhm_excess_loss
from pipeline.figures.rhm import latent_knowledge as rhm_latent_knowledge
from pipeline.figures.rhm import sampling_ceiling as rhm_sampling_ceiling
from pipeline.figures.rhm import synonym_sensitivity as rhm_synonym_sensitivity
from tests.unit.test_figures import SETTINGS as LOOKS

SHAPE = {"v": 4, "m": 2, "s": 2, "L": 3}
SEEDS = (0, 1)
STEPS = (10, 100, 1000)
SIZES = ("8", "32")
BEST = {("8", 0): 100, ("8", 1): 10, ("32", 0): 1000, ("32", 1): 100}
BEST |= {("online", seed): 1000 for seed in SEEDS}
WHOLE, BINS = (0.0, 1.0), [(0.0, 0.5), (0.5, 1.0)]
BLOCKS = ["down1", "down2", "down3", "up3", "up2", "up1"]
SCHEDULES = ("linear_alpha_bar", "ddpm_linear_beta", "d3pm_linear_beta")
SWEPT = (10, 100)


def number(*labels):
    """Between 0.1 and 0.9, another one for other labels."""
    return 0.1 + 0.8 * crc32(repr(labels).encode()) / 2**32


def probe_kinds():
    """Quantity, level, block and range of noise levels of the rows of one network."""
    for noise in (WHOLE, *BINS):
        yield "bayes_loss", None, None, noise
        yield "excess_loss", None, None, noise
        yield from (("plateau_excess_loss", level, None, noise) for level in range(3))
    for level in range(4):
        yield "latent_divergence", level, None, WHOLE
        yield "latent_divergence_floor", level, None, WHOLE
    for level, block in product((1, 2, 3), BLOCKS):
        yield "synonym_sensitivity", level, block, WHOLE


def probe_table():
    rows = []
    for size, step, seed, kind in product((*SIZES, "online"), STEPS, SEEDS, probe_kinds()):
        quantity, level, block, (low, high) = kind
        place = {**SHAPE, "grammar_seed": seed, "data_seed": 0, "network_seed": 0}
        place |= {"dataset_size": size, "step": step, "quantity": quantity}
        row = {"estimate": number(*kind, size, step, seed), "standard_error": 0.01, "count": 100}
        row |= {"level": level, "block": block, "noise_low": low, "noise_high": high}
        rows.append(place | row)
    return pd.DataFrame(rows)


def loss_table():
    """Validation loss over all noise is least at `BEST`, all other losses at the step after."""
    rows = []
    for (size, seed), step, split in product(BEST, STEPS, ("training", "validation", "test")):
        for low, high in (WHOLE, *BINS):
            counts = split == "validation" and (low, high) == WHOLE
            best = STEPS.index(BEST[size, seed])
            least = STEPS[best if counts else (best + 1) % len(STEPS)]
            place = {**SHAPE, "grammar_seed": seed, "data_seed": 0, "network_seed": 0}
            place |= {"dataset_size": size, "step": step, "split": split}
            place |= {"noise_low": low, "noise_high": high}
            rows.append(place | {"loss": 1.0 if step == least else 2.0})
    return pd.DataFrame(rows)


def at_best(quantity, size, level=None, block=None, noise=WHOLE):
    """Mean over replicas at the checkpoint of lowest validation loss."""
    labels = quantity, level, block, noise, size
    return np.mean([number(*labels, BEST[size, seed], seed) for seed in SEEDS])


def online(quantity, step, level=None):
    labels = quantity, level, None, WHOLE, "online", step
    return np.mean([number(*labels, seed) for seed in SEEDS])


def curves(panel):
    """Data of curves with error bars, by their labels."""
    lines = {shown.get_label(): shown.lines[0] for shown in panel.containers}
    assert len(lines) == len(panel.containers)
    return {label: [list(xy) for xy in line.get_data()] for label, line in lines.items()}


def dashed(panel):
    """Theory: x and y of every dashed line, in the order drawn."""
    return [tuple(map(list, x.get_data())) for x in panel.lines if x.get_linestyle() == "--"]


def heights(panel):
    """Of dashed horizontal lines across the panel."""
    return [y[0] for x, y in dashed(panel) if x == [0, 1] and y[0] == y[1]]


def predicted(level):
    return predicted_size(SHAPE["v"], SHAPE["m"], SHAPE["s"], level)


@pytest.fixture(scope="module")
def probes():
    return probe_table()


@pytest.fixture(scope="module")
def losses():
    return loss_table()


def test_excess_over_noise_is_that_of_the_best_checkpoint_in_each_bin(probes, losses):
    panel = rhm_excess_loss.draw(LOOKS, probes, losses).axes[0]
    found = curves(panel)
    assert set(found) == set(SIZES)
    for size, (x, y) in found.items():
        assert x == [0.25, 0.75]
        assert y == pytest.approx([at_best("excess_loss", size, noise=noise) for noise in BINS])
    plateaus = dashed(panel)
    assert len(plateaus) == 3
    for level, (x, y) in enumerate(plateaus):
        assert x == [0.25, 0.75]
        assert y == pytest.approx([finite_plateau(level, noise) for noise in BINS])


def finite_plateau(level, noise):
    return np.mean([at_best("plateau_excess_loss", size, level, noise=noise) for size in SIZES])


def test_excess_over_all_noise_against_size_and_online_against_step(probes, losses):
    _, by_size, by_step = rhm_excess_loss.draw(LOOKS, probes, losses).axes
    ((x, y),) = curves(by_size).values()
    assert x == [8, 32]
    assert y == pytest.approx([at_best("excess_loss", size) for size in SIZES])
    ((x, y),) = curves(by_step).values()
    assert x == list(STEPS)
    assert y == pytest.approx([online("excess_loss", step) for step in STEPS])
    ticks = [line.get_xdata()[0] for line in by_size.lines if line.get_linewidth() == 1.2]
    assert ticks == [predicted(2), predicted(3)]


def test_excess_has_no_panel_of_steps_where_nothing_is_trained_online(probes, losses):
    finite = probes[probes["dataset_size"] != "online"]
    _, by_size = rhm_excess_loss.draw(LOOKS, finite, losses).axes
    ((x, _),) = curves(by_size).values()
    assert x == [8, 32]


def test_plateaus_are_those_of_their_panel_and_level_and_named_so(probes, losses):
    _, by_size, by_step = rhm_excess_loss.draw(LOOKS, probes, losses).axes
    names = ["no level", "up to 1", "up to 2"]
    finite = [finite_plateau(level, WHOLE) for level in range(3)]
    unending = [
        np.mean([online("plateau_excess_loss", step, level) for step in STEPS])
        for level in range(3)
    ]
    for panel, expected in ((by_size, finite), (by_step, unending)):
        assert heights(panel) == pytest.approx(expected)
        named = {line.get_label(): line.get_ydata()[0] for line in panel.lines}
        assert [named[name] for name in names] == pytest.approx(expected)


def test_the_axis_of_excess_ends_at_a_third_of_the_least_resolved_one(probes, losses):
    probes = probes.copy()
    whole = probes["noise_high"] - probes["noise_low"] == 1
    shown = (probes["dataset_size"] == "online") & whole & (probes["quantity"] == "excess_loss")
    place = dict(zip(STEPS, (0.001, 0.002, 0.003), strict=True))  # below all others
    probes.loc[shown, "estimate"] = probes.loc[shown, "step"].map(place)
    probes.loc[shown, "standard_error"] = 0.0009
    figure = rhm_excess_loss.draw(LOOKS, probes, losses)
    assert figure.axes[0].get_ylim()[0] == pytest.approx(0.002 / 3)  # 0.002 > 2 x 0.0009 > 0.001


def test_latents_of_every_level_with_their_floors(probes, losses):
    figure = rhm_latent_knowledge.draw(LOOKS, probes, losses)
    by_size, by_step = figure.axes
    names = ["0 (tokens)", "1", "2", "3"]
    for panel in (by_size, by_step):
        assert list(curves(panel)) == names
    for level, name in enumerate(names):
        x, y = curves(by_size)[name]
        assert x == [8, 32]
        assert y == pytest.approx([at_best("latent_divergence", size, level) for size in SIZES])
        x, y = curves(by_step)[name]
        assert x == list(STEPS)
        assert y == pytest.approx([online("latent_divergence", step, level) for step in STEPS])
    floor = "latent_divergence_floor"
    assert heights(by_size) == pytest.approx(
        [np.mean([at_best(floor, size, level) for size in SIZES]) for level in (1, 2, 3)]
    )
    assert heights(by_step) == pytest.approx(
        [np.mean([online(floor, step, level) for step in STEPS]) for level in (1, 2, 3)]
    )
    for panel in (by_size, by_step):
        floors = [line.get_color() for line in panel.lines if line.get_linestyle() == "--"]
        assert floors == [shown.lines[0].get_color() for shown in panel.containers[1:]]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [*names, "exact tokens"]


def test_synonyms_of_every_level_have_a_panel_and_every_block_its_curve(probes, losses):
    panels = rhm_synonym_sensitivity.draw(LOOKS, probes, losses).axes
    titles = [f"tuples of level-{level} symbols" for level in (1, 2, 3)]
    assert [panel.get_title() for panel in panels] == titles
    for level, panel in zip((1, 2, 3), panels, strict=True):
        found = curves(panel)
        assert {label.replace(" ", "") for label in found} == set(BLOCKS)
        for label, (x, y) in found.items():
            arguments = {"level": level, "block": label.replace(" ", "")}
            assert x == [8, 32]
            assert y == pytest.approx(
                [at_best("synonym_sensitivity", size, **arguments) for size in SIZES]
            )
        learnt = [predicted(level + 1)] if level < SHAPE["L"] else []
        assert [x[0] for x, _ in dashed(panel)] == learnt
        of_sides = {shown.get_label()[:2]: shown.lines[0] for shown in panel.containers}
        assert {side: line.get_linestyle() for side, line in of_sides.items()} == {
            "do": "-",
            "up": ":",
        }


def test_without_synonyms_the_panel_says_so(probes, losses):
    probes = probes[probes["quantity"] != "synonym_sensitivity"].assign(m=1)
    (panel,) = rhm_synonym_sensitivity.draw(LOOKS, probes, losses.assign(m=1)).axes
    assert panel.get_title() == "no synonyms"
    assert not panel.lines


def ceiling_table(chosen):
    """Every sampler once; `chosen` is the config's, on the sweep or off it."""
    swept = [(*names, T, T) for *names, T in product(("uniform", "absorbing"), SCHEDULES, SWEPT)]
    samplers = [chosen, *(sampler for sampler in swept if sampler != chosen)]
    quantities = ("node_accuracy", "string_accuracy", "conditional_accuracy")
    columns = ["process", "schedule", "noise_levels", "sampling_levels"]
    columns += ["quantity", "level", "grammar_seed"]
    rows = [(*sampler, *rest) for sampler, *rest in product(samplers, quantities, (1, 2, 3), SEEDS)]
    frame = pd.DataFrame(rows, columns=columns).assign(**SHAPE, standard_error=0.01)
    configured = [row[:4] == chosen for row in rows]
    count = np.where(configured, 300, 400)
    return frame.assign(estimate=[number(*row) for row in rows], configured=configured, count=count)


def ceiling_of(*sampler):
    labels = *sampler, "string_accuracy", SHAPE["L"]
    return np.mean([number(*labels, seed) for seed in SEEDS])


@pytest.mark.parametrize(
    "chosen",
    [
        ("uniform", "ddpm_linear_beta", 50, 20),
        ("absorbing", "linear_alpha_bar", 50, 50),
        ("uniform", "linear_alpha_bar", 100, 100),
    ],
)
def test_ceilings_of_every_process_and_schedule_with_a_star_at_the_config(chosen):
    figure = rhm_sampling_ceiling.draw(LOOKS, ceiling_table(chosen))
    assert [panel.get_title() for panel in figure.axes] == ["uniform noise", "absorbing noise"]
    process, schedule, levels, steps = chosen
    for name, panel in zip(("uniform", "absorbing"), figure.axes, strict=True):
        *shown, star = panel.containers
        assert [line.get_label() for line in shown] == [x.replace("_", " ") for x in SCHEDULES]
        for of_schedule, line in zip(SCHEDULES, shown, strict=True):
            at = sorted({*SWEPT, levels} if on_sweep(name, of_schedule, chosen) else SWEPT)
            x, y = line.lines[0].get_data()
            assert list(x) == at
            assert list(y) == pytest.approx([ceiling_of(name, of_schedule, T, T) for T in at])
        x, y = star.lines[0].get_data()
        assert star.lines[0].get_marker() == "*"
        assert list(x) == ([levels] if name == process else [])
        assert list(y) == pytest.approx([ceiling_of(*chosen)] if name == process else [])
        assert heights(panel) == [1]
    fewest = 300 if levels == steps else 400
    assert f"2 grammars, {fewest} strings each" in figure.get_supxlabel()


def on_sweep(process, schedule, chosen):
    return (process, schedule) == chosen[:2] and chosen[2] == chosen[3]
