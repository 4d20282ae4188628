"""Stage `figure`: draw one, whatever the user's own settings of matplotlib are."""

import os
from collections.abc import Sequence
from pathlib import Path

from pipeline.base.errors import PipelineError
from pipeline.base.spec import Spec
from pipeline.figures.settings import FigureSettings


def draw_figure(
    spec: Spec[FigureSettings], tables: Sequence[Path], outputs: Sequence[Path]
) -> None:
    """Draw and save a figure as `save_figure` does, which is imported here, with matplotlib.

    Raises:
        PipelineError: matplotlib cannot read the user's settings.
    """
    os.environ["MPLBACKEND"] = "agg"  # figures are drawn the same whatever the user's is
    try:
        from pipeline.figures.save import save_figure
    except (OSError, UnicodeDecodeError) as error:
        raise PipelineError(
            f"figures: matplotlib cannot read its settings ({error}); mend or remove the file "
            "matplotlibrc here, at MATPLOTLIBRC, or in ~/.config/matplotlib"
        ) from error

    save_figure(spec, tables, outputs)
