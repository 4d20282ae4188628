"""Belief propagation on the trees of a grammar: messages up and down, for a chunk of strings.

Noise corrupts tokens independently and the clean string has a tree for its prior, so messages up
and down the tree give exact posteriors in time linear in the length of the string. For every node
with symbol a and children's symbols c_1..c_s, m rules c(a, j) each, of weights w(a, j), which are
their probabilities times m:

    up(a)         = 1/m sum_j w(a, j) prod_k up_k(c_k(a, j))
    p(a, j)       = p(a) w(a, j) prod_k up_k(c_k(a, j)) / sum_j' w(a, j') prod_k up_k(c_k(a, j'))
    p_k(c)        = sum_{a, j: c_k(a, j) = c} p(a, j)

Weights are 1 where rules are equally likely. To leave them out there saves no time.

`up` is what the tokens below a node say of it; at a token, the likelihood q(x_t | x_0 = a). Going
down, p is the posterior given all tokens. For the root it is up(a) times its prior, 1/v. The
posterior of a node is shared out among its rules, and those give the posteriors of its children.
Upward messages are normalised node by node; the normalisers multiply to the evidence p(x_t).

The cavity marginal of a token is what the other tokens alone say of it. It takes messages down that
leave the node's own message out:

    down_k(c)     = sum_{a, j: c_k(a, j) = c} down(a) w(a, j) prod_{i != k} up_i(c_i(a, j))

Arrays are laid out symbols first, [v, nodes, batch], the first children of all nodes before the
second ones, so that a rule table picks whole rows of memory.
"""

from collections.abc import Iterator
from math import log

import torch
from torch import Tensor

from pipeline.sampling.categorical import categorical

_TINY = torch.finfo(torch.float64).tiny
"""Least divisor: what has no probability stays 0, and does not become NaN."""


class Tree:
    """Messages of a chunk of strings on the tree of one grammar.

    Attributes:
        up: upward messages of levels 0..L, [v, nodes, B], with unit sum over symbols above tokens.
        products: of the children's messages at each rule, times the rule's weight, levels 1..L,
            [m, v, nodes, B].

    Args:
        rules: int64 [L, v, m, s].
        weights: of these rules, float64 [L, v, m].
        prior: distribution of the root, float64 [v].
    """

    def __init__(self, rules: Tensor, weights: Tensor, prior: Tensor) -> None:
        self._rules, self._prior = rules, prior[:, None, None]
        self._weights = weights.transpose(1, 2)
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
            sums = products.sum(dim=0)
            total = sums.sum(dim=0)
            self.up.append(sums / total.clamp(min=_TINY))
            self.products.append(products)
            self._sums.append(sums)
            # The logarithm is that of the 1/m of `up`, which the sums leave out, once a node.
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
            below = torch.zeros_like(self.up[level])
            rows = below.view(-1, posterior.shape[1])
            for of_child in self._rows[level]:
                rows.index_add_(0, of_child, posterior)
            marginals.insert(0, below)
        return marginals

    def cavities(self) -> Tensor:
        """What all other tokens say of every token, [v, d, B] with unit sum, after `pass_up`.

        Messages down carry the product over the siblings alone. All zero where these have no
        probability.
        """
        down = self._prior.expand(-1, 1, self.up[0].shape[2])
        for level in reversed(range(len(self._rows))):
            below = torch.zeros_like(self.up[level])
            for of_child, products in self._products_without_each_child(level, down):
                below.view(-1, products.shape[1]).index_add_(0, of_child, products)
            down = below / below.sum(dim=0).clamp(min=_TINY)
        return down

    def _products_without_each_child(
        self, level: int, down: Tensor
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """For each child its rows, and at each rule the parent's message times the siblings'."""
        s, synonyms = self._rules.shape[3], self._rules.shape[2]
        symbols, weights = self.up[level].view(len(down) * s, -1), self._weights[level]
        of_parent = down.flatten(1).repeat(synonyms, 1)
        of_parent *= weights.reshape(-1, 1)
        for child, of_child in enumerate(self._rows[level]):
            products = of_parent.clone()
            for sibling, of_sibling in enumerate(self._rows[level]):
                if sibling != child:
                    products *= symbols[of_sibling]
            yield of_child, products

    def draw(self, uniforms: Tensor) -> list[Tensor]:
        """Symbols of levels 0..L, each [nodes, B], drawn root first.

        Uniforms [B, nodes] are for the root and for nodes of levels L..1, each from left to right.
        """
        symbols = categorical((self.up[-1] * self._prior).permute(2, 1, 0), uniforms[:, :1])
        levels, used, s = [symbols.T], 1, self._rules.shape[3]
        for rules, products in zip(reversed(self._rules), reversed(self.products), strict=True):
            string, node = (torch.arange(size, device=symbols.device) for size in symbols.shape)
            of_symbol = products.permute(3, 2, 1, 0)[string[:, None], node, symbols]
            draws = mirror(uniforms[:, used : used + len(node)].T, s).reshape(len(node), -1).T
            rule = categorical(of_symbol, draws)
            used += len(node)
            symbols = rules[symbols, rule].transpose(1, 2).flatten(1)
            levels.append(symbols.T)
        return levels[::-1]

    def _multiply(self, level: int, rows: list[Tensor]) -> Tensor:
        """Products of children's messages at the rules of a level, weighted, [m, v, nodes, B]."""
        (v, m, s), weights = self._rules.shape[1:], self._weights[level]
        below = self.up[level].view(v * s, -1)
        first, *others = rows
        products = below[first]
        for other in others:
            products *= below[other]
        products = products.view(m, v, -1, self.up[level].shape[2])
        return products.mul_(weights[..., None, None])


def mirror(messages: Tensor, branching: int) -> Tensor:
    """Reverse the paths to nodes: from the order of a `Tree` to that from left to right, or back.

    A view: [..., nodes, B] to [..., s, ..., s, B], one s per step of the path.
    """
    depth, first = round(log(messages.shape[-2], branching)), messages.dim() - 2
    paths = messages.unflatten(-2, (1, *[branching] * depth))
    return paths.permute(*range(first + 1), *range(first + depth, first, -1), -1)
