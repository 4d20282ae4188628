"""The exact denoiser of the Random Hierarchy Model: belief propagation on the tree of a grammar.

`pipeline.rhm.belief_propagation` has the formulas.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
import torch
from torch import Tensor

from pipeline.noise.base import Denoiser, DiscreteNoise
from pipeline.rhm.belief_propagation import Tree, mirror
from pipeline.rhm.grammar.correlations import node_marginal
from pipeline.rhm.grammar.rules import Grammar

_CHUNKS = {"cpu": 2**16, "cuda": 2**23}
"""Numbers in a message to all tokens by device: those of a chunk stay in cache, or fill the GPU."""


@dataclass(frozen=True)
class Beliefs:
    """What corrupted strings x_t say about the trees behind them.

    Attributes:
        marginals: for each level 0..L, p(symbol of node | x_t), float64 [R, N, s**(L - level), v];
            level 0 are the tokens. NaN where no clean string can become x_t.
        log_evidence: ln p(x_t), nats, float64 [R, N]; -inf where no clean string can become x_t.
    """

    marginals: list[Tensor]
    log_evidence: Tensor


Part = tuple[int, slice]
"""A replica and a range of its strings."""


def partial_oracle(grammars: Sequence[Grammar], noise: DiscreteNoise, level: int) -> Denoiser:
    """Best denoiser for one who knows the rules of levels 1..`level` only.

    They also know how frequent symbols are at each node of that level (at level 0, each token), but
    take these nodes for independent. Their loss is the plateau of a network that has learnt these
    levels and no others.
    """
    below, width = [grammar.below(level) for grammar in grammars], grammars[0].branching ** level
    nodes = range(grammars[0].length // width)
    marginals = [[node_marginal(grammar, level, node) for grammar in grammars] for node in nodes]
    oracles = [Oracle(below, noise, priors) for priors in marginals]

    def denoise(xt: Tensor, t: Tensor) -> Tensor:
        blocks = zip(oracles, xt.split(width, dim=-1), strict=True)
        return torch.cat([oracle(block, t) for oracle, block in blocks], dim=-2)

    return denoise


def _fill(messages: Tensor, strings: Tensor, value: float) -> Tensor:
    """Messages [v, nodes, B] with a value in place of those of some strings, bool [B]."""
    return messages.masked_fill_(strings, value) if strings.any() else messages


class Oracle:
    """Exact beliefs about clean strings given corrupted ones; a denoiser like a network.

    As such it puts out what networks learn under the given noise: posteriors, or cavity marginals.
    Works on the device of what it is given, in float64, for any branching and depth.

    Args:
        grammars: one per replica.
        noise: the forward process.
        priors: distribution of each grammar's root, float64 [v]; uniform if not given.
    """

    def __init__(
        self,
        grammars: Sequence[Grammar],
        noise: DiscreteNoise,
        priors: Sequence[np.ndarray] | None = None,
    ) -> None:
        self._noise, self._branching = noise, grammars[0].branching
        self._rules = [torch.from_numpy(grammar.rules) for grammar in grammars]
        self._weights = [torch.from_numpy(grammar.weights) for grammar in grammars]
        uniform = [np.full(grammar.symbols, 1 / grammar.symbols) for grammar in grammars]
        self._priors = [torch.from_numpy(prior) for prior in priors or uniform]

    def __call__(self, xt: Tensor, t: Tensor) -> Tensor:
        """Logits of posteriors or cavities of tokens [R, N, d, v], of x_t and levels t [R, N].

        In posteriors all symbols are equally likely where no clean string can become x_t, as may
        happen while sampling reveals several masked tokens at once. Under noise whose mixture takes
        cavities, every string can become x_t.
        """
        if self._noise.predicts_cavities:
            return self.cavities(xt, t).log_()

        def logits(tree: Tree, part: Part) -> list[Tensor]:
            log_evidence = tree.pass_up(self._likelihood(xt, t, part))
            tokens = tree.pass_down()[0]
            return [_fill(tokens, log_evidence.isneginf(), 1).log_()]

        return self._in_chunks(logits, xt)[0]

    def cavities(self, xt: Tensor, t: Tensor) -> Tensor:
        """p(x_0,i | x_t without token i) of every token, float64 [R, N, d, v].

        Zero for all symbols where no clean string can become the other tokens.

        Args:
            xt: corrupted tokens, int64 [R, N, d].
            t: levels, int64 [R, N].
        """

        def cavities(tree: Tree, part: Part) -> list[Tensor]:
            tree.pass_up(self._likelihood(xt, t, part))
            return [tree.cavities()]

        return self._in_chunks(cavities, xt)[0]

    def beliefs(self, xt: Tensor, t: Tensor) -> Beliefs:
        """Posterior marginals of tokens and of latent symbols, and the log evidence.

        Args:
            xt: corrupted tokens, int64 [R, N, d].
            t: levels, int64 [R, N].
        """

        def marginals(tree: Tree, part: Part) -> list[Tensor]:
            log_evidence = tree.pass_up(self._likelihood(xt, t, part))
            impossible = log_evidence.isneginf()
            return [log_evidence[None], *(_fill(x, impossible, nan) for x in tree.pass_down())]

        log_evidence, *levels = self._in_chunks(marginals, xt)
        return Beliefs(levels, log_evidence.squeeze(-1))

    def implied_latents(self, tokens: Tensor) -> list[Tensor]:
        """Latent marginals that token distributions imply if each is taken as separate evidence.

        This takes one upward pass. It is exact for clean tokens and an approximation for uncertain
        ones, even if their marginals are exact: so compare with the result for exact marginals.

        Args:
            tokens: distributions over x_0, float64 [R, N, d, v].

        Returns:
            For each level 0..L, float64 [R, N, s**(L - level), v].
        """

        def upward(tree: Tree, part: Part) -> list[Tensor]:
            tree.pass_up(self._leaves(tokens[part].permute(2, 1, 0)))
            return tree.up

        return self._in_chunks(upward, tokens)

    def sample(self, xt: Tensor, t: Tensor, uniforms: Tensor) -> list[Tensor]:
        """Draw whole trees from the joint posterior p(tree | x_t).

        Args:
            xt: corrupted tokens, int64 [R, N, d]; each must be possible.
            t: levels, int64 [R, N].
            uniforms: float64 [R, N, 1 + (s**L - 1) / (s - 1)], for the root and every node's rule.

        Returns:
            For each level 0..L, the symbols of its nodes, int64 [R, N, s**(L - level)].
        """

        def draw(tree: Tree, part: Part) -> list[Tensor]:
            tree.pass_up(self._likelihood(xt, t, part))
            return tree.draw(uniforms[part])

        return self._in_chunks(draw, xt)

    def _likelihood(self, xt: Tensor, t: Tensor, part: Part) -> Tensor:
        symbols = torch.arange(self._noise.symbols, device=xt.device)[:, None, None]
        return self._noise.likelihood(symbols, self._leaves(xt[part].T), t[part])

    def _leaves(self, tokens: Tensor) -> Tensor:
        """From left to right, [..., d, B], to the order of a tree."""
        return mirror(tokens, self._branching).reshape(tokens.shape).contiguous()

    def _in_chunks(self, infer: Callable[[Tree, Part], list[Tensor]], like: Tensor) -> list[Tensor]:
        """Put results of `infer`, each [..., nodes, B], together as tensors [R, N, nodes, ...]."""
        size = max(1, _CHUNKS[like.device.type] // (self._noise.symbols * like.shape[2]))
        results: list[Tensor] = []
        tables = zip(self._rules, self._weights, self._priors, strict=True)
        for replica, of_grammar in enumerate(tables):
            tree = Tree(*(table.to(like.device) for table in of_grammar))
            for start in range(0, like.shape[1], size):
                part = replica, slice(start, start + size)
                found = infer(tree, part)
                if not results:
                    results = [x.new_empty(len(like), *x.shape[:-1], like.shape[1]) for x in found]
                for result, x in zip(results, found, strict=True):
                    place = mirror(result[replica, ..., part[1]], self._branching)
                    place.copy_(x.reshape(place.shape))
        return [x.permute(0, *reversed(range(1, x.dim()))) for x in results]
