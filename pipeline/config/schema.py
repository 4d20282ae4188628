"""The whole config, typed and closed; `workflow/schemas/config.schema.json` is made from it."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, field_validator

from pipeline.base.section import Distinct, Section
from pipeline.claims.settings import Claims
from pipeline.config.grid import DomainConfig
from pipeline.config.image import ImageConfig
from pipeline.config.rhm import RhmConfig
from pipeline.config.text import TextConfig
from pipeline.figures.settings import Style
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
    """Figures that `all` draws, but for those that this config has nothing for, which it tells."""
    style: Style
    """How figures look."""

    @field_validator("departures")
    @classmethod
    def _free_names(cls, departures: dict[str, Departure]) -> dict[str, Departure]:
        if LAST_CHECKPOINT in departures:
            raise ValueError(f"{LAST_CHECKPOINT!r} is taken; choose another name")
        return departures

    @property
    def shown_figures(self) -> list[str]:
        """Names of the figures that there is something for."""
        return [name for name in self.figures if self._why_left_out(name) is None]

    @property
    def left_out(self) -> list[str]:
        """A sentence for every reason to leave out figures."""
        reasons: dict[str, list[str]] = {}
        for name in self.figures:
            if reason := self._why_left_out(name):
                reasons.setdefault(reason, []).append(name)
        return [f"left out: {', '.join(names)}, as {why}" for why, names in reasons.items()]

    def _why_left_out(self, figure: str) -> str | None:
        domain, sizes = FIGURES[figure].domain, self.domains.rhm.grid.grammars[0].dataset_sizes
        if not self.domain(domain).enabled:
            return f"domains.{domain}.enabled is false"
        if figure == "rhm_choices" and not self.departures:
            return "departures has none to compare"
        if figure == "rhm_accuracy_vs_training_step" and "online" not in sizes:
            return "'online' is not in domains.rhm.grid.grammars.0.dataset_sizes"
        return None

    def domain(self, name: str) -> DomainConfig:
        """Section of one domain."""
        return getattr(self.domains, name)
