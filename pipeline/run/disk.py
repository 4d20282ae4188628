"""How much disk the artifacts of a run take that grow with networks, samples and data."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from pipeline.base.labels import ONLINE, Cell, parse_replicas
from pipeline.config.image import ImageConfig
from pipeline.config.schema import Config
from pipeline.config.slices import SLICES
from pipeline.rhm import settings as rhm
from pipeline.stages.domains import DOMAINS
from pipeline.stages.parts import load_part
from pipeline.stages.paths import SETTING

_STATES = 3
"""The last two, and the one that is being written."""
_KEPT = {"sgd": 1, "adam": 2}
"""Numbers that an optimiser keeps of every weight, by its kind: the momentum, or two moments."""
_NUMBER = 4
"""Bytes of the number of a row in a dataset of text or images."""


def describe_disk(config: Config, cells: Mapping[str, Sequence[Cell]], jobs: int) -> list[str]:
    """A line per domain of `cells`: how `jobs` at a time bound checkpoints, and all the rest."""
    return [
        f"disk for {name}: {_checkpoints(config, name, of_domain, jobs)}; "
        + ", ".join(_others(config, name, of_domain))
        for name, of_domain in cells.items()
    ]


def checkpoint_bytes(config: Config, domain: str, cell: Cell) -> int:
    """Size of one checkpoint of a cell, float32 weights and averages of all its replicas."""
    from pipeline.networks.restore import without_weights  # which takes seconds to import

    settings = SLICES[domain]["train"](config.domain(domain), cell)
    network = without_weights(load_part(domain, "model"), settings)
    copies = _copies(config, domain)
    return 4 * copies * sum(weight.numel() for weight in network.parameters())


def sample_bytes(config: Config, domain: str, cell: Cell) -> int:
    """Size of the samples of one checkpoint of a cell, of every replica and kind of weights."""
    settings = SLICES[domain]["train"](config.domain(domain), cell)
    symbols = load_part(domain, "model").build_noise(settings).symbols
    length = load_part(domain, "sampler").string_length(settings)
    sampling, replicas = config.domain(domain).sampling, len(parse_replicas(cell.replicas))
    count = replicas * len(sampling.averages) * sampling.samples
    return int(count * length * np.min_scalar_type(symbols - 1).itemsize)


def dataset_bytes(config: Config, domain: str, cell: Cell) -> int:
    """Size of the dataset of a cell at most: strings of grammars, else numbers of rows.

    How many rows are all that there are is not known before the source is made; they count as none.
    """
    settings = SLICES[domain]["dataset"](config.domain(domain), cell)
    replicas, data = len(parse_replicas(cell.replicas)), config.domain(domain).data
    if isinstance(settings, rhm.DatasetSettings):
        strings = settings.training_size + settings.validation_size + settings.test_size
        return replicas * strings * settings.cell.setting.length
    known = 0 if cell.dataset_size == ONLINE else int(cell.dataset_size)
    return replicas * (known + data.validation_size) * _NUMBER


def _copies(config: Config, domain: str) -> int:
    """Weights, and averages of them."""
    return 1 + len(config.domain(domain).training.average_decays)


def _state_size(config: Config, domain: str) -> float:
    """Size of a state that training goes on from, in checkpoints, which lack the optimiser's."""
    training, copies = config.domain(domain).training, _copies(config, domain)
    kind = training.optimizer.kind if isinstance(training, rhm.Training) else "adam"
    return (copies + _KEPT[kind]) / copies


def _checkpoints(config: Config, name: str, cells: Sequence[Cell], jobs: int) -> str:
    domain = config.domain(name)
    shapes = [(cell.setting, len(parse_replicas(cell.replicas))) for cell in cells]
    bytes_of = {
        shape: checkpoint_bytes(config, name, cell)
        for shape, cell in dict(zip(shapes, cells, strict=True)).items()
    }
    sizes = [bytes_of[shape] for shape in shapes]
    steps = len(domain.training.checkpoints)
    files = steps + _STATES * _state_size(config, name)
    largest = max(sizes) * files
    if domain.training.keep_checkpoints:
        bound = f"{_gigabytes(sum(sizes) * files)} in all, kept"
    else:
        flight = f"{_gigabytes(largest)} per trajectory in flight, deleted once sampled"
        bound = f"at most {flight} ({_gigabytes(largest * min(jobs, len(sizes)))} for {jobs} jobs)"
    return f"checkpoints of {len(sizes)} trajectories x {steps} steps: {bound}"


def _others(config: Config, name: str, cells: Sequence[Cell]) -> list[str]:
    """What else is kept, with its size."""
    steps = len(config.domain(name).training.checkpoints)
    samples = steps * sum(sample_bytes(config, name, cell) for cell in cells)
    datasets = sum(dataset_bytes(config, name, cell) for cell in cells)
    found = [f"samples {_gigabytes(samples)}", f"datasets {_gigabytes(datasets)}"]
    domain = DOMAINS[name]
    if not domain.has_grammars:
        found.append(_told(domain.source, _made(config, name, cells, domain.source)))
    if isinstance(of_images := config.domain(name), ImageConfig):
        reference = _made(config, name, cells, domain.reference)
        images = of_images.measurement.reference_images * 3 * of_images.data.size**2
        features = None if reference is None else reference * samples / images
        found.append(_told(domain.measured, features))
    return found


def _made(config: Config, name: str, cells: Sequence[Cell], artifact: str) -> int | None:
    """Size of an artifact of all settings together; none while one of them is not made."""
    homes = {SETTING.format(run=config.run, domain=name, setting=cell.setting) for cell in cells}
    paths = [Path(home, f"{artifact}.safetensors") for home in homes]
    return sum(path.stat().st_size for path in paths) if all(map(Path.exists, paths)) else None


def _told(noun: str, size: float | None) -> str:
    return f"{noun} {'not known before they are made' if size is None else _gigabytes(size)}"


def _gigabytes(size: float) -> str:
    return f"{size / 1e9:.3g} GB"
