"""The exact denoiser of the Random Hierarchy Model: belief propagation on the tree of a grammar.

Noise corrupts tokens independently and the clean string has a tree for its prior, so messages up
and down the tree give exact posteriors in time linear in the length of the string. For every node
with symbol a and children's symbols c_1..c_s, m rules c(a, j) each, equally likely:

    up(a)       = 1/m sum_j prod_k up_k(c_k(a, j))
    down_k(c)   ~ sum_{a, j: c_k(a, j) = c} down(a) prod_{k' != k} up_k'(c_k'(a, j))
    marginal(a) ~ up(a) down(a)

`up` is what the tokens below a node say of it, `down` what all others do. At a token, up is the
likelihood q(x_t | x_0 = a); at the root, down is the prior, 1/v. Messages are normalised node by
node; the normalisers of the upward pass multiply to the evidence p(x_t).

Arrays are laid out symbols first, [v, nodes, batch], so that a rule table picks whole rows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log

import numpy as np
import torch
from torch import Tensor

from pipeline.grammar.correlations import node_marginal
from pipeline.grammar.rules import Grammar
from pipeline.noise.base import Denoiser, DiscreteNoise
from pipeline.sampling.categorical import categorical

_CHUNKS = {"cpu": 512, "cuda": 65536}
"""Strings per pass by device: messages of a chunk stay in cache, or fill the GPU."""


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

Buffers = dict[tuple, Tensor]
"""Memory by name and shape, filled again by chunk after chunk: fresh pages cost more than sums."""


class _Tree:
    """Messages of a chunk of strings on the tree of one grammar.

    Attributes:
        up: upward messages of levels 0..L, [v, nodes, B], with unit sum over symbols.
        down: downward messages likewise.
    """

    def __init__(self, rules: Tensor, prior: Tensor, batch: int, buffers: Buffers) -> None:
        """Use rules int64 [L, v, m, s] and `buffers` that were, or will be, another chunk's.

        The root has the distribution `prior`, float64 [v].
        """
        self._rules, self._buffers, (L, v, m, s) = rules, buffers, rules.shape
        self._prior = prior[:, None, None]
        nodes = [s ** (L - level) for level in range(L + 1)]
        self.up = [self._buffer("up", v, n, batch) for n in nodes]
        self.down = [self._buffer("down", v, n, batch) for n in nodes]
        self._children = [
            [self._buffer(f"child {k}", v, m, n, batch) for k in range(s)] for n in nodes[1:]
        ]

    def pass_up(self, leaves: Tensor) -> Tensor:
        """Fill `up` from evidence on the tokens, [v, d, B]; return its log probability, [B]."""
        m, s = self._rules.shape[2:]
        evidence = _normalise(self.up[0].copy_(leaves))
        for rules, below, children, up in zip(
            self._rules, self.up[:-1], self._children, self.up[1:], strict=True
        ):
            for k in range(s):
                symbols, out = rules[..., k].flatten(), children[k].flatten(0, 1)
                torch.index_select(below[:, k::s], 0, symbols, out=out)
            torch.sum(self._product(children), dim=1, out=up)
            evidence += _normalise(up) - len(up[0]) * log(m)
        return evidence + (self.up[-1] * self._prior).sum(dim=(0, 1)).log()

    def pass_down(self) -> None:
        """Fill `down`, after `pass_up`."""
        self.down[-1].copy_(self._prior.expand_as(self.down[-1]))
        for level in reversed(range(len(self._rules))):
            s = self._rules.shape[3]
            children, parent = self._children[level], self.down[level + 1].unsqueeze(1)
            for k in range(s):
                others = self._product([*children[:k], *children[k + 1 :], parent])
                symbols = self._rules[level, ..., k].flatten()
                sums = torch.zeros_like(self.down[level + 1])
                self.down[level][:, k::s] = sums.index_add_(0, symbols, others.flatten(0, 1))
            _normalise(self.down[level])

    def draw(self, uniforms: Tensor) -> list[Tensor]:
        """Symbols of levels 0..L, each [nodes, B], drawn root first with uniforms [B, nodes]."""
        symbols = categorical((self.up[-1] * self._prior).permute(2, 1, 0), uniforms[:, :1])
        levels, used = [symbols.T], 1
        for rules, children in zip(reversed(self._rules), reversed(self._children), strict=True):
            weights = self._product(children).permute(3, 2, 0, 1)
            string, node = (torch.arange(size, device=symbols.device) for size in symbols.shape)
            of_symbol = weights[string[:, None], node, symbols]
            rule = categorical(of_symbol, uniforms[:, used : used + len(node)])
            used += len(node)
            symbols = rules[symbols, rule].flatten(1)
            levels.append(symbols.T)
        return levels[::-1]

    def _product(self, factors: Sequence[Tensor]) -> Tensor:
        """Product of children's messages at rules, [v, m, nodes, B]."""
        result = self._buffer("product", *factors[0].shape)
        torch.mul(factors[0], factors[1], out=result)
        for factor in factors[2:]:
            result *= factor
        return result

    def _buffer(self, name: str, *shape: int) -> Tensor:
        if (name, shape) not in self._buffers:
            fresh = torch.empty(shape, dtype=torch.float64, device=self._rules.device)
            self._buffers[name, shape] = fresh
        return self._buffers[name, shape]


def partial_oracle(grammars: Sequence[Grammar], noise: DiscreteNoise, level: int) -> Denoiser:
    """Best denoiser for one who knows the rules of levels 1..`level` only.

    They also know how frequent symbols are at each node of that level (at level 0, each token), but
    take these nodes for independent. The loss is the plateau at which a network stays that has
    learnt these levels and no other.
    """
    below, width = [Grammar(g.rules[:level]) for g in grammars], grammars[0].branching ** level
    nodes = range(grammars[0].length // width)
    marginals = [[node_marginal(grammar, level, node) for grammar in grammars] for node in nodes]
    oracles = [Oracle(below, noise, priors) for priors in marginals]

    def denoise(xt: Tensor, t: Tensor) -> Tensor:
        blocks = zip(oracles, xt.split(width, dim=-1), strict=True)
        return torch.cat([oracle(block, t) for oracle, block in blocks], dim=-2)

    return denoise


def _normalise(message: Tensor) -> Tensor:
    """Scale messages [v, nodes, B] to unit sum over symbols; return the log of all sums, [B]."""
    total = message.sum(dim=0)
    message /= total.clamp(min=torch.finfo(torch.float64).tiny)  # all zero stays zero
    return total.log().sum(dim=0)


class Oracle:
    """Exact posteriors over clean strings given corrupted ones; a denoiser like a network.

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
        self._noise = noise
        self._rules = [torch.from_numpy(grammar.rules) for grammar in grammars]
        uniform = [np.full(grammar.symbols, 1 / grammar.symbols) for grammar in grammars]
        self._priors = [torch.from_numpy(prior) for prior in priors or uniform]

    def __call__(self, xt: Tensor, t: Tensor) -> Tensor:
        """Logits of p(x_0 | x_t) [R, N, d, v] of tokens, from x_t [R, N, d] and levels t [R, N].

        Where no clean string can become x_t, as may happen while sampling reveals several masked
        tokens at once, all symbols are equally likely.
        """

        def logits(tree: _Tree, part: Part) -> list[Tensor]:
            tree.pass_up(self._likelihood(xt, t, part))
            tree.pass_down()
            joint = tree.up[0].mul_(tree.down[0])
            return [joint.add_(joint.sum(dim=0) == 0).log_()]

        return self._in_chunks(logits, xt)[0]

    def beliefs(self, xt: Tensor, t: Tensor) -> Beliefs:
        """Posterior marginals of tokens and of latent symbols, and the log evidence.

        Args:
            xt: corrupted tokens, int64 [R, N, d].
            t: levels, int64 [R, N].
        """

        def marginals(tree: _Tree, part: Part) -> list[Tensor]:
            log_evidence = tree.pass_up(self._likelihood(xt, t, part))
            tree.pass_down()
            joint = [up.mul_(down) for up, down in zip(tree.up, tree.down, strict=True)]
            return [log_evidence, *(part.div_(part.sum(dim=0)) for part in joint)]

        log_evidence, *levels = self._in_chunks(marginals, xt)
        return Beliefs(levels, log_evidence)

    def implied_latents(self, tokens: Tensor) -> list[Tensor]:
        """Latent marginals that token distributions imply if each is taken as separate evidence.

        One upward pass. What is exact for clean tokens is an approximation for uncertain ones, even
        for exact marginals: compare it with what it makes of those.

        Args:
            tokens: distributions over x_0, float64 [R, N, d, v].

        Returns:
            For each level 0..L, float64 [R, N, s**(L - level), v].
        """

        def upward(tree: _Tree, part: Part) -> list[Tensor]:
            tree.pass_up(tokens[part].permute(2, 1, 0))
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

        def draw(tree: _Tree, part: Part) -> list[Tensor]:
            tree.pass_up(self._likelihood(xt, t, part))
            return tree.draw(uniforms[part])

        return self._in_chunks(draw, xt)

    def _likelihood(self, xt: Tensor, t: Tensor, part: Part) -> Tensor:
        symbols = torch.arange(self._noise.symbols, device=xt.device)[:, None, None]
        return self._noise.likelihood(symbols, xt[part].T.contiguous(), t[part])

    def _in_chunks(
        self, infer: Callable[[_Tree, Part], list[Tensor]], like: Tensor
    ) -> list[Tensor]:
        """Put results of `infer`, each [..., B], together as tensors [R, N, ...] like `like`."""
        size, buffers, results = _CHUNKS[like.device.type], {}, []
        tables = zip(self._rules, self._priors, strict=True)
        for replica, of_grammar in enumerate(tables):
            rules, prior = (table.to(like.device) for table in of_grammar)
            for start in range(0, like.shape[1], size):
                part = replica, slice(start, min(start + size, like.shape[1]))
                found = infer(_Tree(rules, prior, part[1].stop - start, buffers), part)
                if not results:
                    results = [x.new_empty(len(like), *x.shape[:-1], like.shape[1]) for x in found]
                for result, x in zip(results, found, strict=True):
                    result[replica, ..., part[1]] = x
        return [x.permute(0, *reversed(range(1, x.dim()))) for x in results]
