"""The whole config, typed and closed; `workflow/schemas/config.schema.json` is made from it."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, field_validator

from pipeline.config.claims import Claims
from pipeline.config.fields import Distinct, Section
from pipeline.config.grid import DomainConfig
from pipeline.config.image import ImageConfig
from pipeline.config.rhm import RhmConfig
from pipeline.config.text import TextConfig

CELL_TABLES = {
    "rhm": ("measurements", "losses", "probes", "trees"),
    "text": ("measurements", "losses", "probes", "texts", "judgements"),
    "image": ("measurements", "losses", "pictures"),
}
"""Tables of every cell, by domain."""

TABLES = {
    "rhm": (
        *CELL_TABLES["rhm"],
        "ceilings",
        "sample_complexity",
        "memorization",
        "memorization_exponents",
        "theory",
    ),
    "text": (*CELL_TABLES["text"], "calibration", "control_judgements"),
    "image": (*CELL_TABLES["image"], "calibration", "control_pictures", "convergence"),
}
"""Tables of every domain, first of each setting, then of all."""

DEPARTURES = "results/{run}/tables/rhm_departures.parquet"
"""What a run's departures change."""

LAST_CHECKPOINT = "last_checkpoint"
"""A departure that needs no run of its own: the last checkpoint instead of the best one."""

CLAIM_TABLES = {
    "rhm": (
        *("measurements", "losses", "probes"),
        *("sample_complexity", "memorization", "theory", "laws"),
    ),
    "text": ("measurements", "losses"),
    "image": ("measurements", "losses", "convergence"),
}
"""Tables of every domain that claims are decided from."""

COMPARISONS = {"rhm": ("exponents", "laws", "claims"), "text": ("claims",), "image": ("claims",)}
"""Tables of every domain that all settings are needed for."""


class FigureSource(NamedTuple):
    """Where a figure comes from.

    Attributes:
        domain: whose tables it reads.
        tables: which of them.
        reads_analysis: whether it shows what the section `analysis` chooses.
        compares_settings: whether it needs all settings, or the first one only.
        references: tables of other people's numbers, below workflow/references.
    """

    domain: str
    tables: tuple[str, ...]
    reads_analysis: bool = False
    compares_settings: bool = False
    references: tuple[str, ...] = ()


FIGURES = {
    "rhm_accuracy_vs_dataset_size": FigureSource(
        "rhm", ("measurements", "losses", "laws"), True, True
    ),
    "rhm_accuracy_vs_training_step": FigureSource(
        "rhm", ("measurements", "sample_complexity"), True
    ),
    "rhm_correlation_vs_distance": FigureSource("rhm", ("measurements", "losses")),
    "rhm_sample_complexity": FigureSource(
        "rhm", ("sample_complexity", "exponents", "laws"), True, True
    ),
    "rhm_generalization_map": FigureSource("rhm", ("measurements", "losses", "memorization")),
    "rhm_loss_curves": FigureSource("rhm", ("losses",)),
    "rhm_choices": FigureSource("rhm", ("departures",), compares_settings=True),
    "rhm_released_run": FigureSource(
        "rhm", ("measurements", "losses"), compares_settings=True, references=("released_code",)
    ),
    "rhm_memorization": FigureSource(
        "rhm", ("measurements", "memorization", "memorization_exponents")
    ),
    "rhm_samples": FigureSource("rhm", ("trees",)),
    "rhm_sampling_ceiling": FigureSource("rhm", ("ceilings",)),
    "rhm_excess_loss": FigureSource("rhm", ("probes", "losses")),
    "rhm_latent_knowledge": FigureSource("rhm", ("probes", "losses")),
    "rhm_synonym_sensitivity": FigureSource("rhm", ("probes", "losses")),
    "rhm_clustering": FigureSource("rhm", ("theory", "measurements", "losses"), True, True),
    "rhm_correlation_law": FigureSource("rhm", ("theory",), compares_settings=True),
    "rhm_one_step_gradient": FigureSource("rhm", ("theory",), compares_settings=True),
    "text_correlation_vs_distance": FigureSource("text", ("measurements", "calibration")),
    "text_coherence_length_vs_training": FigureSource("text", ("measurements", "calibration")),
    "text_perplexity_vs_context": FigureSource(
        "text", ("judgements", "control_judgements", "measurements", "calibration")
    ),
    "text_window_loss": FigureSource("text", ("probes",)),
    "text_samples": FigureSource("text", ("texts",)),
    "image_samples_by_training_step": FigureSource("image", ("pictures", "control_pictures")),
    "image_feature_correlation": FigureSource("image", ("measurements", "calibration")),
    "image_feature_distance_by_depth": FigureSource(
        "image", ("measurements", "calibration", "convergence")
    ),
    "image_power_spectrum": FigureSource("image", ("measurements", "calibration")),
}
"""Every figure there is."""


class Domains(Section):
    """The data that diffusion models are trained on."""

    rhm: RhmConfig
    """Random Hierarchy Model."""
    text: TextConfig
    """Masked diffusion on text."""
    image: ImageConfig
    """Gaussian diffusion on images."""


Palette = Literal[
    *("viridis", "plasma", "inferno", "magma", "cividis", "rocket", "mako", "flare", "crest"),
    *("cubehelix", "Blues", "Greens", "Greys", "Oranges", "Purples", "Reds"),
]
"""Colour maps of seaborn and matplotlib from light to dark or back, whose shades have an order."""


class Style(Section):
    """Looks of all figures."""

    palette: Palette
    """Colours of curves and maps; the default is perceptually uniform and readable in grey."""
    column_width: Annotated[float, Field(gt=1, le=100)]
    """Width of figures of one panel, in inches: that of a journal's column."""
    page_width: Annotated[float, Field(gt=1, le=100)]
    """Width of all others, in inches: that of a journal's text."""


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
    figures: Annotated[list[Literal[*FIGURES]], Distinct]
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
        for domain in TABLES:
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
