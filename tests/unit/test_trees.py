"""Strings as trees: nodes are those of the parse, and their figure shows what is valid and new."""

from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest

from pipeline.figures import style
from pipeline.figures.rhm import samples as rhm_samples
from pipeline.figures.settings import FigureSettings, Style
from pipeline.rhm.settings import ShownStrings
from pipeline.rhm.trees import observe
from tests.unit.test_figures import SETTINGS as LOOKS
from tests.unit.test_figures import STYLE


def nodes(language, samples, training, shown):
    generated = {"tokens": samples.astype(np.uint8)}
    strings = {"training": training.astype(np.uint8)}
    rows = observe(language.grammar, generated, strings, ShownStrings(shown_strings=shown))
    return pd.DataFrame([asdict(row) for row in rows])


def test_every_node_above_the_first_strings_has_a_row(deep):
    frame = nodes(deep, deep.strings, deep.strings[:4], shown=3)
    assert frame.groupby(["sample", "level"]).size().to_dict() == {
        (sample, level): 8 // 2**level for sample in range(3) for level in range(4)
    }
    tokens = frame[(frame["sample"] == 2) & (frame["level"] == 0)]
    assert tokens["symbol"].tolist() == deep.strings[2].tolist()
    assert not frame.loc[frame["level"] == 0, "novel"].any()


def test_what_stands_in_the_training_set_is_not_new(deep):
    frame = nodes(deep, deep.strings, deep.strings[1:2], shown=2)
    copies = frame[frame["sample"] == 1]
    assert not copies["novel"].any()
    assert frame[(frame["sample"] == 0) & (frame["level"] == 3)]["novel"].all()


def test_a_node_without_a_rule_has_no_symbol(deep):
    broken = deep.strings[:1].copy()
    broken[0, 0] = (broken[0, 0] + 1) % 3
    frame = nodes(deep, broken, deep.strings[:1], shown=1).set_index(["level", "node"])["symbol"]
    assert frame[2, 1] >= 0
    known = [not np.isnan(frame[level, 0]) for level in (1, 2, 3)]
    assert known == sorted(known, reverse=True)  # nothing above an invalid node is valid


def table():
    """Two dataset sizes and steps; of two strings, one valid and new, one not valid."""
    rows = [
        {"sample": sample, "level": level, "node": node, "novel": sample == 0 and level > 0}
        | {"symbol": None if sample and level > 0 else 0, "dataset_size": size, "step": step}
        for size in ("8", "32", "online")
        for step in (10, 20)
        for sample in (0, 1)
        for level in (0, 1, 2)
        for node in range(4 // 2**level)
    ]
    place = {"v": 3, "m": 2, "s": 2, "L": 2, "grammar_seed": 0, "data_seed": 0, "network_seed": 0}
    other = {**place, "network_seed": 1}  # which is not shown
    return pd.concat(pd.DataFrame(rows).assign(**seeds) for seeds in (place, other))


def test_every_size_and_step_has_its_strings_with_marks_by_kind():
    figure = rhm_samples.draw(LOOKS, table())
    titles = [panel.get_title() for panel in figure.axes]
    assert titles == [f"$P = {size}$, step {step}" for size in (8, 32) for step in (10, 20)]
    for panel in figure.axes:
        marks = {line.get_marker(): line for line in panel.lines if len(line.get_xdata())}
        assert marks["o"].get_ydata().tolist() == [1, 1, 2]
        assert marks["x"].get_ydata().tolist() == [1, 1, 2]
        assert len(marks["."].get_xdata()) == 4
    kinds = [text.get_text() for text in figure.legends[0].get_texts()]
    assert kinds == ["valid and new", "valid, seen in training", "not valid"]


@pytest.mark.parametrize("count", [1, 3, 12])
@pytest.mark.parametrize("palette", ["viridis", "mako", "rocket", "crest"])
def test_shades_stand_out_from_paper(palette, count):
    looks = Style.of(STYLE, palette=palette)
    colours = style.shades(FigureSettings(style=looks, missing=[]), count)
    assert len(colours) == count
    assert min(map(style.contrast, colours)) >= 3


def test_the_contrast_of_black_and_white_is_that_of_the_standard():
    assert style.contrast((0, 0, 0)) == pytest.approx(21)
    assert style.contrast((1, 1, 1)) == pytest.approx(1)
    assert style.contrast((0.4667, 0.4667, 0.4667)) == pytest.approx(4.48, abs=0.01)  # 777777
