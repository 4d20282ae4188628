"""The claims of the paper, each with the number that decides it and the tables it is read from.

The paper is Favero et al. (ICML 2025), arXiv 2502.12089; the claim on copying is that of Favero,
Sclocchi and Wyart (2025), arXiv 2505.16959.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from pipeline.claims import coherence, creativity, depth, learning
from pipeline.claims.settings import Rules
from pipeline.claims.verdict import Evidence
from pipeline.stages.domains import DOMAINS

POOLED, BY_SETTING, EACH = "pooled", "by setting", "each"
"""Whether settings are only judged together, or also one by one, or each must support the claim."""


class Claim(NamedTuple):
    """A claim, and how it is decided.

    Attributes:
        claim: its name; several rows may share it.
        domain: of which data.
        statement: the claim in a plain sentence.
        quantity: what is compared with the prediction.
        relation: `=`, `>` or `<`, see `verdict`.
        prediction: number that the quantity is to equal, exceed or stay below, or the rule that
            says it.
        tables: tables of the domain that `evidence` looks at.
        evidence: function of these tables by name, rules and a stream key.
        settings: `POOLED`, `BY_SETTING` or `EACH`.
    """

    claim: str
    domain: str
    statement: str
    quantity: str
    relation: str
    prediction: float | str
    tables: tuple[str, ...]
    evidence: Callable[..., Evidence | None]
    settings: str = BY_SETTING

    def predicted(self, rules: Rules) -> float:
        """The number that the quantity is compared with."""
        if isinstance(self.prediction, str):
            return float(getattr(rules, self.prediction))
        return self.prediction


_ORDER = "Rules are learnt bottom-up: every level takes more than the one below."
_LAW = "Level l is learnt at a dataset size that grows as v m^(l+1) / (1 - m/v^(s-1))."
_CLUSTERING = "Level l is learnt where clustering by context finds the synonyms of level l - 1."
_TIME = "What is generated is coherent up to a length that grows with training time."
_DATA = "What is generated, and not copied, is coherent up to a length that grows with the data."
_STEP = "One step of gradient descent aligns synonyms from v m^3 / (1 - m/v^(s-1)) strings on."
_SIZES = ("sample_complexity",)
_CHECKPOINTS = ("measurements", "losses")


def _order(variable: str, unit: str) -> Claim:
    quantity = f"smallest ratio of half-way {unit}, level l+1 to l"
    evidence = partial(learning.level_order, variable=variable)
    return Claim("order of levels", "rhm", _ORDER, quantity, ">", 1.0, _SIZES, evidence)


def _time(domain: str) -> Claim:
    evidence = partial(coherence.growth_with_time, domain=domain)
    quantity = "exponent of the length's growth with steps"
    return Claim(
        "coherence with time", domain, _TIME, quantity, ">", 0.0, ("measurements",), evidence
    )


def _data(domain: str, checkpoint: str) -> Claim:
    evidence = partial(coherence.growth_with_data, domain=domain, checkpoint=checkpoint)
    quantity = f"exponent of the length's growth with P, {checkpoint}"
    return Claim("coherence with data", domain, _DATA, quantity, ">", 0.0, _CHECKPOINTS, evidence)


CLAIMS = (
    _order("dataset_size", "dataset sizes"),
    _order("step", "training steps, fresh data"),
    Claim(
        "sample complexity", "rhm", _LAW, "exponent of the prediction, a constant a level", "=",
        1.0, _SIZES, learning.law_exponent, POOLED,
    ),
    Claim(
        "sample complexity", "rhm", _LAW, "place between the law (0) and the nearest rival (1)",
        "<", 1.0, _SIZES, learning.nearest_rival, POOLED,
    ),
    Claim(
        "sample complexity", "rhm", _LAW, "variance explained less the best rival's", ">", 0.0,
        ("laws",), learning.collapse_lead, POOLED,
    ),
    Claim(
        "clustering", "rhm", _CLUSTERING, "exponent of the clustering's half-way size", "=", 1.0,
        (*_SIZES, "theory"), learning.clustering_slope, POOLED,
    ),
    Claim(
        "clustering", "rhm", _CLUSTERING, "correlation over grammars of a setting", ">", 0.0,
        (*_SIZES, "theory"), learning.clustering_correlation,
    ),
    *(_time(domain) for domain in DOMAINS),
    *(
        _data(domain, checkpoint)
        for domain in DOMAINS
        for checkpoint in (coherence.BEST, coherence.LAST)
    ),
    Claim(
        "creativity", "rhm", "Who has learnt a level makes as much that is new as its rules allow.",
        "creativity index from P*_l up, least over levels", ">", "creativity",
        (*_CHECKPOINTS, *_SIZES), creativity.creativity,
    ),
    Claim(
        "valid and novel samples", "rhm", "Who has learnt all levels makes valid, novel strings.",
        "largest share over steps at the largest P, over the exact denoiser's",
        ">", "valid_and_novel", ("measurements", *_SIZES), creativity.valid_and_novel,
    ),
    Claim(
        "correlations", "rhm", "Correlations appear step by step, those of near tokens first.",
        "smallest ratio of sizes that give half the correlation, level l+1 to l", ">", 1.0,
        _SIZES, learning.correlation_order,
    ),
    Claim(
        "gradient step", "rhm", _STEP,
        "exponent of the prediction", "=", 1.0, ("theory",), learning.one_step_exponent, POOLED,
    ),
    Claim(
        "synonyms", "rhm", "Blocks become invariant to synonyms in order: deeper ones need more.",
        "smallest ratio of sizes that halve sensitivity to synonyms, level l+1 to l", ">", 1.0,
        ("probes", "losses"), learning.invariance_order,
    ),
    Claim(
        "depth", "image", "Shallow features of generated images are right first.",
        "rank correlation of depth and time of convergence, the weakest", ">", 0.0,
        ("convergence",), depth.shallow_first,
    ),
    Claim(
        "copying", "rhm", "Copying starts after a time proportional to the training set.",
        "exponent of the step at which copying starts, of each setting", "=", 1.0,
        ("memorization", "losses"), creativity.copying_exponent, EACH,
    ),
)  # fmt: skip
"""Every claim there is, in the order of the table."""
