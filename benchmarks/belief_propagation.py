"""Belief propagation: `pipeline.rhm.oracle` against plain numpy, on the same corrupted strings.

The plain version is the formulas as they stand, vectorised over strings and nodes.
"""

from collections.abc import Iterator

import numpy as np
import torch

from benchmarks.contest import Contest, Side
from pipeline.noise.schedules import alpha_bar
from pipeline.noise.uniform import UniformNoise
from pipeline.rhm.grammar.rules import Grammar, sample_rules
from pipeline.rhm.oracle import Oracle

V, M, S, L = 16, 4, 2, 3
STRINGS, LEVELS = 512, 20
_NOTE = (
    "in float64 as the plain way; a dozen operations on arrays in cache share the time, of which "
    "copying marginals out has a quarter, the largest part"
)


def plain_marginals(grammar: Grammar, likelihood: np.ndarray) -> list[np.ndarray]:
    """Marginals of levels 0..L, [N, nodes, v], from q(x_t | x_0) [N, d, v]: the formulas, as is."""
    up, gathered = [likelihood], []
    for rules in grammar.rules:
        children = up[-1].reshape(len(likelihood), -1, S, V)
        gathered.append(children[:, :, np.arange(S), rules])
        message = gathered[-1].prod(axis=-1).mean(axis=-1)
        up.append(message / message.sum(axis=-1, keepdims=True))
    down = [np.full_like(up[-1], 1 / V)]
    for rules, factors in zip(grammar.rules[::-1], gathered[::-1], strict=True):
        below = np.zeros((*factors.shape[:2], S, V))
        for k in range(S):
            others = np.delete(factors, k, axis=-1).prod(axis=-1)
            weights = down[-1][..., None] * others
            np.add.at(below, np.s_[:, :, k, rules[:, :, k]], weights)
        below = below.reshape(len(likelihood), -1, V)
        down.append(below / below.sum(axis=-1, keepdims=True))
    joint = [one * other for one, other in zip(up, down[::-1], strict=True)]
    return [part / part.sum(axis=-1, keepdims=True) for part in joint]


class Case:
    """Pure noise at several levels, and two ways to what it says about the trees."""

    def __init__(self, strings: int = STRINGS, levels: int = LEVELS) -> None:
        self.grammar = sample_rules(V, M, S, L, seed=0)
        self.noise = UniformNoise(V, alpha_bar("linear_alpha_bar", 1000))
        self.oracle = Oracle([self.grammar], self.noise)
        generator = torch.Generator().manual_seed(0)
        self.xt = torch.randint(V, (levels, strings, S**L), generator=generator)
        self.t = torch.linspace(1, 1000, levels).long()[:, None].expand(-1, strings)

    def exact(self) -> list[np.ndarray]:
        """Marginals by level of the tree, [levels * strings, nodes, v], all at once."""
        marginals = self.oracle.beliefs(
            self.xt.reshape(1, -1, S**L), self.t.reshape(1, -1)
        ).marginals
        return [level[0].numpy() for level in marginals]

    def plain(self) -> list[np.ndarray]:
        """The same, one noise level at a time: larger batches are slower."""
        found = []
        for xt, t in zip(self.xt, self.t, strict=True):
            place = torch.arange(V), xt[..., None], t[:, None, None]
            found.append(plain_marginals(self.grammar, self.noise.likelihood(*place).numpy()))
        return [np.concatenate(parts) for parts in zip(*found, strict=True)]


def contests() -> Iterator[Contest]:
    """Lines of the table."""
    torch.set_num_threads(1)
    case = Case()
    yield Contest(
        f"belief propagation, v={V}, m={M}, s={S}, L={L}",
        Side("pipeline.rhm.oracle", case.exact),
        Side("plain numpy", case.plain),
        STRINGS * LEVELS,
        "strings",
        10.0,
        _NOTE,
    )
