"""Settings of analyses: rules fixed before the run, by which numbers are read off the tables."""

from typing import Annotated, Literal

from pydantic import Field

from pipeline.base.labels import Cell
from pipeline.base.section import Distinct, Resamples, Section, Share


class Aggregation(Section):
    """Stage `aggregate`."""

    cells: list[Cell]
    """Cells of the setting, in the order of the config."""
    missing: list[str]
    """Labels of those that are left out."""


class _Convergence(Section):
    converged: Annotated[float, Field(gt=0.5, lt=1)]
    """Share of the way from chance to the exact denoiser's accuracy at which a curve has to level
    off for its half-way point to count; learning was cut off otherwise."""


class _Among(Section):
    among: Literal["all", "novel_strings", "novel_subtrees"]
    """Which samples accuracies are taken over: all; novel_strings, those that are not in the
    training set; or novel_subtrees, the nodes of all samples whose tokens occur nowhere in it."""


class _Accuracy(Section):
    accuracy: Literal["node_accuracy", "string_accuracy", "conditional_accuracy"]
    """Which accuracy the main curves and P*_l use. Conditional accuracy is that of nodes whose
    children are right, and counts no luck: if both children of a node are, their tuple is some
    rule's by chance with probability m / v**(s-1), by which node accuracy is raised."""


class _Resampling(Section):
    bootstrap_samples: Annotated[int, Field(ge=40, le=100_000)]
    """Resamples behind the 95 % intervals of exponents, laws and claims."""


class HalfWayRules(_Among, _Convergence):
    """Stage `analyse`."""


class MemorizationRules(_Convergence, _Resampling):
    """Stage `memorize`."""


class ExponentRules(_Among, _Resampling):
    """Stage `exponents`."""


class Shown(_Accuracy, _Among):
    """What figures show."""


class DepartureRules(Shown, _Convergence):
    """Stage `depart`."""

    names: list[str]
    """Departures, in their order."""
    last_checkpoint: str
    """Name of the departure that takes the last checkpoint of the run itself."""
    missing: list[str]
    """Labels of cells that are left out."""


class Analysis(Shown, _Convergence, _Resampling):
    """Rules by which numbers about grammars are read off."""


class Convergence(Section):
    """How numbers about images are read off."""

    fractions: Annotated[list[Share], Distinct, Field(min_length=1)]
    """A layer has converged when its distance is below this share of that of white noise."""


class ConvergenceRules(Convergence):
    """Stage `converge`."""

    bootstrap_samples: Resamples
    """Curves that intervals are taken over."""
