"""Training strings of a grammar: distinct and held apart, against decoding drawn numbers."""

from collections.abc import Iterator

import torch
from torch import Tensor

from benchmarks.contest import Contest, Side
from benchmarks.curves import Curve, fastest
from pipeline.rhm.grammar.rules import Grammar, sample_rules
from pipeline.rhm.strings.splits import StringSource

V, M, S = 16, 4, 2
_STRINGS, _HELD_OUT = 2**17, 256
_GUARANTEES = "ours are distinct, nested and apart from held-out strings"


def contests() -> Iterator[Contest]:
    """Lines of the table."""
    torch.set_num_threads(1)
    for depth in (3, 5):
        yield _contest(depth)


def _contest(depth: int) -> Contest:
    grammar = sample_rules(V, M, S, depth, seed=0)
    source = _source(grammar)
    return Contest(
        f"{_STRINGS} strings, v={V}, m={M}, s={S}, L={depth}",
        Side("permutation, then derivation", lambda: source.training(0, _STRINGS)),
        Side("drawn numbers, digit by digit", lambda: plain_strings(grammar, _STRINGS)),
        _STRINGS,
        "strings",
        0.5,
        _GUARANTEES,
    )


def _source(grammar: Grammar) -> StringSource:
    return StringSource.of_seeds(grammar, 0, 0, _HELD_OUT, _HELD_OUT)


def plain_strings(grammar: Grammar, count: int) -> Tensor:
    """Strings without repetition if all of them can be listed, int64 [count, d]."""
    rules, choices = torch.from_numpy(grammar.rules), grammar.length - 1
    if grammar.string_count < 2**31:
        numbers = torch.randperm(grammar.string_count)[:count]
        return decode(rules, digits_of(numbers, grammar.synonyms, choices))
    roots = torch.randint(grammar.symbols, (count, 1))
    drawn = torch.randint(grammar.synonyms, (count, choices))
    return decode(rules, torch.cat([roots, drawn], dim=1))


def digits_of(numbers: Tensor, base: int, count: int) -> Tensor:
    """Root symbol, then choices of a rule, of each number, [N, 1 + count]."""
    digits = []
    for _ in range(count):
        digits.append(numbers % base)
        numbers = numbers // base
    return torch.stack([numbers, *reversed(digits)], dim=1)


def decode(rules: Tensor, digits: Tensor) -> Tensor:
    """Tokens from the root's symbol and the choice of a rule at every node, level by level."""
    symbols, used = digits[:, :1], 1
    for of_level in rules.flip(0):
        chosen = digits[:, used : used + symbols.shape[1]]
        used += symbols.shape[1]
        symbols = of_level[symbols, chosen].flatten(1)
    return symbols


def curves() -> Iterator[Curve]:
    """Time of a training set against its size."""
    source = _source(sample_rules(V, M, S, 5, seed=0))
    sizes = [2**k for k in (13, 15, 17, 19)]
    times = [fastest(lambda size=size: source.training(0, size)) for size in sizes]
    yield Curve("dataset generation, L=5", "strings", "seconds", sizes, times)
