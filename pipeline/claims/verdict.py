"""What the evidence says of a claim: the one rule by which verdicts come about."""

from math import isnan
from typing import NamedTuple

VERDICTS = ("supported", "contradicted", "undecided")


class Evidence(NamedTuple):
    """An estimate with its 95 % bounds, and the numbers of grammars and replicas behind it."""

    estimate: float
    low: float
    high: float
    grammars: int
    replicas: int


NOTHING = Evidence(*[float("nan")] * 3, 0, 0)
"""Evidence of an experiment that was not run, or that does not determine the quantity."""


def verdict(relation: str, prediction: float, evidence: Evidence, margin: float) -> str:
    """One of `VERDICTS`.

    Args:
        relation: `=` for a quantity that is to equal the prediction, `>` for one that is to exceed
            it.
        prediction: what the quantity is compared with.
        evidence: bounds that are NaN leave the claim undecided.
        margin: how far from the prediction still counts as equal.
    """
    low, high = evidence.low, evidence.high
    if isnan(low) or isnan(high):
        return "undecided"
    least = prediction if relation == ">" else prediction - margin
    most = float("inf") if relation == ">" else prediction + margin
    if high < least or low > most:
        return "contradicted"
    inside = low > least if relation == ">" else least <= low and high <= most
    return "supported" if inside else "undecided"
