"""What is measured on a GPU, line by line, in groups that run in processes of their own."""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import torch
from torch import Tensor

from benchmarks.gpu_case import GpuCase, paper_settings, synchronize
from pipeline.base.device import choose_device
from pipeline.image.sampler import build_sampler as image_sampler
from pipeline.image.settings import Sampling
from pipeline.noise.absorbing import AbsorbingNoise
from pipeline.noise.schedules import alpha_bar
from pipeline.noise.uniform import UniformNoise
from pipeline.rhm.grammar.rules import sample_rules
from pipeline.rhm.oracle import Oracle
from pipeline.rhm.settings import Training, TrainSettings
from pipeline.sampling.absorbing import at_positions, cosine_grid, sample_absorbing
from pipeline.sampling.generate import generate
from pipeline.sampling.uniform import sample_uniform
from pipeline.training.settings import Adam, Optimised, Sgd


@dataclass(frozen=True)
class Sizes:
    """How large everything is; the defaults are what a GPU is for.

    Attributes:
        copied: bytes of the array that is copied.
        matrix: side of the matrices that are multiplied.
        width: of the paper's U-Net for strings.
        widths: of the ensembles of eight.
        released: width of the released code's own run.
        text: what is other than in the paper, of text.
        image: likewise, of images.
        batch: strings of text and images in a batch; none for the paper's.
        steps: of a round at most.
        rounds: of every line.
        strings: sampled of grammars.
        calls: of the network while text or an image is sampled.
    """

    copied: int = 2**32
    matrix: int = 8192
    width: int = 8192
    widths: tuple[int, ...] = (64, 128, 256, 512)
    released: int = 1024
    text: dict[str, object] = field(default_factory=dict)
    image: dict[str, object] = field(default_factory=dict)
    batch: int | None = None
    steps: int = 100
    rounds: int = 5
    strings: int = 1024
    calls: int = 12


TINY = Sizes(
    copied=2**12,
    matrix=16,
    width=16,
    widths=(8,),
    released=8,
    text={
        "symbols": 50,
        "context": 16,
        "network": {"layers": 1, "heads": 2, "width": 16},
    },
    image={
        "size": 8,
        "network": {"width": 32, "residual_blocks": 1, "multipliers": [1, 2], "attention": [4]},
    },
    batch=2,
    steps=2,
    rounds=2,
    strings=4,
    calls=2,
)
"""For tests: seconds on a CPU."""


@dataclass
class Row:
    """What a line gave.

    Attributes:
        what: was measured, with its size.
        unit: what is counted, in the plural; of rates, without "per second".
        amount: how much of it a run does.
        seconds: of a run, round by round.
        share: part of the machine's measured rate that was reached; none if none is meant.
        of: which rate.
        peak_gb: most memory of the GPU that was in use.
        reckoned_gb: weights, gradients and what the optimiser keeps of them.
        note: a fact that the reader needs.
    """

    what: str
    unit: str
    amount: float
    seconds: list[float]
    share: float | None = None
    of: str = ""
    peak_gb: float | None = None
    reckoned_gb: float | None = None
    note: str = ""

    @property
    def rate(self) -> float:
        """Units per second, of the median round."""
        return self.amount / statistics.median(self.seconds)


Line = Callable[[], Row]


def timed(run: Callable[[], object], rounds: int, warm: int = 2) -> list[float]:
    """Seconds of every round, waiting for the device before and after."""
    for _ in range(warm):
        run()
    seconds = []
    for _ in range(rounds):
        synchronize()
        start = time.perf_counter()
        run()
        synchronize()
        seconds.append(time.perf_counter() - start)
    return seconds


def _copy(sizes: Sizes, rounds: int) -> Row:
    source = torch.randint(256, (sizes.copied,), dtype=torch.uint8, device=choose_device())
    target = torch.empty_like(source)
    seconds = timed(lambda: target.copy_(source), rounds)
    return Row("copy, device to device", "bytes", 2 * sizes.copied, seconds, note="read + written")


def _product(sizes: Sizes, dtype: torch.dtype, rounds: int) -> Row:
    n, device = sizes.matrix, choose_device()
    a, b = (torch.randn(n, n, device=device, dtype=dtype) for _ in range(2))
    out = torch.empty_like(a)
    name = "bfloat16" if dtype == torch.bfloat16 else "float32, TF32 allowed"
    seconds = timed(lambda: torch.mm(a, b, out=out), 2 * rounds, 5)
    return Row(f"product of matrices of {n} x {n}, {name}", "FLOP", 2 * n**3, seconds)


@cache
def _copy_rate(sizes_copied: int) -> float:
    return _copy(Sizes(copied=sizes_copied), 3).rate


@cache
def _product_rate(matrix: int) -> float:
    return _product(Sizes(matrix=matrix), torch.bfloat16, 5).rate


def rates(sizes: Sizes) -> Iterator[Line]:
    """What the machine can do at most."""
    yield lambda: _copy(sizes, sizes.rounds)
    yield lambda: _product(sizes, torch.bfloat16, sizes.rounds)
    yield lambda: _product(sizes, torch.float32, sizes.rounds)


def wide(sizes: Sizes) -> Iterator[Line]:
    """The machine's rates; the paper's U-Net for strings, bound by the bytes of its weights."""
    yield from rates(sizes)
    case = GpuCase("rhm", paper_settings("rhm", network={"width": sizes.width}))
    adam, kept = Adam(kind="adam", beta1=0.9, beta2=0.999), {"sgd": 1, "adam": 2}
    for optimizer in (adam, case.settings.training.optimizer):
        yield lambda optimizer=optimizer: _wide(sizes, case, optimizer, kept[optimizer.kind])


def _wide(sizes: Sizes, case: GpuCase, optimizer: Adam | Sgd, kept: int) -> Row:
    """Training as a share of the rate of copies, by the bytes that a step must move.

    Both passes read the weights, and the backward one writes gradients. Then the optimiser reads
    weights, gradients and what it keeps, and writes all of these but the gradients.
    """
    if case.network is None:
        case.build()
    rate, steps = _copy_rate(sizes.copied), max(2, sizes.steps // 5)
    training = Training.of(case.settings.training, optimizer=optimizer, learning_rate=1e-5)
    case.settings = TrainSettings.of(case.settings, training=training)
    seconds, peak = _peak(lambda: case.step_seconds(3, steps, sizes.rounds))
    moved = 4 * case.weights * (3 + (2 + kept) + (1 + kept))
    return Row(
        f"training, U-Net of width {sizes.width}, {optimizer.kind}, batch {case.batch_size}",
        "steps",
        1,
        seconds,
        moved / statistics.median(seconds) / rate,
        "copy rate",
        peak,
        4e-9 * case.weights * (2 + kept),
        f"{moved / 1e9:.3g} GB must move",
    )


def _peak(run: Callable[[], list[float]]) -> tuple[list[float], float | None]:
    """What a run gives, and the most memory in use meanwhile, GB; none without a GPU."""
    if not torch.cuda.is_available():
        return run(), None
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    found = run()
    return found, torch.cuda.max_memory_allocated() / 1e9


def ensemble(sizes: Sizes) -> Iterator[Line]:
    """Eight narrow networks in one, whose step is bound by launches; without a compiler."""
    for width in sizes.widths:
        for way in ("eager", "graph"):
            yield lambda width=width, way=way: _ensemble(sizes, width, way)


def _ensemble(sizes: Sizes, width: int, way: str) -> Row:
    settings = paper_settings("rhm", 8, network={"width": width})
    row = _training(sizes, "rhm", settings, way, f"8 U-Nets of width {width}, {way}")
    row.amount, row.unit = 8, "replica steps"
    return row


def _training(
    sizes: Sizes, domain: str, settings: Optimised, way: str, name: str, steps: int | None = None
) -> Row:
    """Steps of training; their time counts from when whatever is compiled was."""
    case = GpuCase(domain, settings, way)
    case.build()
    steps = steps or sizes.steps
    found, peak = _peak(lambda: case.step_seconds(min(20, steps), steps, sizes.rounds))
    optimizer = getattr(settings.training, "optimizer", None)
    kept = 1 if isinstance(optimizer, Sgd) else 2
    reckoned = 4e-9 * case.weights * (2 + kept)
    of = {"peak_gb": peak, "reckoned_gb": reckoned}
    return Row(f"training, {name}", "steps", 1, found, note=case.note, **of)


def released(sizes: Sizes) -> Iterator[Line]:
    """The released code's own run, one network and several."""
    for replicas, way in ((4, "graph"), (1, "graph"), (4, "compiled graph"), (4, "eager")):
        yield lambda replicas=replicas, way=way: _released(sizes, replicas, way)


def _released(sizes: Sizes, replicas: int, way: str) -> Row:
    adam = {"kind": "adam", "beta1": 0.9, "beta2": 0.999}
    settings = paper_settings(
        "rhm",
        replicas,
        noise={
            "noise_levels": 200,
            "schedule": {"kind": "linear_beta", "first": 1e-3, "last": 0.1},
        },
        network={"width": sizes.released},
        training={"optimizer": adam, "learning_rate": 1e-4, "batch_size": 64}
        | {"learning_rate_unit": "one"},
        cell={"setting": {"v": 8, "m": 3, "s": 2, "L": 3}},
    )
    name = f"released run, {replicas} U-Net(s) of width {sizes.released}, batch 64, {way}"
    return _training(sizes, "rhm", settings, way, name)


def compiled(sizes: Sizes) -> Iterator[Line]:
    """What takes a compiler half a minute or more each; the last to be measured."""
    widths = (sizes.widths[0], *sizes.widths[-1:])
    for way in ("compiled graph", "reduce-overhead"):
        for width in dict.fromkeys(widths):
            yield lambda width=width, way=way: _ensemble(sizes, width, way)
    yield lambda: _large(sizes, "text", "compiled graph")
    yield lambda: _large(sizes, "image", "compiled graph")
    for width in sizes.widths[1:-1]:
        yield lambda width=width: _ensemble(sizes, width, "compiled graph")


def text(sizes: Sizes) -> Iterator[Line]:
    """MD4-S: training as a share of the rate of products, and some steps of its sampler."""
    yield lambda: _large(sizes, "text", "eager")
    yield lambda: _text_samples(sizes)


def image(sizes: Sizes) -> Iterator[Line]:
    """The U-Net of images: likewise."""
    yield lambda: _large(sizes, "image", "eager")
    yield lambda: _image_samples(sizes)


def _large_settings(sizes: Sizes, domain: str) -> Optimised:
    changes = dict({"text": sizes.text, "image": sizes.image}[domain])
    if sizes.batch is not None:
        changes["training"] = {"batch_size": sizes.batch}
    return paper_settings(domain, **changes)


def _large(sizes: Sizes, domain: str, way: str) -> Row:
    """Training in as many parts as it takes for a batch to fit, which is said."""
    settings = _large_settings(sizes, domain)
    for parts in (1, 2, 4) if way == "eager" else (1,):
        if settings.training.batch_size % parts:
            continue
        case = GpuCase(domain, settings, way, parts)
        try:
            return _large_in_parts(sizes, case, f"{domain}, {way}")
        except torch.OutOfMemoryError as error:
            failure = error
            del case
            torch.cuda.empty_cache()
    raise failure


def _large_in_parts(sizes: Sizes, case: GpuCase, name: str) -> Row:
    case.build()
    flops, steps = case.flops(), max(2, sizes.steps // 25)
    seconds, peak = _peak(lambda: case.step_seconds(min(3, steps), steps, sizes.rounds))
    weights = case.weights
    return Row(
        f"training, {name}, batch {case.batch_size} x {case.length()}",
        "steps",
        1,
        seconds,
        flops / statistics.median(seconds) / _product_rate(sizes.matrix),
        "bfloat16 rate",
        peak,
        16e-9 * weights,  # float32: weights, gradients, and two moments of AdamW
        f"{weights / 1e6:.0f} M weights, {flops / 1e12:.3g} TFLOP a step, in {case.parts} part(s); "
        f"activations are not reckoned, averages of weights not kept{case.note}",
    )


class _EnoughError(Exception):
    """Sampling was ended after the calls that were asked for."""


def _after(calls: int, denoiser: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A denoiser that ends sampling at a later call."""
    left = calls

    def limited(*arguments: Tensor) -> Tensor:
        nonlocal left
        if left == 0:
            raise _EnoughError
        left -= 1
        return denoiser(*arguments)

    return limited


def _sampling_case(sizes: Sizes, domain: str) -> GpuCase:
    case = GpuCase(domain, _large_settings(sizes, domain))
    case.build()
    case.network.to(choose_device()).eval()
    return case


def _text_samples(sizes: Sizes) -> Row:
    case = _sampling_case(sizes, "text")
    grid, d = cosine_grid(1000), case.length()

    def draw_strings(draw: Callable[[int], Tensor]) -> Tensor:
        denoiser = _after(sizes.calls, case.network.logits_at)
        with suppress(_EnoughError):
            sample_absorbing(denoiser, case.noise, draw, grid)
        return torch.zeros(1, 1, 1)

    def run() -> object:
        return generate(draw_strings, [0], case.batch_size, d, choose_device())

    with torch.inference_mode():
        seconds, peak = _peak(lambda: timed(run, sizes.rounds, 1))
    name = f"sampling text, {case.batch_size} x {d} tokens, of 1000 steps"
    note = f"the first {sizes.calls} steps, which reveal few tokens"
    return Row(name, "steps", sizes.calls, seconds, peak_gb=peak, note=note)


def _image_samples(sizes: Sizes) -> Row:
    case, steps = _sampling_case(sizes, "image"), max(2, sizes.calls)
    sampling = Sampling(samples=128, averages=[None], seed=0, steps=steps)
    draw_strings = image_sampler(sampling, case.settings, case.network)

    def run() -> object:
        return generate(draw_strings, [0], case.batch_size, case.length(), choose_device())

    with torch.inference_mode():
        seconds, peak = _peak(lambda: timed(run, sizes.rounds, 1))
    side = case.settings.size
    name = f"sampling images, {case.batch_size} of {side} x {side}, {steps} steps"
    return Row(name, "steps", steps, seconds, peak_gb=peak)


def grammars(sizes: Sizes) -> Iterator[Line]:
    """Samplers of strings, and the exact denoiser."""
    yield lambda: _uniform_strings(sizes)
    yield lambda: _absorbing_strings(sizes)
    yield lambda: _oracle(sizes)


def _strings_case(sizes: Sizes) -> GpuCase:
    case = GpuCase("rhm", paper_settings("rhm", network={"width": sizes.released}))
    case.build()
    case.network.to(choose_device()).eval()
    return case


def _uniform_strings(sizes: Sizes) -> Row:
    case, steps = _strings_case(sizes), min(200, 4 * sizes.steps)
    noise = UniformNoise(16, alpha_bar("linear_beta", 1000, first=1e-4, last=0.02), "d3pm")

    def run() -> object:
        def draw_strings(draw: Callable[[int], Tensor]) -> Tensor:
            return sample_uniform(case.network, noise, draw, steps)

        return generate(draw_strings, [0], sizes.strings, case.length(), choose_device())

    with torch.inference_mode():
        seconds, peak = _peak(lambda: timed(run, sizes.rounds, 1))
    name = f"sampling strings, uniform noise, {steps} steps, width {sizes.released}"
    return Row(name, "strings", sizes.strings, seconds, peak_gb=peak)


def _absorbing_strings(sizes: Sizes) -> Row:
    noise = {"process": "absorbing"}
    network = {"width": sizes.released, "noise_input": "none"}
    settings = paper_settings("rhm", noise=noise, network=network)
    case = GpuCase("rhm", settings)
    case.build()
    denoiser = at_positions(case.network.to(choose_device()).eval())
    of_masks = AbsorbingNoise(16, alpha_bar("linear_alpha_bar", 1000))

    def run() -> object:
        def draw_strings(draw: Callable[[int], Tensor]) -> Tensor:
            return sample_absorbing(denoiser, of_masks, draw)

        return generate(draw_strings, [0], sizes.strings, case.length(), choose_device())

    with torch.inference_mode():
        seconds, peak = _peak(lambda: timed(run, sizes.rounds, 1))
    name = f"sampling strings, absorbing noise, width {sizes.released}"
    return Row(name, "strings", sizes.strings, seconds, peak_gb=peak)


def _oracle(sizes: Sizes) -> Row:
    noise = UniformNoise(16, alpha_bar("linear_beta", 1000, first=1e-4, last=0.02))
    oracle, count = Oracle([sample_rules(16, 4, 2, 3, seed=0)], noise), 64 * sizes.strings
    device, random = choose_device(), np.random.default_rng(0)
    xt = torch.from_numpy(random.integers(0, 16, (1, count, 8))).to(device)
    t = torch.from_numpy(random.integers(1, 1001, (1, count))).to(device)
    with torch.inference_mode():
        seconds, peak = _peak(lambda: timed(lambda: oracle(xt, t), sizes.rounds, 1))
    name = f"belief propagation, v=16, m=4, s=2, L=3, {count} strings"
    return Row(name, "strings", count, seconds, peak_gb=peak, note="float64")


def narrow(sizes: Sizes) -> Iterator[Line]:
    """What launches bound, without a compiler."""
    yield from grammars(sizes)
    yield from ensemble(sizes)


def large(sizes: Sizes) -> Iterator[Line]:
    """What products bound."""
    yield from text(sizes)
    yield from image(sizes)


GROUPS: dict[str, Callable[[Sizes], Iterator[Line]]] = {
    "wide": wide,
    "released": released,
    "narrow": narrow,
    "large": large,
    "compiled": compiled,
}
"""Groups in the order in which they run, every one in a process: what may take long comes last."""
