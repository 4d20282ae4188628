"""Which part of the config each stage reads: the `settings` of its spec, and nothing more.

A key that is not in a stage's slice, or in that of a stage upstream, cannot change its artifact,
so editing it never makes the artifact stale. Upstream settings are not repeated: files carry them.
Every slice is a function of a domain's config and a place, anything that has the attributes of
the workflow's wildcards (setting, dataset_size, replicas, grammar_seed).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple
from typing import Any, Protocol

from pipeline.config.grid import DomainConfig
from pipeline.config.image import ImageConfig
from pipeline.config.labels import ONLINE, Cell, parse_replicas, parse_setting
from pipeline.config.resources import own_content
from pipeline.config.rhm import RhmConfig
from pipeline.config.schema import LAST_CHECKPOINT, Config
from pipeline.config.text import TextConfig
from pipeline.stages.figures import FIGURES


class Place(Protocol):
    """Where in the grid an artifact belongs; a stage reads only the attributes it depends on."""

    setting: str
    dataset_size: str
    replicas: str
    grammar_seed: str


def _grammar(_domain: RhmConfig, place: Place) -> dict[str, Any]:
    """Parameters of one grammar."""
    return {**parse_setting(place.setting), "seed": int(place.grammar_seed)}


def _dataset(domain: RhmConfig, place: Place) -> dict[str, Any]:
    """Held-out sizes and the number of training strings; online, as many as the run will read."""
    training = domain.training
    if place.dataset_size == ONLINE:
        size = training.checkpoints[-1] * training.batch_size
        # Losses on training strings are those of as many as there are validation strings.
        size = max(size, domain.data.validation_size)
    else:
        size = int(place.dataset_size)
    return {**domain.data.plain(), "training_size": size, "cell": _cell(place)}


def _train(domain: RhmConfig, place: Place) -> dict[str, Any]:
    """Noise, network and optimisation; an ensemble's gradients are never clipped together.

    The number of steps counts only where the learning rate falls towards the last of them.
    """
    optimisation = _optimisation(domain, place)
    falls = domain.training.decay_from < 1
    optimisation["training"]["steps"] = domain.training.steps if falls else None
    optimisation["training"]["gradient_clip"] = None
    return {"noise": domain.noise.plain(), **optimisation}


def _optimisation(domain: DomainConfig, place: Place) -> dict[str, Any]:
    """Network and training; checkpoints are outputs, and steps their bound, but not settings."""
    training = _without(domain.training.plain(), "steps", "checkpoints", "keep_checkpoints")
    return {"network": domain.network.plain(), "training": training, "cell": _cell(place)}


def _corpus(domain: TextConfig, _place: Place) -> dict[str, Any]:
    """Documents, tokenizer, split and context."""
    data = _without(domain.data.plain(), "validation_size") | own_content(domain.data)
    return {**data, "vocabulary_size": domain.data.tokenizer.vocabulary_size}


def _subset(domain: TextConfig | ImageConfig, place: Place) -> dict[str, Any]:
    """Numbers of blocks or images; online, all of the training part there are."""
    online = place.dataset_size == ONLINE
    return {
        "training_size": None if online else int(place.dataset_size),
        "validation_size": domain.data.validation_size,
        "cell": _cell(place),
    }


def _train_text(domain: TextConfig, place: Place) -> dict[str, Any]:
    """Vocabulary, context, network and optimisation."""
    data = domain.data
    shape = {"symbols": data.tokenizer.vocabulary_size, "context": data.context}
    return {**shape, **_optimisation(domain, place)}


def _controls(domain: TextConfig | ImageConfig, place: Place) -> dict[str, Any]:
    """As many controls as there are samples, what they are compared with, and their blocks."""
    measurement = domain.measurement.plain()
    chosen = ("block_lengths", "reference_sequences", "reference_images")
    compared = {name: value for name, value in measurement.items() if name in chosen}
    return {**compared, "samples": domain.sampling.samples, "setting": place.setting}


def _estimators(domain: TextConfig | ImageConfig, _place: Place) -> dict[str, Any]:
    """Section `measurement`, but for what makes controls or is shown."""
    elsewhere = ("block_lengths", "reference_images", "shown_texts", "shown_images")
    return _without(domain.measurement.plain(), *elsewhere)


def _images(domain: ImageConfig, _place: Place) -> dict[str, Any]:
    """Source, its name, size and split."""
    return _without(domain.data.plain(), "validation_size") | own_content(domain.data)


def _train_image(domain: ImageConfig, place: Place) -> dict[str, Any]:
    """Size, noise, network and optimisation."""
    shape = {"size": domain.data.size, "noise": domain.noise.plain()}
    return {**shape, **_optimisation(domain, place)}


def _encode(domain: ImageConfig, _place: Place) -> dict[str, Any]:
    """Layers of the encoder and the size it sees; which encoder is a matter of input files."""
    return _without(domain.encoder.plain(), "model")


def _encode_training(domain: ImageConfig, _place: Place) -> dict[str, Any]:
    """The deepest layer alone, in whose features images are compared with training images."""
    encoder = domain.encoder
    return {"size": encoder.size, "layers": [encoder.layers[-1]], "map_layers": []}


def _converge(domain: ImageConfig, _place: Place) -> dict[str, Any]:
    """Fractions, and resamples of the curves."""
    return {**domain.analysis.plain(), "bootstrap_samples": domain.measurement.bootstrap_samples}


def _without(section: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in section.items() if name not in names}


def _ceiling(domain: RhmConfig, place: Place) -> dict[str, Any]:
    """One setting with its grammar seeds, noise and sampler."""
    return {
        "setting": parse_setting(place.setting),
        "grammar_seeds": domain.grid.grammar_seeds,
        "noise": domain.noise.plain(),
        "sampling": domain.sampling.plain(),
        "ceiling": domain.ceiling.plain(),
    }


def _theory(domain: RhmConfig, place: Place) -> dict[str, Any]:
    """One setting, and what picks the strings: held-out sizes and the networks' first data seed."""
    theory = domain.theory.plain()
    (theory["grammar"],) = [g.plain() for g in domain.theory.grammars if g.label == place.setting]
    del theory["grammars"]
    return {**theory, **domain.data.plain(), "data_seed": domain.grid.data_seeds[0]}


_RHM: dict[str, Callable[[RhmConfig, Place], dict[str, Any]]] = {
    "grammar": _grammar,
    "dataset": _dataset,
    "train": _train,
    "sample": lambda domain, _: domain.sampling.plain(),  # noise and network: see checkpoint
    "measure": lambda domain, _: _without(domain.measurement.plain(), "shown_strings"),
    "trees": lambda domain, _: {"shown_strings": domain.measurement.shown_strings},
    "probe": lambda domain, _: domain.probe.plain(),
    "ceiling": _ceiling,
    "theory": _theory,
    "concatenate": lambda _domain, _: {},
    "analyse": lambda domain, _: _without(_reading(domain), "accuracy"),
    "memorize": lambda domain, _: {**_resampling(domain), "converged": domain.analysis.converged},
    "exponents": lambda domain, _: {**_resampling(domain), "among": domain.analysis.among},
}

_TEXT: dict[str, Callable[[TextConfig, Place], dict[str, Any]]] = {
    "corpus": _corpus,
    "dataset": _subset,
    "train": _train_text,
    "sample": lambda domain, _: domain.sampling.plain(),
    "controls": _controls,
    "measure": _estimators,
    "probe": lambda domain, _: domain.probe.plain(),
    "decode": lambda domain, _: {"shown_texts": domain.measurement.shown_texts},
    "judge": lambda domain, _: {"texts": domain.judge.texts, "longest": domain.judge.longest},
    "concatenate": lambda _domain, _: {},
}

_IMAGE: dict[str, Callable[[ImageConfig, Place], dict[str, Any]]] = {
    "images": _images,
    "dataset": _subset,
    "train": _train_image,
    "sample": lambda domain, _: domain.sampling.plain(),
    "controls": _controls,
    "encode": _encode,
    "encode_training": _encode_training,
    "measure": _estimators,
    "pictures": lambda domain, _: {"shown_images": domain.measurement.shown_images},
    "concatenate": lambda _domain, _: {},
    "converge": _converge,
}

SLICES: dict[str, Mapping[str, Callable[..., dict[str, Any]]]]
SLICES = {"rhm": _RHM, "text": _TEXT, "image": _IMAGE}
"""Settings of every stage but those below, by domain."""


def aggregate_settings(cells: Iterable[Cell], missing: Sequence[str]) -> dict[str, Any]:
    """The cells of one setting, and the labels of those that are missing."""
    return {"cells": [list(astuple(cell)) for cell in cells], "missing": list(missing)}


def claims_settings(config: Config, domain: str) -> dict[str, Any]:
    """How verdicts come about; which tables there are is a matter of input files."""
    of_domain: dict[str, object]
    if domain == "rhm":
        analysis = config.domains.rhm.analysis
        of_domain = {name: getattr(analysis, name) for name in ("accuracy", "bootstrap_samples")}
    else:
        of_domain = {"average": config.domain(domain).sampling.averages[0]}
    return {"rules": {**config.claims.plain(), **of_domain}}


def departures_settings(config: Config) -> dict[str, Any]:
    """How half-way points are read off; which runs are compared, none with missing cells."""
    names = {"names": list(config.departures), "last_checkpoint": LAST_CHECKPOINT}
    return {**_reading(config.domains.rhm), **names, "missing": []}


def figure_settings(config: Config, name: str) -> dict[str, Any]:
    """Looks, and the reading rules if the figure shows what they choose."""
    source = FIGURES[name]
    common: dict[str, Any] = {"style": config.style.plain(), "missing": []}
    if "judgements" in source.tables:
        common["judge"] = config.domains.text.judge.model.name
    if source.references:
        common["width"] = config.domains.rhm.network.width
    if source.domain != "rhm":
        common["average"] = config.domain(source.domain).sampling.averages[0]
    if source.domain == "image":
        common["encoder"] = config.domains.image.encoder.model.name
    if not source.reads_analysis:
        return common
    return {**common, "analysis": _without(_reading(config.domains.rhm), "converged")}


def _reading(domain: RhmConfig) -> dict[str, Any]:
    """Which accuracy counts, over which samples, and whether it has levelled off."""
    return _without(domain.analysis.plain(), "bootstrap_samples")


def _resampling(domain: RhmConfig) -> dict[str, Any]:
    return {"bootstrap_samples": domain.analysis.bootstrap_samples}


def _cell(place: Place) -> dict[str, Any]:
    replicas = [list(astuple(replica)) for replica in parse_replicas(place.replicas)]
    return {
        "setting": parse_setting(place.setting),
        "dataset_size": place.dataset_size,
        "replicas": replicas,
    }
