"""Stage `claims`: hold every claim of the paper against the tables of a run."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from pipeline import artifacts, tables
from pipeline.analysis.missing import describe_missing
from pipeline.claims.claims import CLAIMS, Claim
from pipeline.claims.render import html
from pipeline.claims.verdict import NOTHING, Evidence, verdict
from pipeline.randomness import stream_key


def decide(spec: dict, paths: Sequence[Path], output: Path, page: Path) -> None:
    """Write the table of claims and the page of the report that shows it.

    Args:
        spec: spec of the stage, whose settings say how many resamples, which margin and which
            cells of the grid are missing.
        paths: tables of the run, named `<domain>_<table>.parquet`; those of an experiment that was
            not run may be missing.
        output: Parquet file of one row per claim and number.
        page: HTML file.
    """
    frames = {path.stem: tables.read_table(path, path.stem.split("_", 1)[1]) for path in paths}
    settings = dict(spec["settings"])
    missing = describe_missing(settings.pop("missing"))
    claims = claims_table(frames, **settings)
    tables.write_table(output, claims, artifacts.make_stamp("claims", spec, {}))
    with artifacts.replacing(page) as temporary:
        temporary.write_text(html(claims, missing))


def claims_table(
    frames: Mapping[str, pd.DataFrame], bootstrap_samples: int, margin: float
) -> pd.DataFrame:
    """One row per claim and number, with its verdict."""
    return pd.DataFrame(_rows(frames, bootstrap_samples, margin))


def _rows(frames: Mapping[str, pd.DataFrame], samples: int, margin: float) -> Iterator[dict]:
    for claim in CLAIMS:
        found = find_evidence(claim, frames, samples)
        said = {"verdict": verdict(claim.relation, claim.prediction, found, margin)}
        stated = ("claim", "statement", "quantity", "relation", "prediction")
        yield {name: getattr(claim, name) for name in stated} | found._asdict() | said


def find_evidence(claim: Claim, frames: Mapping[str, pd.DataFrame], samples: int) -> Evidence:
    """Evidence for a claim; none where a table that it needs is missing or empty."""
    needed = [frames.get(name) for name in claim.tables]
    if any(frame is None or frame.empty for frame in needed):
        return NOTHING
    return claim.evidence(*needed, samples, stream_key("claims", claim.claim, claim.quantity))
