"""The exact denoiser of the Random Hierarchy Model: belief propagation on the tree of a grammar.

Noise corrupts tokens independently and the clean string has a tree for its prior, so messages up
and down the tree give exact posteriors in time linear in the length of the string. For every node
with symbol a and children's symbols c_1..c_s, m rules c(a, j) each, equally likely:

    up(a)         = 1/m sum_j prod_k up_k(c_k(a, j))
    p(a, j)       = p(a) prod_k up_k(c_k(a, j)) / sum_j' prod_k up_k(c_k(a, j'))
    p_k(c)        = sum_{a, j: c_k(a, j) = c} p(a, j)

`up` is what the tokens below a node say of it; at a token, the likelihood q(x_t | x_0 = a). Going
down, p is the posterior given all tokens: of the root, up(a) times its prior, 1/v; of the rule of a
node, and so of its children, that of the node shared out among its rules. Upward messages are
normalised node by node; the normalisers multiply to the evidence p(x_t).

Arrays are laid out symbols first, [v, nodes, batch], the first children of all nodes before the
second ones, so that a rule table picks whole rows of memory.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log, nan

import numpy as np
import torch
from torch import Tensor

from pipeline.grammar.correlations import node_marginal
from pipeline.grammar.rules import Grammar
from pipeline.noise.base import Denoiser, DiscreteNoise
from pipeline.sampling.categorical import categorical

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


_TINY = torch.finfo(torch.float64).tiny

Part = tuple[int, slice]
"""A replica and a range of its strings."""

Buffers = dict[tuple, Tensor]
"""Memory by name and shape, filled again by chunk after chunk: fresh pages cost more than sums."""


class _Tree:
    """Messages of a chunk of strings on the tree of one grammar.

    Attributes:
        up: upward messages of levels 0..L, [v, nodes, B], with unit sum over symbols above tokens.
        products: of the children's messages at each rule, levels 1..L, [m, v, nodes, B].
    """

    def __init__(self, rules: Tensor, prior: Tensor, buffers: Buffers) -> None:
        """Use rules int64 [L, v, m, s] and `buffers` that were, or will be, another chunk's.

        The root has the distribution `prior`, float64 [v].
        """
        self._rules, self._prior, self._buffers = rules, prior[:, None, None], buffers
        children = torch.arange(rules.shape[3], device=rules.device)
        rows = rules.permute(0, 3, 2, 1) * len(children) + children[:, None, None]
        self._rows = [list(of_level.flatten(1)) for of_level in rows]
        self.up: list[Tensor] = []
        self.products: list[Tensor] = []

    def pass_up(self, leaves: Tensor) -> Tensor:
        """Fill `up` from evidence on the tokens, [v, d, B]; return its log probability, [B]."""
        self.up, self.products, self._sums = [leaves], [], []
        evidence = leaves.new_zeros(leaves.shape[2])
        for level, rows in enumerate(self._rows):
            products = self._multiply(level, rows)
            room = self._buffer(("sums", level), *products.shape[1:])
            sums = torch.sum(products, dim=0, out=room)
            total = sums.sum(dim=0)
            up = self._buffer(("up", level), *sums.shape)
            self.up.append(torch.div(sums, total.clamp(min=_TINY), out=up))
            self.products.append(products)
            self._sums.append(sums)
            evidence += total.log().sum(dim=0) - len(total) * log(self._rules.shape[2])
        return evidence + (self.up[-1] * self._prior).sum(dim=(0, 1)).log()

    def pass_down(self) -> list[Tensor]:
        """Posterior marginals of levels 0..L, [v, nodes, B], after `pass_up`; uses up `products`.

        All zero where the evidence has no probability.
        """
        root = self.up[-1] * self._prior
        marginals = [root / root.sum(dim=0).clamp(min=_TINY)]
        for level in reversed(range(len(self._rows))):
            shares = marginals[0] / self._sums[level].clamp_(min=_TINY)
            posterior = self.products[level].mul_(shares).flatten(0, 1).flatten(1)
            below = self._buffer(("marginals", level), *self.up[level].shape).zero_()
            rows = below.view(-1, posterior.shape[1])
            for of_child in self._rows[level]:
                rows.index_add_(0, of_child, posterior)
            marginals.insert(0, below)
        return marginals

    def draw(self, uniforms: Tensor) -> list[Tensor]:
        """Symbols of levels 0..L, each [nodes, B], drawn root first.

        Uniforms [B, nodes] are for the root and for nodes of levels L..1, each from left to right.
        """
        symbols = categorical((self.up[-1] * self._prior).permute(2, 1, 0), uniforms[:, :1])
        levels, used, s = [symbols.T], 1, self._rules.shape[3]
        for rules, products in zip(reversed(self._rules), reversed(self.products), strict=True):
            string, node = (torch.arange(size, device=symbols.device) for size in symbols.shape)
            of_symbol = products.permute(3, 2, 1, 0)[string[:, None], node, symbols]
            draws = _mirror(uniforms[:, used : used + len(node)].T, s).reshape(len(node), -1).T
            rule = categorical(of_symbol, draws)
            used += len(node)
            symbols = rules[symbols, rule].transpose(1, 2).flatten(1)
            levels.append(symbols.T)
        return levels[::-1]

    def _multiply(self, level: int, rows: list[Tensor]) -> Tensor:
        """Products of children's messages at the rules of a level, [m, v, nodes, B]."""
        v, m, s = self._rules.shape[1:]
        below = self.up[level].view(v * s, -1)
        shape = m * v, below.shape[1]
        first, *others = rows
        room = self._buffer(("products", level), *shape)
        products = torch.index_select(below, 0, first, out=room)
        for other in others:
            factor = self._buffer(("factor", level), *shape)
            products *= torch.index_select(below, 0, other, out=factor)
        return products.view(m, v, -1, self.up[level].shape[2])

    def _buffer(self, name: tuple[str, int], *shape: int) -> Tensor:
        if (name, shape) not in self._buffers:
            fresh = torch.empty(shape, dtype=torch.float64, device=self._prior.device)
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


def _mirror(messages: Tensor, branching: int) -> Tensor:
    """Reverse the paths to nodes: from their own order to that from left to right, or back.

    A view: [..., nodes, B] to [..., s, ..., s, B], one s per step of the path.
    """
    depth, first = round(log(messages.shape[-2], branching)), messages.dim() - 2
    paths = messages.unflatten(-2, (1, *[branching] * depth))
    return paths.permute(*range(first + 1), *range(first + depth, first, -1), -1)


def _fill(messages: Tensor, strings: Tensor, value: float) -> Tensor:
    """Messages [v, nodes, B] with a value in place of those of some strings, bool [B]."""
    return messages.masked_fill_(strings, value) if strings.any() else messages


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
        self._noise, self._branching = noise, grammars[0].branching
        self._rules = [torch.from_numpy(grammar.rules) for grammar in grammars]
        uniform = [np.full(grammar.symbols, 1 / grammar.symbols) for grammar in grammars]
        self._priors = [torch.from_numpy(prior) for prior in priors or uniform]

    def __call__(self, xt: Tensor, t: Tensor) -> Tensor:
        """Logits of p(x_0 | x_t) [R, N, d, v] of tokens, from x_t [R, N, d] and levels t [R, N].

        Where no clean string can become x_t, as may happen while sampling reveals several masked
        tokens at once, all symbols are equally likely.
        """

        def logits(tree: _Tree, part: Part) -> list[Tensor]:
            log_evidence = tree.pass_up(self._likelihood(xt, t, part))
            tokens = tree.pass_down()[0]
            return [_fill(tokens, log_evidence.isneginf(), 1).log_()]

        return self._in_chunks(logits, xt)[0]

    def beliefs(self, xt: Tensor, t: Tensor) -> Beliefs:
        """Posterior marginals of tokens and of latent symbols, and the log evidence.

        Args:
            xt: corrupted tokens, int64 [R, N, d].
            t: levels, int64 [R, N].
        """

        def marginals(tree: _Tree, part: Part) -> list[Tensor]:
            log_evidence = tree.pass_up(self._likelihood(xt, t, part))
            impossible = log_evidence.isneginf()
            return [log_evidence[None], *(_fill(x, impossible, nan) for x in tree.pass_down())]

        log_evidence, *levels = self._in_chunks(marginals, xt)
        return Beliefs(levels, log_evidence.squeeze(-1))

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

        def draw(tree: _Tree, part: Part) -> list[Tensor]:
            tree.pass_up(self._likelihood(xt, t, part))
            return tree.draw(uniforms[part])

        return self._in_chunks(draw, xt)

    def _likelihood(self, xt: Tensor, t: Tensor, part: Part) -> Tensor:
        symbols = torch.arange(self._noise.symbols, device=xt.device)[:, None, None]
        return self._noise.likelihood(symbols, self._leaves(xt[part].T), t[part])

    def _leaves(self, tokens: Tensor) -> Tensor:
        """From left to right, [..., d, B], to the order of a tree."""
        return _mirror(tokens, self._branching).reshape(tokens.shape).contiguous()

    def _in_chunks(
        self, infer: Callable[[_Tree, Part], list[Tensor]], like: Tensor
    ) -> list[Tensor]:
        """Put results of `infer`, each [..., nodes, B], together as tensors [R, N, nodes, ...]."""
        size = max(1, _CHUNKS[like.device.type] // (self._noise.symbols * like.shape[2]))
        buffers, results = {}, []
        tables = zip(self._rules, self._priors, strict=True)
        for replica, of_grammar in enumerate(tables):
            rules, prior = (table.to(like.device) for table in of_grammar)
            tree = _Tree(rules, prior, buffers)
            for start in range(0, like.shape[1], size):
                part = replica, slice(start, start + size)
                found = infer(tree, part)
                if not results:
                    results = [x.new_empty(len(like), *x.shape[:-1], like.shape[1]) for x in found]
                for result, x in zip(results, found, strict=True):
                    place = _mirror(result[replica, ..., part[1]], self._branching)
                    place.copy_(x.reshape(place.shape))
        return [x.permute(0, *reversed(range(1, x.dim()))) for x in results]
