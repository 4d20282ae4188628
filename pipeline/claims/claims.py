"""The claims of the paper, each with the number that decides it and the tables it is read from.

Favero et al. (ICML 2025), arXiv 2502.12089; M1 of Favero, Sclocchi and Wyart (2025), arXiv
2505.16959.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from pipeline.claims import experiments
from pipeline.claims.verdict import Evidence


class Claim(NamedTuple):
    """A claim, and how it is decided.

    Attributes:
        claim: number of the claim; several rows may share it.
        statement: the claim in a plain sentence.
        quantity: what is compared with the prediction.
        relation: `=` or `>`, see `verdict`.
        prediction: number that the quantity is to equal or exceed.
        tables: `<domain>_<table>`, in the order in which `evidence` takes them.
        evidence: function of these tables, resamples and a stream key.
    """

    claim: str
    statement: str
    quantity: str
    relation: str
    prediction: float
    tables: tuple[str, ...]
    evidence: Callable[..., Evidence]


_COHERENT = "What is generated is coherent up to a length that grows with the training set."
_LAW = "Level l is learnt at a dataset size that grows as v m^(l+1) / (1 - m/v^(s-1))."
_SIZES = ("rhm_sample_complexity",)


def _rival(law: str) -> Claim:
    """That a law of another power of m predicts grammars it was not fitted to less well."""
    quantity = f"held-out error of {law} less that of m^(l+1), decades"
    evidence = partial(experiments.law_difference, law=law)
    return Claim("C2", _LAW, quantity, ">", 0.0, ("rhm_laws",), evidence)


def _elsewhere(domain: str, data: str) -> Claim:
    """What the coherence of strings does, for a domain of natural data."""
    statement = f"{_COHERENT} So it is with {data}."
    tables = f"{domain}_measurements", f"{domain}_losses"
    return Claim(
        "C5", statement, "growth exponent of the coherence length", ">", 0.0,
        tables, experiments.coherence_growth,
    )  # fmt: skip


CLAIMS = (
    Claim(
        "C1", "Rules are learnt bottom-up: every level takes more data than the one below.",
        "smallest ratio of half-way dataset sizes, level l+1 to l", ">", 1.0,
        _SIZES, partial(experiments.level_order, variable="dataset_size"),
    ),
    Claim(
        "C1", "With fresh data, every level takes more training than the one below.",
        "smallest ratio of half-way training steps, level l+1 to l", ">", 1.0,
        _SIZES, partial(experiments.level_order, variable="step"),
    ),
    Claim(
        "C2", _LAW, "exponent of the prediction", "=", 1.0,
        ("rhm_exponents",), experiments.law_exponent,
    ),
    *(_rival(law) for law in ("m^l", "m^(2l-1)", "m^3")),
    Claim(
        "C3", "It grows like the dataset size at which clustering by context finds synonyms.",
        "exponent of the clustering's half-way size", "=", 1.0,
        (*_SIZES, "rhm_theory"), experiments.clustering_slope,
    ),
    Claim(
        "C4", _COHERENT, "growth exponent of the coherence length", ">", 0.0,
        ("rhm_measurements", "rhm_losses"), experiments.coherence_growth,
    ),
    Claim(
        "C4", "That length grows as the power ln s / ln m of the training set.",
        "growth exponent over ln s / ln m", "=", 1.0,
        ("rhm_measurements", "rhm_losses"), experiments.coherence_exponent,
    ),
    _elsewhere("text", "text"),
    _elsewhere("image", "images"),
    Claim(
        "C6", "Coarse variables are built level by level: deeper blocks need more data.",
        "smallest ratio of sizes that halve sensitivity to synonyms, level l+1 to l", ">", 1.0,
        ("rhm_probes", "rhm_losses"), experiments.invariance_order,
    ),
    Claim(
        "M1", "Copying starts after a training time proportional to the size of the training set.",
        "growth exponent of the step at which copying starts", "=", 1.0,
        ("rhm_memorization",), experiments.copying_exponent,
    ),
)  # fmt: skip
"""Every claim there is, in the order of the table."""
