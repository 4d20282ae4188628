"""Samplers of masked text: ours against the plain loop over ancestral steps.

The network has the shape of the demo's and random weights.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from benchmarks.contest import Contest, Side
from pipeline.networks.transformer import Transformer
from pipeline.noise.absorbing import ContinuousAbsorbingNoise
from pipeline.sampling.absorbing import cosine_grid, sample_absorbing

SYMBOLS, STEPS, SHAPE = 28, 1000, (1, 2, 64)


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


def ours(network: Transformer, noise: ContinuousAbsorbingNoise, shape: tuple) -> Tensor:
    """Only steps that reveal something ask the network, about the tokens that are revealed."""
    draws = torch.rand(2, *shape, dtype=torch.float64)
    return sample_absorbing(network.logits_at, noise, lambda purpose: draws[purpose])


def contests() -> Iterator[Contest]:
    """Lines of the table."""
    torch.set_num_threads(1)
    torch.inference_mode().__enter__()
    noise = ContinuousAbsorbingNoise(SYMBOLS)
    network = Transformer(0, SYMBOLS + 1, SYMBOLS, 3, 3, 96, 100.0, "open_gates").eval()
    yield Contest(
        f"sampling text of {SHAPE[2]} tokens",
        Side("first hitting", lambda: ours(network, noise, SHAPE)),
        Side(f"plain loop, {STEPS} steps", lambda: plain_loop(network, noise, SHAPE)),
        SHAPE[1],
        "texts",
        5.0,
        "exact, where the loop has steps in which several tokens are revealed",
    )
