"""Belief propagation: `pipeline.oracle` against plain numpy, side by side on the same strings.

    python benchmarks/belief_propagation.py [--strings 512] [--levels 1000] [--repeats 5]

Prints the time of either for all strings at all noise levels, and their ratio; both are checked to
agree. The plain version is the formulas as they stand, vectorised over strings and nodes.
"""

import argparse
import resource
import time
from collections.abc import Iterator
from itertools import islice

import numpy as np
import torch

from pipeline.grammar.rules import Grammar, sample_rules
from pipeline.noise.schedules import alpha_bar
from pipeline.noise.uniform import UniformNoise
from pipeline.oracle import Oracle

V, M, S, L = 16, 4, 2, 3
BATCH = 20


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


def corrupted_strings(strings: int, levels: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens [1, levels, strings, d] that are pure noise, and their levels."""
    generator = torch.Generator().manual_seed(0)
    xt = torch.randint(V, (1, levels, strings, S**L), generator=generator)
    t = torch.arange(1, levels + 1)[None, :, None].expand(1, levels, strings)
    return xt, t


class Contest:
    """Both implementations on the same strings, results handed out batch by batch."""

    def __init__(self, strings: int, levels: int) -> None:
        self.grammar = sample_rules(V, M, S, L, seed=0)
        self.noise = UniformNoise(V, alpha_bar("linear_alpha_bar", levels))
        self.oracle = Oracle([self.grammar], self.noise)
        self.xt, self.t = corrupted_strings(strings, levels)

    def exact(self) -> Iterator[list[np.ndarray]]:
        """Marginals by level of the tree, `BATCH` noise levels at a time."""
        for xt, t in zip(self.xt.split(BATCH, dim=1), self.t.split(BATCH, dim=1), strict=True):
            marginals = self.oracle.beliefs(xt.flatten(1, 2), t.flatten(1, 2)).marginals
            yield [level[0].numpy() for level in marginals]

    def plain(self) -> Iterator[list[np.ndarray]]:
        """The same, one noise level at a time: larger batches are slower."""
        for xt, t in zip(self.xt[0], self.t[0], strict=True):
            place = torch.arange(V), xt[..., None], t[:, None, None]
            yield plain_marginals(self.grammar, self.noise.likelihood(*place).numpy())

    def difference(self) -> float:
        """Largest difference of marginals in the first batch."""
        theirs = zip(*islice(self.plain(), BATCH), strict=True)
        pairs = zip(next(self.exact()), map(np.concatenate, theirs), strict=True)
        return max(float(np.abs(ours - plain).max()) for ours, plain in pairs)


def seconds(results: Iterator) -> float:
    """Wall time of all batches."""
    start = time.perf_counter()
    for _ in results:
        pass
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--strings", type=int, default=512)
    parser.add_argument("--levels", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    contest = Contest(args.strings, args.levels)
    print(f"largest difference of marginals {contest.difference():.0e}")
    times = [(seconds(contest.exact()), seconds(contest.plain())) for _ in range(args.repeats)]
    work = f"{args.strings} strings x {args.levels} levels"
    print(f"pipeline.oracle {min(fast for fast, _ in times):7.2f} s for {work}")
    print(f"plain numpy     {min(slow for _, slow in times):7.2f} s for {work}")
    ratios = sorted(slow / fast for fast, slow in times)
    print(f"ratio {ratios[len(ratios) // 2]:.1f}, from {ratios[0]:.1f} to {ratios[-1]:.1f}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{torch.get_num_threads()} threads, peak memory of both together {peak:.2f} GiB")


if __name__ == "__main__":
    main()
