"""Settings of figures: how they look, and what of the config they show beside their tables."""

from typing import Annotated, Literal

from pydantic import Field

from pipeline.analysis.settings import Shown
from pipeline.base.section import Decay, Section, Width

Palette = Literal[
    "viridis", "plasma", "inferno", "magma", "cividis", "rocket", "mako", "flare", "crest",
    "cubehelix", "Blues", "Greens", "Greys", "Oranges", "Purples", "Reds",
]  # fmt: skip
"""Colour maps of seaborn and matplotlib from light to dark or back, whose shades have an order."""


class Style(Section):
    """Looks of all figures."""

    palette: Palette
    """Colours of curves and maps; the default is perceptually uniform and readable in grey."""
    column_width: Annotated[float, Field(gt=1, le=100)]
    """Width of figures of one panel, in inches: that of a journal's column."""
    page_width: Annotated[float, Field(gt=1, le=100)]
    """Width of all others, in inches: that of a journal's text."""


class FigureSettings(Section):
    """What every figure reads."""

    style: Style
    missing: list[str]
    """Labels of cells that are left out."""


class OfAnalysis(FigureSettings):
    """A figure of what the section `analysis` of grammars chooses."""

    analysis: Shown


class BesideReferences(FigureSettings):
    """A figure of what networks do beside other people's numbers."""

    width: Width
    """Channels of the run's own networks, by which the legend tells them from the references."""


class OfSamples(FigureSettings):
    """A figure of samples of text or images."""

    average: Decay | None
    """Which weights the samples that are shown are of: the decay of their average, or none for the
    weights of the step itself."""


class OfJudgements(OfSamples):
    """A figure of what a language model makes of samples."""

    judge: str
    """Name of the model."""


class OfFeatures(OfSamples):
    """A figure of features of images."""

    encoder: str
    """Name of the network that they are features under."""
