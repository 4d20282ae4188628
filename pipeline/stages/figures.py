"""Records of all figures: which tables they show. Standard library only."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A figure, drawn by the module `pipeline/figures/<domain>/<subject>.py`.

    Attributes:
        domain: whose tables it shows.
        subject: the rest of its name.
        tables: which of them.
        reads: class of its settings, in `pipeline.figures.settings`.
        compares_settings: whether it needs all settings, or the first one only.
        references: tables of other people's numbers, below workflow/references.
    """

    domain: str
    subject: str
    tables: tuple[str, ...]
    reads: str = "FigureSettings"
    compares_settings: bool = False
    references: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name of the figure, of its rule and of its files."""
        return f"{self.domain}_{self.subject}"

    @property
    def settings(self) -> str:
        """Class of its settings, `module:class`."""
        return f"pipeline.figures.settings:{self.reads}"


_ALL = (
    Figure(
        "rhm",
        "accuracy_vs_dataset_size",
        ("measurements", "losses", "sample_complexity", "exponents", "laws"),
        reads="OfAnalysis",
        compares_settings=True,
    ),
    Figure(
        "rhm",
        "accuracy_vs_training_step",
        ("measurements", "sample_complexity"),
        reads="OfAnalysis",
    ),
    Figure("rhm", "correlation_vs_distance", ("measurements", "losses")),
    Figure(
        "rhm",
        "sample_complexity",
        ("sample_complexity", "exponents", "laws"),
        reads="OfAnalysis",
        compares_settings=True,
    ),
    Figure("rhm", "generalization_map", ("measurements", "losses", "memorization")),
    Figure("rhm", "loss_curves", ("losses",)),
    Figure("rhm", "choices", ("departures",), compares_settings=True),
    Figure(
        "rhm",
        "released_run",
        ("measurements", "losses"),
        "BesideReferences",
        compares_settings=True,
        references=("released_code",),
    ),
    Figure("rhm", "memorization", ("measurements", "memorization", "memorization_exponents")),
    Figure("rhm", "samples", ("trees",)),
    Figure("rhm", "sampling_ceiling", ("ceilings",)),
    Figure("rhm", "excess_loss", ("probes", "losses")),
    Figure("rhm", "latent_knowledge", ("probes", "losses")),
    Figure("rhm", "synonym_sensitivity", ("probes", "losses")),
    Figure(
        "rhm",
        "clustering",
        ("theory", "measurements", "losses"),
        reads="OfAnalysis",
        compares_settings=True,
    ),
    Figure("rhm", "correlation_law", ("theory",), compares_settings=True),
    Figure("rhm", "one_step_gradient", ("theory",), compares_settings=True),
    Figure("text", "correlation_vs_distance", ("measurements", "calibration"), "OfSamples"),
    Figure("text", "coherence_length_vs_training", ("measurements", "calibration"), "OfSamples"),
    Figure(
        "text",
        "perplexity_vs_context",
        ("judgements", "control_judgements", "measurements", "calibration"),
        "OfJudgements",
    ),
    Figure("text", "window_loss", ("probes",), "OfSamples"),
    Figure("text", "samples", ("texts",), "OfSamples"),
    Figure("image", "samples_by_training_step", ("pictures", "control_pictures"), "OfFeatures"),
    Figure("image", "feature_correlation", ("measurements", "calibration"), "OfFeatures"),
    Figure(
        "image",
        "feature_distance_by_depth",
        ("measurements", "calibration", "convergence"),
        "OfFeatures",
    ),
    Figure("image", "power_spectrum", ("measurements", "calibration"), "OfFeatures"),
)

FIGURES = {figure.name: figure for figure in _ALL}
"""Every figure there is, by its name."""
