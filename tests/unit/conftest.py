"""Fixtures: tiny grammars with all their strings; figures that a test drew have to be printable."""

from dataclasses import dataclass

import numpy as np
import pytest
from matplotlib import pyplot as plt

from pipeline.rhm.grammar.rules import Grammar, sample_rules
from tests import reference
from tests.unit.figure_checks import defects


@dataclass(frozen=True)
class Language:
    """A grammar and every string of it."""

    grammar: Grammar
    strings: np.ndarray


def language(v: int, m: int, s: int, L: int, seed: int) -> Language:
    grammar = sample_rules(v, m, s, L, seed)
    return Language(grammar, reference.all_strings(grammar))


@pytest.fixture(scope="session")
def small() -> Language:
    """24 strings of 4 tokens."""
    return language(v=3, m=2, s=2, L=2, seed=0)


@pytest.fixture(scope="session")
def deep() -> Language:
    """384 strings of 8 tokens."""
    return language(v=3, m=2, s=2, L=3, seed=1)


@pytest.fixture(scope="session")
def ternary() -> Language:
    """324 strings of 9 tokens, three children per node."""
    return language(v=4, m=3, s=3, L=2, seed=2)


@pytest.fixture(params=["small", "deep", "ternary"])
def any_language(request) -> Language:
    return request.getfixturevalue(request.param)


@pytest.fixture(autouse=True)
def printable_figures():
    yield
    found = {number: defects(plt.figure(number)) for number in plt.get_fignums()}
    plt.close("all")
    assert not any(found.values()), found
