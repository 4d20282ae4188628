"""Slow, independent implementations that the tests compare the pipeline with."""

from itertools import product

import numpy as np
import torch
from torch import Tensor

from pipeline.rhm.grammar.rules import Grammar


def subtree_strings(grammar: Grammar, level: int, symbol: int) -> list[tuple[int, ...]]:
    """All token strings of a level-`level` symbol, by recursion over its rules."""
    if level == 0:
        return [(symbol,)]
    strings = []
    for rule in grammar.rules[level - 1, symbol]:
        parts = [subtree_strings(grammar, level - 1, int(child)) for child in rule]
        strings += [sum(choice, ()) for choice in product(*parts)]
    return strings


def all_strings(grammar: Grammar) -> np.ndarray:
    """Every string of a grammar, [P_max, d]."""
    roots = range(grammar.symbols)
    strings = [subtree_strings(grammar, grammar.depth, root) for root in roots]
    return np.array(sum(strings, []))


def derivations(grammar: Grammar, level: int, symbol: int) -> list[tuple[tuple, tuple, float]]:
    """All trees below a symbol: symbols of every level, rules of every level, probability."""
    if level == 0:
        return [(((symbol,),), (), 1.0)]
    found = []
    for rule, children in enumerate(grammar.rules[level - 1, symbol]):
        probability = grammar.probabilities[level - 1, symbol, rule]
        parts = [derivations(grammar, level - 1, int(child)) for child in children]
        for choice in product(*parts) if probability > 0 else ():
            symbols, used = (
                tuple(sum(parts, ()) for parts in zip(*levels, strict=True))
                for levels in list(zip(*choice, strict=True))[:2]
            )
            whole = probability * np.prod([part[2] for part in choice])
            found.append(((*symbols, (symbol,)), (*used, (rule,)), float(whole)))
    return found


def weighted_trees(grammar: Grammar) -> tuple[list[np.ndarray], list[np.ndarray], np.ndarray]:
    """Trees of all strings: symbols of levels 0..L and rules of 1..L, [n, nodes]; probabilities."""
    roots = range(grammar.symbols)
    found = sum((derivations(grammar, grammar.depth, root) for root in roots), [])
    symbols, rules, probabilities = zip(*found, strict=True)
    levels = [list(map(np.array, zip(*trees, strict=True))) for trees in (symbols, rules)]
    return *levels, np.array(probabilities) / grammar.symbols


def roots(grammar: Grammar, level: int, tokens: tuple[int, ...]) -> set[int]:
    """Level-`level` symbols that derive `tokens`: membership by recursion, rule by rule."""
    if level == 0:
        return {tokens[0]} & set(range(grammar.symbols))
    size = len(tokens) // grammar.branching
    parts = [tokens[start : start + size] for start in range(0, len(tokens), size)]
    below = [roots(grammar, level - 1, part) for part in parts]
    return {
        symbol
        for symbol in range(grammar.symbols)
        for rule in grammar.rules[level - 1, symbol]
        if all(child in found for child, found in zip(rule.tolist(), below, strict=True))
    }


def excess(strings: np.ndarray, symbols: int, first: int, second: int) -> np.ndarray:
    """Covariance of one-hot tokens at two positions over equally likely strings, [v, v]."""
    a, b = (np.eye(symbols)[strings[:, position]] for position in (first, second))
    return a.T @ b / len(strings) - np.outer(a.mean(axis=0), b.mean(axis=0))


def every_string(symbols: int, length: int) -> np.ndarray:
    """All symbols**length strings, [.., length]."""
    return np.array(list(product(range(symbols), repeat=length)))


class BayesDenoiser:
    """Exact log p(x_0 | x_t) of each token, by enumeration of equally likely clean strings.

    Args:
        strings: all clean strings [n, d].
        symbols: number of symbols of the clean tokens, v.
        likelihood: `likelihood[t, a, b]` is q(x_t = b | x_0 = a).
    """

    def __init__(self, strings: np.ndarray, symbols: int, likelihood: np.ndarray) -> None:
        self._strings, self._symbols = torch.from_numpy(strings), symbols
        self._log_likelihood = torch.from_numpy(likelihood).log()
        self.calls = 0

    def __call__(self, xt: Tensor, t: Tensor) -> Tensor:
        self.calls += 1
        one_hot = torch.nn.functional.one_hot(self._strings, self._symbols).double()
        terms = self._log_likelihood[t[..., None, None], self._strings, xt.unsqueeze(-2)]
        posterior = torch.softmax(terms.sum(dim=-1), dim=-1)
        posterior = posterior.nan_to_num(1 / len(self._strings))  # no string could become x_t
        return torch.einsum("...n,nda->...da", posterior, one_hot).log()


def uniform_steps(symbols: int, alpha_bar: np.ndarray) -> np.ndarray:
    """Transition matrices Q_t of uniform noise, t = 1..T, [T, v, v] (row: from)."""
    keep = (alpha_bar[1:] / alpha_bar[:-1])[:, None, None]
    return keep * np.eye(symbols) + (1 - keep) * np.full((symbols, symbols), 1 / symbols)


def absorbing_steps(symbols: int, alpha_bar: np.ndarray) -> np.ndarray:
    """Transition matrices Q_t of absorbing noise over v symbols and the mask, [T, v+1, v+1]."""
    keep = (alpha_bar[1:] / alpha_bar[:-1])[:, None, None]
    to_mask = np.zeros((symbols + 1, symbols + 1))
    to_mask[:, symbols] = 1
    return keep * np.eye(symbols + 1) + (1 - keep) * to_mask


def cumulative(steps: np.ndarray) -> np.ndarray:
    """Products Q_1 ... Q_t for t = 0..T, [T + 1, v, v]."""
    products = [np.eye(steps.shape[1])]
    for step in steps:
        products.append(products[-1] @ step)
    return np.stack(products)


def between(steps: np.ndarray, low: int, high: int) -> np.ndarray:
    """Product Q_{low+1} ... Q_high, [v, v]."""
    return cumulative(steps[low:high])[-1]


def posterior(steps: np.ndarray, low: int, high: int) -> np.ndarray:
    """q(x_low | x_high, x_0) by Bayes' rule, [x_0, x_high, x_low]; NaN for impossible pairs."""
    joint = cumulative(steps)[low][:, None, :] * between(steps, low, high).T[None]
    with np.errstate(invalid="ignore"):
        return joint / joint.sum(axis=2, keepdims=True)
