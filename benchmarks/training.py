"""Training the RHM's U-Net: against convolutions in a plain loop, and against sgemm."""

from collections.abc import Iterator

import torch

from benchmarks import plain_training
from benchmarks.contest import Contest, Side
from benchmarks.curves import Curve, fastest
from benchmarks.training_case import BATCH, LEVELS, SCHEDULE, Case, S, V

_STEPS = {64: 300, 128: 200, 512: 30}
"""Steps of a round by width."""
_CALLS = "630 calls of torch operations make a step, 2 ms whatever the width"
_SHARES = {
    64: f"{_CALLS}; weights, 0.2 MB, stay in cache",
    128: f"{_CALLS}, products 1.1 ms; weights, 0.9 MB, stay in cache",
    512: "bound by products: weights, 15 MB, come from memory once for 16 FLOP a byte",
}
"""What bounds a step by width."""


def contests() -> Iterator[Contest]:
    """Lines of the table."""
    torch.set_num_threads(1)
    for width in (128, 512):
        yield _against_convolutions(width)
    yield _against_convolutions(128, compiled=True)
    for width in (128, 512):
        yield _against_bare_loop(width)
    for width in (64, 128, 512):
        yield _against_products(width)


def _against_convolutions(width: int, compiled: bool = False) -> Contest:
    case, steps = Case(width, compiled=compiled), _STEPS[width]
    network = plain_training.ConvUNet(V, S, 3, width, LEVELS)
    strings = torch.from_numpy(case.strings[0]).long()
    schedule = torch.from_numpy(SCHEDULE).float()
    plain = plain_training.trainer(network, strings, schedule, BATCH)
    if compiled:
        case.under_lightning(2)  # compiles
    return Contest(
        f"training, width {width}, batch {BATCH}" + (", compiled" if compiled else ""),
        Side("products of patches, under Lightning", lambda: case.under_lightning(steps)),
        Side("nn.Conv1d, plain loop", lambda: plain(steps)),
        steps,
        "steps",
        1 / 0.45,
        "compiling takes half a minute, once" if compiled else _SHARES[width],
    )


def _against_bare_loop(width: int) -> Contest:
    case, steps = Case(width), _STEPS[width]
    return Contest(
        f"Lightning around a step, width {width}",
        Side("under Lightning", lambda: case.under_lightning(steps)),
        Side("the same steps in a bare loop", lambda: case.bare(steps)),
        steps,
        "steps",
        1 / 1.1,
        "its hooks and loop take 0.3 to 0.7 ms a step, whatever the network: 2 to 3 % of a step of "
        "8 replicas",
    )


def _against_products(width: int) -> Contest:
    case, steps = Case(width), _STEPS[width]
    multiply = case.products()
    return Contest(
        f"training as a share of sgemm speed, width {width}",
        Side("steps under Lightning", lambda: case.under_lightning(steps)),
        Side("their matrix products alone", lambda: [multiply() for _ in range(steps)]),
        steps,
        "steps",
        0.7,
        _SHARES[width],
    )


def curves() -> Iterator[Curve]:
    """Cost of a step against width, dataset size and depth."""
    names = {"y_name": "time of a step, s"}
    widths, depths, sizes = (
        [32, 64, 128, 256, 512, 1024],
        [2, 3, 4, 5, 6],
        [2**k for k in (5, 9, 13, 17)],
    )
    yield Curve(
        "training against width",
        x_name="width",
        x=widths,
        y=[_step(Case(w)) for w in widths],
        **names,
    )
    times = [_step(Case(128, depth=depth)) for depth in depths]
    yield Curve(
        "training against d",
        x_name="tokens d = 2^L",
        x=[S**depth for depth in depths],
        y=times,
        **names,
    )
    times = [_step(Case(128, strings=size)) for size in sizes]
    yield Curve("training against P", x_name="dataset size P", x=sizes, y=times, **names)


def _step(case: Case) -> float:
    """Seconds of a bare step."""
    case.bare(3)
    return fastest(lambda: case.bare(10)) / 10
