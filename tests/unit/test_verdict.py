"""Verdicts follow from intervals, from what settings say alone, and from objections."""

from math import inf, nan

import pytest

from pipeline.claims.verdict import (
    CONTRADICTED,
    HETEROGENEOUS,
    NOT_RUN,
    SUPPORTED,
    UNDECIDED,
    Evidence,
    Verdict,
    in_each,
    verdict,
    with_settings,
)


def said(relation, *bounds, agreeing=1, **more):
    return verdict(relation, 1.0, Evidence(1.0, bounds, 4, 4, **more), 0.25, agreeing)


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
    assert said("=", (low, high)) == (expected, "")


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
    assert said(">", (low, high)) == (expected, "")
    assert said("<", (2 - high, 2 - low)) == (expected, "")


@pytest.mark.parametrize("relation", ["=", ">", "<"])
@pytest.mark.parametrize("bounds", [(nan, nan), (nan, 2.0), (2.0, nan)])
def test_without_an_interval_nothing_is_decided(relation, bounds):
    assert said(relation, bounds).word == UNDECIDED
    assert verdict(relation, 1.0, Evidence(nan, [], 1, 4, "why"), 0.25, 1) == (UNDECIDED, "why")


def test_without_evidence_nothing_was_run():
    assert verdict("=", 1.0, None, 0.25, 1) == (NOT_RUN, "")


def test_a_verdict_that_hangs_on_the_seed_is_none():
    good, doubtful = (0.9, 1.2499), (0.9, 1.2501)
    assert said("=", *[good] * 19, doubtful, agreeing=19).word == SUPPORTED
    found = said("=", *[good] * 18, *[doubtful] * 2, agreeing=19)
    assert found == (UNDECIDED, "supported under 18 of 20 seeds only")
    assert said("=", *[doubtful] * 20, agreeing=19).word == UNDECIDED
    assert said("=", good, agreeing=19).word == SUPPORTED  # an interval without a seed


def test_an_objection_keeps_a_claim_from_being_supported_only():
    assert said("=", (0.9, 1.1), objection="but") == (UNDECIDED, "but")
    assert said("=", (2.0, 3.0), objection="but") == (CONTRADICTED, "but")


FOR, AGAINST, OPEN = Verdict(SUPPORTED), Verdict(CONTRADICTED), Verdict(UNDECIDED, "few")


@pytest.mark.parametrize("pooled", [FOR, OPEN])
def test_pooling_does_not_hide_a_setting_that_contradicts(pooled):
    settings = [("one", FOR), ("other", AGAINST)]
    reason = "contradicted by other; supported by one"
    assert with_settings(pooled, settings) == (HETEROGENEOUS, reason)
    assert with_settings(pooled, settings[:1]) == pooled


@pytest.mark.parametrize(
    ("pooled", "settings", "expected"),
    [
        (AGAINST, [FOR], (HETEROGENEOUS, "contradicted by all together; supported by one")),
        (FOR, [AGAINST], (HETEROGENEOUS, "contradicted by one; supported by all together")),
        (AGAINST, [AGAINST], AGAINST),
        (AGAINST, [OPEN], AGAINST),
        (OPEN, [AGAINST], OPEN),
    ],
)
def test_settings_and_all_together_must_not_be_on_different_sides(pooled, settings, expected):
    assert with_settings(pooled, [("one", single) for single in settings]) == expected


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ([], (NOT_RUN, "")),
        ([FOR, FOR], (SUPPORTED, "")),
        ([AGAINST, AGAINST], (CONTRADICTED, "")),
        ([OPEN, OPEN], (UNDECIDED, "few")),
        ([OPEN, Verdict(UNDECIDED)], (UNDECIDED, "not supported by a and b")),
        ([FOR, OPEN], (UNDECIDED, "not supported by b")),
        ([FOR, AGAINST], (HETEROGENEOUS, "contradicted by b; supported by a")),
        ([OPEN, AGAINST], (CONTRADICTED, "by b")),
    ],
)
def test_what_is_claimed_of_each_setting_takes_all_of_them(settings, expected):
    assert in_each(list(zip("abc", settings, strict=False))) == expected
