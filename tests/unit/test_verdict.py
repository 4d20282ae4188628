"""Verdicts follow from intervals alone."""

from math import inf, nan

import pytest

from pipeline.claims.verdict import NOTHING, Evidence, verdict

SUPPORTED, CONTRADICTED, UNDECIDED = "supported", "contradicted", "undecided"


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.9, 1.1, SUPPORTED),
        (0.75, 1.25, SUPPORTED),  # the ends of the margin belong to it
        (1.1, 1.2, SUPPORTED),  # what counts is the margin, not the prediction
        (0.7, 1.1, UNDECIDED),
        (0.9, 1.3, UNDECIDED),
        (-9.0, 9.0, UNDECIDED),
        (0.5, 0.75, UNDECIDED),  # touches
        (0.5, 0.74, CONTRADICTED),
        (1.26, 1.5, CONTRADICTED),
    ],
)
def test_an_equality_is_decided_by_the_margin(low, high, expected):
    assert verdict("=", 1.0, Evidence(1.0, low, high, 4, 4), 0.25) == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (1.01, 1.1, SUPPORTED),
        (1.01, inf, SUPPORTED),
        (1.0, 1.1, UNDECIDED),  # equal is not greater
        (0.9, 1.0, UNDECIDED),
        (0.9, 0.99, CONTRADICTED),
        (0.0, 9.0, UNDECIDED),
    ],
)
def test_an_excess_is_decided_by_the_value_whatever_the_margin(low, high, expected):
    assert verdict(">", 1.0, Evidence(1.0, low, high, 4, 4), 0.25) == expected


@pytest.mark.parametrize("relation", ["=", ">"])
@pytest.mark.parametrize("bounds", [(nan, nan), (nan, 2.0), (2.0, nan)])
def test_without_an_interval_nothing_is_decided(relation, bounds):
    assert verdict(relation, 1.0, Evidence(1.0, *bounds, 1, 4), 0.25) == UNDECIDED
    assert verdict(relation, 1.0, NOTHING, 0.25) == UNDECIDED
