"""The whole config, typed and closed; `workflow/schemas/config.schema.json` is made from it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, field_validator

from pipeline.base.section import Distinct, Section
from pipeline.claims.settings import Claims
from pipeline.config.grid import DomainConfig
from pipeline.config.image import ImageConfig
from pipeline.config.rhm import RhmConfig
from pipeline.config.text import TextConfig
from pipeline.figures.settings import Style
from pipeline.stages.domains import DOMAINS
from pipeline.stages.figures import FIGURES

LAST_CHECKPOINT = "last_checkpoint"
"""A departure that needs no run of its own: the last checkpoint instead of the best one."""


class Domains(Section):
    """The data that diffusion models are trained on."""

    rhm: RhmConfig
    """Random Hierarchy Model."""
    text: TextConfig
    """Masked diffusion on text."""
    image: ImageConfig
    """Gaussian diffusion on images."""


if TYPE_CHECKING:  # to which names that are counted are no type
    FigureName = str
else:
    FigureName = Literal[*FIGURES]

Departure = dict[Literal["noise", "network", "training", "sampling"], dict[str, Any]]
"""Keys of some sections of rhm, and the values that a departure has in their place."""


class Config(Section):
    """Everything that is computed; where it is computed is in the profiles."""

    run: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=100)]
    """Name of the run: everything is written below results/<run>/."""
    partial: bool
    """Aggregate and draw the cells that are finished, naming the others, instead of making them."""
    domains: Domains
    """One section per domain."""
    departures: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)], Departure]
    """Runs of the same grammars with other settings, by name, that are compared with this one; each
    writes to results/<run>_<name>. `last_checkpoint` is the name of one that needs no run."""
    claims: Claims
    """What it takes for a claim to be supported."""
    figures: Annotated[list[FigureName], Distinct]
    """Figures that `all` draws."""
    style: Style
    """How figures look."""

    @field_validator("departures")
    @classmethod
    def _free_names(cls, departures: dict[str, Departure]) -> dict[str, Departure]:
        if LAST_CHECKPOINT in departures:
            raise ValueError(f"{LAST_CHECKPOINT!r} is taken; choose another name")
        return departures

    def _problems(self) -> Iterator[str]:
        for domain in DOMAINS:
            names = [name for name in self.figures if FIGURES[name].domain == domain]
            if names and not self.domain(domain).enabled:
                yield (
                    f"figures: each of {', '.join(names)} needs domains.{domain}.enabled = true, "
                    "it is false"
                )
        if "rhm_choices" in self.figures and not self.departures:
            yield (
                "departures = {} is empty, but figure 'rhm_choices' compares some; name them, or "
                "take the figure out"
            )
        sizes = self.domains.rhm.grid.grammars[0].dataset_sizes
        if "rhm_accuracy_vs_training_step" in self.figures and "online" not in sizes:
            yield (
                "figures: 'rhm_accuracy_vs_training_step' needs the dataset size 'online' in "
                f"domains.rhm.grid.grammars.0.dataset_sizes = {sizes}"
            )

    def domain(self, name: str) -> DomainConfig:
        """Section of one domain."""
        return getattr(self.domains, name)
