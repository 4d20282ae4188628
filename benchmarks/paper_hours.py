"""`python -m benchmarks.paper_hours docs/gpu.md`: GPU hours of the paper's grid, worked out.

The products of every network of config.yaml are counted by calling it once with tensors that have
shapes and no values. A backward pass has twice those of the call. Nothing is measured, and what is
left out (evaluation, measurements, judges, encoders) takes less by far.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.gpu_case import CONFIG, MODELS, SAMPLERS, paper_settings
from pipeline.base.errors import PipelineError
from pipeline.config.image import ImageConfig
from pipeline.config.load import load_config
from pipeline.config.rhm import RhmConfig
from pipeline.config.text import TextConfig
from pipeline.documents.paste import paste
from pipeline.networks.restore import without_weights

BANDWIDTH = 3.35e12
"""Bytes a second of the memory of an H100."""
PRODUCTS = {"rhm": 0.4 * 495e12, "text": 0.4 * 989e12, "image": 0.4 * 989e12}
"""Operations a second by domain: 0.4 of the peak of an H100, in TF32 for strings, else bfloat16."""
_TOKENS = {"rhm": torch.int64, "text": torch.int64, "image": torch.float32}
_TIMES = {"rhm": torch.int64, "text": torch.float64, "image": torch.int64}
"""Types of the noise levels that networks are called with."""
_MOVED = {"rhm": 8, "text": 10, "image": 10}
"""Passes over all weights in a step: three by the backpropagation, then those of the optimiser,
SGD with momentum or Adam, each of which keeps one or two more numbers of a weight."""


class Part(NamedTuple):
    """What one domain, or one setting of it, takes.

    Attributes:
        what: the setting.
        networks: number of them.
        training: operations of the training of one.
        training_seconds: its time, bound by products or by memory.
        sampling: operations behind the samples of one, at all of its checkpoints.
        sampling_seconds: its time, bound by products.
    """

    what: str
    networks: int
    training: float
    training_seconds: float
    sampling: float
    sampling_seconds: float

    @property
    def hours(self) -> float:
        """GPU hours of all its networks."""
        return self.networks * (self.training_seconds + self.sampling_seconds) / 3600


def parts() -> Iterator[Part]:
    """The paper's grid: settings of grammars, text, images."""
    domains = load_config(CONFIG, CONFIG.parent / "workflow/presets", {}).domains
    seeds = len(domains.rhm.grid.grammar_seeds)
    for grammar in domains.rhm.grid.grammars:
        tree = {"v": grammar.v, "m": grammar.m, "s": grammar.s, "L": grammar.L}
        networks = seeds * len(grammar.dataset_sizes)
        yield _part("rhm", grammar.label, networks, domains.rhm, tree)
    for name, section in (("text", domains.text), ("image", domains.image)):
        grid = section.grid
        networks = len(grid.dataset_sizes) * len(grid.data_seeds) * len(grid.network_seeds)
        yield _part(name, name, networks, section, {"setting": "paper"})


def string_products(domain: str, tree: Mapping[str, object]) -> tuple[float, int]:
    """Operations of products in a call of the paper's network for one string, and its weights."""
    cell = {"setting": tree}
    settings = paper_settings(domain, cell=cell)
    network = without_weights(MODELS[domain], settings).to("meta")
    length = SAMPLERS[domain].string_length(settings)
    # Automatic types know no device of this kind, and change no count.
    plain = patch.object(torch, "autocast", lambda *_, **__: nullcontext())
    with plain, torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counted:
        xt = torch.zeros(1, 1, length, dtype=_TOKENS[domain])
        network(xt, torch.ones(1, 1, dtype=_TIMES[domain]))
    weights = sum(weight.numel() for weight in network.parameters())
    return float(counted.get_total_flops()), weights


def markdown() -> str:
    """The table, with the hours of all."""
    found = list(parts())
    head = (
        "| what | networks | training one | its samples | GPU hours of all |\n"
        "| --- | --- | --- | --- | --- |\n"
    )
    total = sum(part.hours for part in found)
    networks = sum(part.networks for part in found)
    return f"{head}{''.join(map(_row, found))}| all | {networks} | | | {total:.0f} |\n"


def _row(part: Part) -> str:
    cells = (part.training, part.training_seconds), (part.sampling, part.sampling_seconds)
    shown = [
        f"{operations / 1e18:.2g} EFLOP, {seconds / 3600:.2g} h" for operations, seconds in cells
    ]
    return f"| {part.what} | {part.networks} | {' | '.join(shown)} | {part.hours:.3g} |\n"


def _part(
    domain: str,
    what: str,
    networks: int,
    section: RhmConfig | TextConfig | ImageConfig,
    tree: Mapping[str, object],
) -> Part:
    products, weights = string_products(domain, tree)
    training, sampling, rate = section.training, section.sampling, PRODUCTS[domain]
    step = 3 * products * training.batch_size
    moved = 4 * weights * _MOVED[domain]
    seconds = training.steps * max(step / rate, moved / BANDWIDTH)
    strings = sampling.samples * len(sampling.averages) * len(training.checkpoints)
    drawn = strings * sampling.steps * products
    return Part(what, networks, training.steps * step, seconds, drawn, drawn / rate)


if __name__ == "__main__":
    try:
        paste(Path(sys.argv[1]), "hours", markdown())
    except PipelineError as error:
        sys.exit(f"error: {error}")
