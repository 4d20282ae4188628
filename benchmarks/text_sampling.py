"""Samplers of masked text side by side: the plain loop over ancestral steps, and ours.

    python benchmarks/text_sampling.py [--samples 16] [--context 64]

Prints the time of each, and the plain loop's time over it, with a network of the demo's shape and
random weights, one thread; and the peak memory of the process.
"""

import argparse
import resource
import time
from collections.abc import Callable

import torch
from torch import Tensor

from pipeline.networks.transformer import Transformer
from pipeline.noise.absorbing import ContinuousAbsorbingNoise
from pipeline.sampling.absorbing import cosine_grid, sample_absorbing

SYMBOLS, STEPS = 28, 1000


def plain_loop(network: Transformer, noise: ContinuousAbsorbingNoise, shape: tuple) -> Tensor:
    """Every step asks the network about every token, as public code does."""
    tokens, grid = torch.full(shape, noise.mask), cosine_grid(STEPS).flip(0)
    for later, earlier in zip(grid[:-1], grid[1:], strict=True):
        logits = network(tokens, later.expand(shape[:2]))
        drawn = torch.distributions.Categorical(logits=logits.double()).sample()
        kept = noise.kept(torch.stack([later, earlier]))
        now = torch.rand(shape) < (kept[1] - kept[0]) / (1 - kept[0])
        tokens = torch.where((tokens == noise.mask) & now, drawn, tokens)
    return tokens


def ours(
    network: Transformer, noise: ContinuousAbsorbingNoise, shape: tuple, grid: Tensor | None
) -> Tensor:
    """Only steps that reveal something ask the network, about the tokens that are revealed."""
    draws = torch.rand(2, *shape, dtype=torch.float64)
    return sample_absorbing(network.logits_at, noise, lambda purpose: draws[purpose], grid)


def seconds(run: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def main() -> None:
    """Time the samplers one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=16)
    parser.add_argument("--context", type=int, default=64)
    args = parser.parse_args()
    torch.set_num_threads(1)
    noise, shape = ContinuousAbsorbingNoise(SYMBOLS), (1, args.samples, args.context)
    network = Transformer(0, SYMBOLS + 1, SYMBOLS, 3, 3, 96, 100.0, 1.0).eval()
    grid = cosine_grid(STEPS)
    with torch.inference_mode():
        times = {
            f"plain loop, {STEPS} steps": seconds(lambda: plain_loop(network, noise, shape)),
            f"{STEPS} steps, empty ones skipped": seconds(
                lambda: ours(network, noise, shape, grid)
            ),
            "first hitting (exact)": seconds(lambda: ours(network, noise, shape, None)),
        }
    slowest = max(times.values())
    for name, spent in times.items():
        print(f"{name:32} {spent:8.2f} s {slowest / spent:6.1f} x")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000:.0f} MB")


if __name__ == "__main__":
    main()
