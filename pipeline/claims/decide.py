"""Stages `claims` and `verdicts`: hold every claim of the paper against the tables of a run."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.analysis.bootstrap import with_several_grammars
from pipeline.analysis.curves import GRAMMAR
from pipeline.analysis.groups import grouped
from pipeline.analysis.missing import describe_missing
from pipeline.artifacts.files import replacing
from pipeline.artifacts.tables import read_table, read_tables, write_table
from pipeline.artifacts.tensors import make_stamp
from pipeline.base.randomness import stream_key
from pipeline.base.spec import Spec
from pipeline.base.types import Values
from pipeline.claims.claims import CLAIMS, EACH, POOLED, Claim
from pipeline.claims.render import html
from pipeline.claims.settings import Missing, Rules
from pipeline.claims.verdict import Evidence, Verdict, in_each, verdict, with_settings

Tables = Mapping[str, pd.DataFrame]
_STATED = ("claim", "domain", "statement", "quantity", "relation")


def decide(spec: Spec[Rules], tables: Sequence[Path], output: Path) -> None:
    """Decide the claims of one domain.

    Args:
        spec: spec of the stage, with the domain, and the rules in its settings.
        tables: tables of the domain, named `<domain>_<table>.parquet`; those of an experiment that
            was not run may be missing.
        output: Parquet file of one row per claim and number, and one for each setting of it.
    """
    domain, rules = spec.domain, spec.settings
    names = {path: path.stem.removeprefix(f"{domain}_") for path in tables}
    frames = {name: read_table(path, name) for path, name in names.items()}
    claims = claims_table(domain, frames, rules)
    write_table(output, claims, make_stamp("claims", spec, {}))


def show_verdicts(spec: Spec[Missing], tables: Sequence[Path], output: Path, page: Path) -> None:
    """Put the claims of all domains into one table, and into a page of the report.

    Args:
        spec: spec of the stage, whose settings say which cells are missing.
        tables: tables of claims.
        output: Parquet file of their rows.
        page: HTML file.
    """
    claims = in_order(read_tables(tables, "claims"))
    write_table(output, claims, make_stamp("claims", spec, {}))
    with replacing(page) as temporary:
        temporary.write_text(html(claims, describe_missing(spec.settings.missing)))


def in_order(claims: pd.DataFrame) -> pd.DataFrame:
    """Rows in the order of the list of claims, in which a claim about several domains is one.

    Rows of claims that the list no longer has come last.
    """
    order = {(claim.claim, claim.domain, claim.quantity): i for i, claim in enumerate(CLAIMS)}
    names = claims[["claim", "domain", "quantity"]].itertuples(index=False, name=None)
    places = np.array([order.get(name, len(order)) for name in names])
    return claims.iloc[places.argsort(kind="stable")].reset_index(drop=True)


def claims_table(domain: str, frames: Tables, rules: Rules) -> pd.DataFrame:
    """One row per claim and number, without a setting, and below it one for each of its settings.

    Args:
        domain: whose claims are decided.
        frames: its tables by name; what is missing or empty was not run.
        rules: of the config.
    """
    claims = [claim for claim in CLAIMS if claim.domain == domain]
    return pd.DataFrame([row for claim in claims for row in _rows(claim, frames, rules)])


def _rows(claim: Claim, frames: Tables, rules: Rules) -> Iterator[Values]:
    """Row of all settings together, and of each."""
    needed: Tables = {name: frames[name] for name in claim.tables if name in frames}
    there = all(name in needed and not needed[name].empty for name in claim.tables)
    remark = ""
    if there and claim.domain == "rhm":
        needed, remark = _of_several_grammars(needed)
    found = _evidence(claim, needed, rules) if there else None
    single = dict(_by_setting(claim, needed, rules)) if found and claim.settings != POOLED else {}
    verdicts = [(name, _verdict(claim, part, rules)) for name, part in single.items()]
    of_all = _verdict(claim, found, rules)
    if claim.settings == EACH and found:
        of_all = in_each(verdicts)
    elif len(verdicts) > 1:
        of_all = with_settings(of_all, verdicts)
    reason = "; ".join(filter(None, (of_all.reason, remark)))
    yield _row(claim, rules, None, found, Verdict(of_all.word, reason))
    for name, said in verdicts:
        yield _row(claim, rules, name, single[name], said)


def _of_several_grammars(needed: Tables) -> tuple[Tables, str]:
    """Tables without settings of which some table has a single grammar, and a remark on these."""
    left_out = set()
    for frame in needed.values():
        if "grammar_seed" in frame:
            places = [set(part[GRAMMAR].itertuples(index=False, name=None)) for part in (
                frame, with_several_grammars(frame))]  # fmt: skip
            left_out |= places[0] - places[1]
    if not left_out:
        return needed, ""
    index = pd.MultiIndex.from_tuples(sorted(left_out))
    kept = {
        name: frame[~pd.MultiIndex.from_frame(frame[GRAMMAR]).isin(index)]
        if "grammar_seed" in frame
        else frame
        for name, frame in needed.items()
    }
    names = "; ".join(", ".join(map(str, place)) for place in sorted(left_out))
    return kept, f"without {names}, of one grammar"


def _by_setting(claim: Claim, needed: Tables, rules: Rules) -> Iterator[tuple[str, Evidence]]:
    """Evidence of every setting that has any, in an order that no table's rows decide."""
    first = next(iter(needed.values()))
    columns = GRAMMAR if claim.domain == "rhm" else ["setting"]
    for key, _ in grouped(first, columns):
        own = {
            name: frame[(frame[columns] == list(key)).all(axis=1)] for name, frame in needed.items()
        }
        found = _evidence(claim, own, rules)
        if found is not None:
            yield ", ".join(map(str, key)), found


def _evidence(claim: Claim, needed: Tables, rules: Rules) -> Evidence | None:
    key = stream_key("claims", claim.claim, claim.domain, claim.quantity)
    return claim.evidence(needed, rules, key)


def _verdict(claim: Claim, found: Evidence | None, rules: Rules) -> Verdict:
    prediction = claim.predicted(rules)
    return verdict(claim.relation, prediction, found, rules.margin, rules.agreeing_seeds)


def _row(
    claim: Claim, rules: Rules, setting: str | None, found: Evidence | None, said: Verdict
) -> Values:
    """Row of the table, whose bounds are medians over the seeds of the bootstrap."""
    bounds = np.median(found.bounds, axis=0) if found and len(found.bounds) else (np.nan, np.nan)
    return {
        **{name: getattr(claim, name) for name in _STATED},
        "prediction": claim.predicted(rules),
        "setting": setting,
        "estimate": found.estimate if found else np.nan,
        "low": bounds[0],
        "high": bounds[1],
        "grammars": found.grammars if found else 0,
        "replicas": found.replicas if found else 0,
        "verdict": said.word,
        "reason": said.reason or None,
    }
