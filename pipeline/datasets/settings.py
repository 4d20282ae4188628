"""Settings of stage `dataset` where training sets are chosen out of what there is."""

from pipeline.base.cells import NamedCell
from pipeline.base.section import Positive, Section


class Subset(Section):
    """A training set, and what losses are taken on."""

    training_size: Positive | None
    """Blocks of text or images; none for all there are."""
    validation_size: Positive
    """Held-out ones, at most."""
    cell: NamedCell
