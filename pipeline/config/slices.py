"""Which part of the config each stage reads: the `settings` of its spec, and nothing more.

A key that is not in a stage's slice, or in that of a stage upstream, cannot change its artifact,
so editing it never makes the artifact stale. Upstream settings are not repeated: files carry them.
Every slice is a function of a domain's config and a place, anything that has the attributes of
the workflow's wildcards (setting, dataset_size, replicas, grammar_seed).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from pipeline.analysis.settings import (
    Aggregation,
    ConvergenceRules,
    DepartureRules,
    ExponentRules,
    HalfWayRules,
    MemorizationRules,
    Shown,
)
from pipeline.base.cells import NamedCell, NamedSetting
from pipeline.base.labels import ONLINE, Cell, parse_replicas, parse_setting
from pipeline.base.section import NoSettings, Section
from pipeline.claims.settings import Rules
from pipeline.config.image import ImageConfig
from pipeline.config.resources import own_content
from pipeline.config.rhm import RhmConfig
from pipeline.config.schema import LAST_CHECKPOINT, Config
from pipeline.config.text import TextConfig, vocabulary_size
from pipeline.figures.settings import FigureSettings
from pipeline.image import settings as image
from pipeline.rhm import settings as rhm
from pipeline.stages.figures import FIGURES
from pipeline.stages.parts import load_definition
from pipeline.text import settings as text


class Place(Protocol):
    """Where in the grid an artifact belongs; a stage reads only the attributes it depends on."""

    setting: str
    dataset_size: str
    replicas: str
    grammar_seed: str


def _parameters(place: Place) -> rhm.GrammarParameters:
    return rhm.GrammarParameters.model_validate(parse_setting(place.setting))


def _cell(place: Place) -> rhm.Cell:
    """A cell of grammars."""
    return rhm.Cell(
        setting=_parameters(place),
        dataset_size=place.dataset_size,
        replicas=parse_replicas(place.replicas),
    )


def _named_cell(place: Place) -> NamedCell:
    """A cell of text or images."""
    return NamedCell(
        setting=NamedSetting(setting=place.setting),
        dataset_size=place.dataset_size,
        replicas=parse_replicas(place.replicas),
    )


def _grammar(domain: RhmConfig, place: Place) -> rhm.RandomGrammar:
    """Parameters of one grammar, and how frequent its rules are."""
    grid, seed = domain.grid, int(place.grammar_seed)
    return rhm.RandomGrammar.of(
        _parameters(place), seed=seed, rule_frequencies=grid.rule_frequencies
    )


def _dataset(domain: RhmConfig, place: Place) -> rhm.DatasetSettings:
    """Held-out sizes and the number of training strings; online, as many as the run will read."""
    training = domain.training
    if place.dataset_size == ONLINE:
        size = training.checkpoints[-1] * training.batch_size
        # Losses on training strings are those of as many as there are validation strings.
        size = max(size, domain.data.validation_size)
    else:
        size = int(place.dataset_size)
    return rhm.DatasetSettings.of(domain.data, training_size=size, cell=_cell(place))


def _train(domain: RhmConfig, place: Place) -> rhm.TrainSettings:
    """Noise, network and optimisation.

    The number of steps counts only where the learning rate falls towards the last of them.
    """
    steps = domain.training.steps if domain.training.decay_from < 1 else None
    training = rhm.Training.of(domain.training, steps=steps)
    return rhm.TrainSettings(
        noise=domain.noise, network=domain.network, training=training, cell=_cell(place)
    )


def _ceiling(domain: RhmConfig, place: Place) -> rhm.CeilingSettings:
    """One setting with its grammar seeds, noise and sampler."""
    return rhm.CeilingSettings(
        setting=_parameters(place),
        grammar_seeds=domain.grid.grammar_seeds,
        noise=domain.noise,
        sampling=domain.sampling,
        ceiling=domain.ceiling,
    )


def _theory(domain: RhmConfig, place: Place) -> rhm.TheorySettings:
    """One setting, and what picks the strings: held-out sizes and the networks' first data seed."""
    (grammar,) = [g for g in domain.theory.grammars if g.label == place.setting]
    grid = domain.grid
    return rhm.TheorySettings.of(
        domain.theory,
        domain.data,
        grammar=grammar,
        data_seed=grid.data_seeds[0],
        rule_frequencies=grid.rule_frequencies,
    )


def _corpus(domain: TextConfig, _place: Place) -> text.CorpusSettings:
    """Documents, tokenizer, split and context."""
    size = vocabulary_size(domain.data.tokenizer)
    content = own_content(domain.data)
    return text.CorpusSettings.of(domain.data, content=content, vocabulary_size=size)


def _text_dataset(domain: TextConfig, place: Place) -> text.DatasetSettings:
    """Numbers of blocks."""
    size, held_out = _training_size(place), domain.data.validation_size
    cell = _named_cell(place)
    return text.DatasetSettings(training_size=size, validation_size=held_out, cell=cell)


def _train_text(domain: TextConfig, place: Place) -> text.TrainSettings:
    """Vocabulary, context, network and optimisation."""
    return text.TrainSettings(
        symbols=vocabulary_size(domain.data.tokenizer),
        context=domain.data.context,
        network=domain.network,
        training=text.Training.of(domain.training),
        cell=_named_cell(place),
    )


def _text_controls(domain: TextConfig, place: Place) -> text.ControlSettings:
    """As many controls as there are samples, what they are compared with, and their blocks."""
    samples = domain.sampling.samples
    return text.ControlSettings.of(domain.measurement, samples=samples, setting=place.setting)


def _images(domain: ImageConfig, _place: Place) -> image.ImagesSettings:
    """Source, its name, size and split."""
    return image.ImagesSettings.of(domain.data, content=own_content(domain.data))


def _image_dataset(domain: ImageConfig, place: Place) -> image.DatasetSettings:
    """Numbers of images."""
    size, held_out = _training_size(place), domain.data.validation_size
    cell = _named_cell(place)
    return image.DatasetSettings(training_size=size, validation_size=held_out, cell=cell)


def _train_image(domain: ImageConfig, place: Place) -> image.TrainSettings:
    """Size, noise, network and optimisation."""
    return image.TrainSettings(
        size=domain.data.size,
        noise=domain.noise,
        network=domain.network,
        training=image.Training.of(domain.training),
        cell=_named_cell(place),
    )


def _image_controls(domain: ImageConfig, place: Place) -> image.ControlSettings:
    """As many controls as there are samples, what they are compared with, and their blocks."""
    samples = domain.sampling.samples
    return image.ControlSettings.of(domain.measurement, samples=samples, setting=place.setting)


def _encode_training(domain: ImageConfig, _place: Place) -> image.Encoding:
    """The deepest layer alone, in whose features images are compared with training images."""
    deepest = domain.encoder.layers[-1:]
    return image.Encoding.of(domain.encoder, layers=deepest, map_layers=[])


def _converge(domain: ImageConfig, _place: Place) -> ConvergenceRules:
    """Fractions, and resamples of the curves."""
    return ConvergenceRules.of(domain.analysis, domain.measurement)


def _training_size(place: Place) -> int | None:
    """Blocks or images; online, all of the training part there are."""
    return None if place.dataset_size == ONLINE else int(place.dataset_size)


_RHM: dict[str, Callable[[RhmConfig, Place], Section]] = {
    "grammar": _grammar,
    "dataset": _dataset,
    "train": _train,
    "sample": lambda domain, _: domain.sampling,  # noise and network: see checkpoint
    "measure": lambda domain, _: rhm.Measurement.of(domain.measurement),
    "trees": lambda domain, _: rhm.ShownStrings.of(domain.measurement),
    "probe": lambda domain, _: domain.probe,
    "ceiling": _ceiling,
    "theory": _theory,
    "concatenate": lambda _domain, _: NoSettings(),
    "analyse": lambda domain, _: HalfWayRules.of(domain.analysis),
    "memorize": lambda domain, _: MemorizationRules.of(domain.analysis),
    "exponents": lambda domain, _: ExponentRules.of(domain.analysis),
}

_TEXT: dict[str, Callable[[TextConfig, Place], Section]] = {
    "corpus": _corpus,
    "dataset": _text_dataset,
    "train": _train_text,
    "sample": lambda domain, _: domain.sampling,
    "controls": _text_controls,
    "measure": lambda domain, _: text.Measurement.of(domain.measurement),
    "probe": lambda domain, _: domain.probe,
    "decode": lambda domain, _: text.ShownTexts.of(domain.measurement),
    "judge": lambda domain, _: text.Judge.of(domain.judge),
    "concatenate": lambda _domain, _: NoSettings(),
}

_IMAGE: dict[str, Callable[[ImageConfig, Place], Section]] = {
    "images": _images,
    "dataset": _image_dataset,
    "train": _train_image,
    "sample": lambda domain, _: domain.sampling,
    "controls": _image_controls,
    "encode": lambda domain, _: image.Encoding.of(domain.encoder),
    "encode_training": _encode_training,
    "measure": lambda domain, _: image.Measurement.of(domain.measurement),
    "pictures": lambda domain, _: image.ShownImages.of(domain.measurement),
    "concatenate": lambda _domain, _: NoSettings(),
    "converge": _converge,
}

SLICES: dict[str, Mapping[str, Callable[..., Section]]]
SLICES = {"rhm": _RHM, "text": _TEXT, "image": _IMAGE}
"""Settings of every stage but those below, by domain."""


def aggregate_settings(cells: Iterable[Cell], missing: Sequence[str]) -> Aggregation:
    """The cells of one setting, and the labels of those that are missing."""
    return Aggregation(cells=list(cells), missing=list(missing))


def claims_settings(config: Config, domain: str) -> Rules:
    """How verdicts come about; which tables there are is a matter of input files."""
    if domain == "rhm":
        return Rules.of(config.domains.rhm.analysis, config.claims)
    return Rules.of(config.claims, average=config.domain(domain).sampling.averages[0])


def departures_settings(
    config: Config, names: Sequence[str], missing: Sequence[str]
) -> DepartureRules:
    """How half-way points are read off.

    Args:
        config: of the run.
        names: of the departures that are compared.
        missing: labels of missing cells.
    """
    return DepartureRules.of(
        config.domains.rhm.analysis,
        names=list(names),
        last_checkpoint=LAST_CHECKPOINT,
        missing=list(missing),
    )


def figure_settings(config: Config, name: str, missing: Sequence[str]) -> FigureSettings:
    """Looks, the labels of missing cells, and whatever else a figure has among its settings."""
    figure = FIGURES[name]
    domains, shown = config.domains, config.domain(figure.domain)
    values = {
        "style": config.style,
        "missing": list(missing),
        "analysis": Shown.of(domains.rhm.analysis),
        "width": domains.rhm.network.width,
        "average": shown.sampling.averages[0],
        "judge": domains.text.judge.model.name,
        "encoder": domains.image.encoder.model.name,
    }
    kind: type[FigureSettings] = load_definition(figure.settings)
    return kind.of(**{key: values[key] for key in kind.model_fields})
