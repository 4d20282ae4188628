"""What the evidence says of a claim: the one rule by which verdicts come about."""

from collections import Counter
from collections.abc import Sequence
from math import isnan
from typing import NamedTuple

SUPPORTED, CONTRADICTED, HETEROGENEOUS = "supported", "contradicted", "heterogeneous"
UNDECIDED, NOT_RUN = "undecided", "not run"
VERDICTS = (SUPPORTED, CONTRADICTED, HETEROGENEOUS, UNDECIDED, NOT_RUN)


class Evidence(NamedTuple):
    """An estimate, its interval, and what it rests on.

    Attributes:
        estimate: of the quantity; NaN if the data do not determine it.
        bounds: 95 % bounds, low and high, under each seed of the bootstrap; a single pair if the
            interval has no seed.
        grammars: number of grammars behind it; 0 for text and images.
        replicas: number of replicas, or networks, behind it.
        objection: why the claim is not supported whatever the interval; empty if there is nothing.
    """

    estimate: float
    bounds: Sequence[tuple[float, float]]
    grammars: int
    replicas: int
    objection: str = ""


class Verdict(NamedTuple):
    """One of `VERDICTS`, and the reason, where it does not follow from the interval."""

    word: str
    reason: str = ""


def verdict(
    relation: str, prediction: float, evidence: Evidence | None, margin: float, agreeing: int
) -> Verdict:
    """What the evidence says.

    Args:
        relation: `=` for a quantity that is to equal the prediction, `>` for one that is to exceed
            it, `<` for one that is to stay below.
        prediction: what the quantity is compared with.
        evidence: None if what it would be read from was not run.
        margin: how far from the prediction still counts as equal.
        agreeing: under how many seeds of the bootstrap the verdict has to be the same.
    """
    if evidence is None:
        return Verdict(NOT_RUN)
    words = Counter(_word(relation, prediction, *bounds, margin) for bounds in evidence.bounds)
    (word, seeds), *_ = words.most_common(1) or [(UNDECIDED, 0)]
    # Of several seeds not all say so, and too few do.
    if 1 < len(evidence.bounds) != seeds < agreeing:
        return Verdict(UNDECIDED, f"{word} under {seeds} of {len(evidence.bounds)} seeds only")
    if word == SUPPORTED and evidence.objection:
        return Verdict(UNDECIDED, evidence.objection)
    return Verdict(word, evidence.objection)


def with_settings(pooled: Verdict, settings: Sequence[tuple[str, Verdict]]) -> Verdict:
    """Verdict over all settings, given that of each: pooling must not hide that they differ.

    Args:
        pooled: of all settings together.
        settings: names and verdicts of single ones.
    """
    against, for_it = _sides_of(settings)
    words = {pooled.word, *(CONTRADICTED for _ in against), *(SUPPORTED for _ in for_it)}
    if not {SUPPORTED, CONTRADICTED} <= words:
        return pooled
    return Verdict(HETEROGENEOUS, _sides(against, for_it))


def _sides_of(settings: Sequence[tuple[str, Verdict]]) -> tuple[list[str], list[str]]:
    """Settings that contradict a claim, and those that support it."""
    against, for_it = (
        [name for name, verdict in settings if verdict.word == word]
        for word in (CONTRADICTED, SUPPORTED)
    )
    return against, for_it


def _sides(against: Sequence[str], for_it: Sequence[str]) -> str:
    """Which settings are on either side; where none is, all of them together are."""
    names = (" and ".join(side) or "all together" for side in (against, for_it))
    return "contradicted by {}; supported by {}".format(*names)


def in_each(settings: Sequence[tuple[str, Verdict]]) -> Verdict:
    """Verdict on what is claimed of each setting by itself."""
    if not settings:
        return Verdict(NOT_RUN)
    if len({verdict for _, verdict in settings}) == 1:
        return settings[0][1]
    against, for_it = _sides_of(settings)
    if against and for_it:
        return Verdict(HETEROGENEOUS, _sides(against, for_it))
    if against:
        return Verdict(CONTRADICTED, f"by {' and '.join(against)}")
    open_ones = [name for name, verdict in settings if verdict.word != SUPPORTED]
    return Verdict(UNDECIDED, f"not supported by {' and '.join(open_ones)}")


def _word(relation: str, prediction: float, low: float, high: float, margin: float) -> str:
    """Verdict of one interval; NaN bounds leave the claim undecided."""
    if isnan(low) or isnan(high):
        return UNDECIDED
    if relation == "=":
        least, most = prediction - margin, prediction + margin
        if high < least or low > most:
            return CONTRADICTED
        return SUPPORTED if least <= low and high <= most else UNDECIDED
    if relation == "<":
        low, high, prediction = -high, -low, -prediction
    if high < prediction:
        return CONTRADICTED
    return SUPPORTED if low > prediction else UNDECIDED
