"""What a user's shell and home say changes no figure, and every figure can be drawn and told of."""

import os
import subprocess
import sys
from typing import get_args

import numpy as np
import pandas as pd
import pytest

from pipeline.artifacts import tables
from pipeline.figures import style
from pipeline.figures.settings import FigureSettings, Palette
from pipeline.stages.figures import FIGURES
from pipeline.stages.specs import make_spec
from tests.unit.test_figures import PIPELINE, SETTINGS, curves

ROOT = PIPELINE.parent
USERS = """
font.size: 30
font.family: monospace
font.sans-serif: Nimbus Sans
axes.grid: True
axes.prop_cycle: cycler("color", ["r"])
lines.linestyle: --
mathtext.fontset: cm
path.sketch: 3, 20, 5
savefig.transparent: True
savefig.bbox: tight
savefig.pad_inches: 2
figure.facecolor: black
pdf.fonttype: 42
pdf.compression: 0
"""


@pytest.fixture
def draw(tmp_path):
    """Draws a figure as a job does, in a directory of its own, and returns PNG and PDF."""
    _, losses = curves([0.5, 0.9], (1, 2))
    table = tmp_path / "losses.parquet"
    both = pd.concat([losses.assign(split=split) for split in ("training", "validation")])
    tables.write_table(table, both, {"kind": "losses"})
    spec = make_spec("rhm_loss_curves", "rhm", FigureSettings.of(SETTINGS))

    def run(directory, **variables):
        outputs = [directory / "drawn.png", directory / "drawn.pdf"]
        command = [sys.executable, "-m", "pipeline", "figure", "--spec", spec]
        command += ["--tables", table, "--outputs", *outputs]
        environment = os.environ | {"PYTHONPATH": str(ROOT)} | variables
        done = subprocess.run(
            command, cwd=directory, env=environment, text=True, capture_output=True, check=False
        )
        return done, [path.read_bytes() for path in outputs if path.exists()]

    return run


def test_a_users_matplotlibrc_and_backend_change_no_figure(tmp_path, draw):
    plain, users = tmp_path / "plain", tmp_path / "users"
    for directory in (plain, users):
        directory.mkdir()
    (users / "matplotlibrc").write_text(USERS)
    _, expected = draw(plain)
    done, found = draw(users, MPLBACKEND="nonsense")
    assert done.returncode == 0, done.stderr
    assert len(expected) == 2
    assert found == expected


def test_a_matplotlibrc_that_cannot_be_read_is_told_in_a_line(tmp_path, draw):
    (tmp_path / "matplotlibrc").write_bytes(b"font.size: \xff\n")
    done, _ = draw(tmp_path)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("error: figures: matplotlib cannot read its settings")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("palette", get_args(Palette))
def test_every_palette_has_shades_for_curves_and_for_maps(palette):
    looks = SETTINGS.style.model_copy(update={"palette": palette})
    settings = FigureSettings(style=looks, missing=[])
    shades = style.shades(settings, style.MOST_STEPS)
    assert len({tuple(shade) for shade in shades}) == style.MOST_STEPS
    brightness = np.array([style.contrast(shade) for shade in shades])
    assert (np.diff(brightness) > 0).all() or (np.diff(brightness) < 0).all()
    figure, axes = style.panels(settings, 1)
    axes[0].pcolormesh(np.eye(2), cmap=palette)
    figure.clear()


@pytest.mark.parametrize("name", [*FIGURES, "claims", "workflow"])
def test_every_figure_has_a_caption(name):
    assert (ROOT / f"workflow/report/{name}.rst").read_text().strip()
