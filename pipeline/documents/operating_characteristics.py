"""How often a law is supported, by `python -m pipeline.documents.operating_characteristics`.

Its arguments are the PAGE to fill and the PRESET whose design is simulated.

Studies are simulated: half-way sizes of the preset's settings and grammars obey one law or another,
and scatter as those of the first study did. The preset's rules decide on them, and the table of
rates is pasted into the page.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from pipeline.analysis.curves import predicted_size
from pipeline.analysis.laws import LAWS, REFERENCE, RIVALS, candidate_laws
from pipeline.base.errors import PipelineError
from pipeline.base.randomness import stream_key
from pipeline.claims.learning import Tables, law_exponent, nearest_rival
from pipeline.claims.settings import Rules
from pipeline.claims.verdict import SUPPORTED, Evidence, verdict
from pipeline.config.load import load_config
from pipeline.config.rhm import RhmConfig
from pipeline.config.schema import Config
from pipeline.config.slices import claims_settings
from pipeline.documents.arguments import arguments
from pipeline.documents.paste import paste

BETWEEN_GRAMMARS, WITHIN_GRAMMARS = 0.20, 0.17
"""Standard deviations of ln P*_l in the first study: 0.13 to 0.27, and 0.14 to 0.19."""

_CONSTANT = 0.8
"""Half-way sizes over the prediction, in the first study at level 2."""
_REPETITIONS = 200
_RESAMPLES = 400
"""Of the bootstrap: fewer than a study takes, as there are so many studies."""
_ROOT = Path(__file__).parents[2]


class Rates(NamedTuple):
    """How often a law is supported.

    Attributes:
        exponent: by the exponent of the prediction, unless there is a lack of fit.
        rivals: by the place of held-out settings between it and all rivals.
        both: by both at once.
    """

    exponent: float
    rivals: float
    both: float


def rates(domain: RhmConfig, rules: Rules, truth: int, repetitions: int) -> Rates:
    """Decide many simulated studies.

    Args:
        domain: section of the config, whose grammars and replicas are those of a study.
        rules: by which they are decided.
        truth: which of `LAWS` half-way sizes obey.
        repetitions: number of studies.
    """
    supported = [
        [
            _supported(*claim, table, rules)
            for claim in ((law_exponent, "=", 1.0), (nearest_rival, "<", 1.0))
        ]
        for table in _studies(domain, rules, truth, repetitions)
    ]
    exponent, rivals = np.array(supported, dtype=float).T
    return Rates(exponent.mean(), rivals.mean(), (exponent * rivals).mean())


def _supported(
    evidence: Callable[[Tables, Rules, int], Evidence | None],
    relation: str,
    prediction: float,
    table: pd.DataFrame,
    rules: Rules,
) -> bool:
    found = evidence({"sample_complexity": table}, rules, stream_key("simulated"))
    return verdict(relation, prediction, found, rules.margin, rules.agreeing_seeds)[0] == SUPPORTED


def _studies(
    domain: RhmConfig, rules: Rules, truth: int, repetitions: int
) -> Iterator[pd.DataFrame]:
    """Tables of half-way sizes of all levels from 2 up that are predicted to be learnt.

    In the first study, a level that was predicted to need more than half the largest size was not
    learnt to the end.
    """
    grid = domain.grid
    places = [
        {"v": g.v, "m": g.m, "s": g.s, "L": g.L, "level": level, "predicted": predicted}
        for g in grid.grammars
        for level in range(2, g.L + 1)
        for predicted in [predicted_size(g.v, g.m, g.s, level)]
        if predicted < max(size for size in g.dataset_sizes if size != "online") / 2
    ]
    seeds = [
        {"grammar_seed": grammar, "data_seed": data, "network_seed": network}
        for grammar in grid.grammar_seeds
        for data in grid.data_seeds
        for network in grid.network_seeds
    ]
    frame = pd.DataFrame([{**place, **seed} for place in places for seed in seeds])
    frame = frame.assign(quantity=rules.accuracy, variable="dataset_size", status="inside")
    sizes = _CONSTANT * candidate_laws(frame)[:, truth]
    grammar = frame.groupby(["v", "m", "s", "L", "grammar_seed"]).ngroup().to_numpy()
    for repetition in range(repetitions):
        # Seeded, so that the table can be made again.
        random = np.random.default_rng([truth, repetition])
        of_grammars = BETWEEN_GRAMMARS * random.standard_normal(grammar.max() + 1)[grammar]
        within = WITHIN_GRAMMARS * random.standard_normal(len(frame))
        yield frame.assign(threshold=sizes * np.exp(of_grammars + within))


def markdown(domain: RhmConfig, rules: Rules, repetitions: int) -> str:
    """Rates under the law and under each rival, as a table in Markdown.

    Under rivals with one seed of the bootstrap: more can only take support away.
    """
    head = "| truth | exponent | rivals | both |\n| --- | --- | --- | --- |\n"
    once = Rules.of(rules, bootstrap_seeds=1, agreeing_seeds=1)
    rows = [(LAWS[REFERENCE], rates(domain, rules, REFERENCE, repetitions))]
    for law in RIVALS:
        rows.append((law, rates(domain, once, LAWS.index(law), repetitions)))
    return head + "".join(_row(law, found) for law, found in rows)


def _row(law: tuple[str, bool], found: Sequence[float]) -> str:
    name = f"v {law[0]}{' / (1 - m/v^(s-1))' if law[1] else ''}"
    return f"| {name} | {' | '.join(f'{rate:.3f}' for rate in found)} |\n"


def rules_of(config: Config) -> Rules:
    """Rules by which a config decides claims about grammars."""
    return claims_settings(config, "rhm")


if __name__ == "__main__":
    try:
        page, preset = arguments("PAGE", "PRESET")
        config = load_config(_ROOT / "config.yaml", _ROOT / "workflow/presets", {"preset": preset})
        rules = Rules.of(rules_of(config), bootstrap_samples=_RESAMPLES)
        content = markdown(config.domains.rhm, rules, _REPETITIONS)
        paste(Path(page), "operating", content)
    except PipelineError as error:
        sys.exit(f"error: {error}")
