"""Evidence of how far generated sequences are coherent: with training time, and with data.

Each of the three domains has its own length: grammars the coherence length, text and images the
equivalent block length. Copies count in none of them: with a finite training set, only samples that
are novel count.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from pipeline.analysis.curves import GRAMMAR, REPLICA, finite_sizes, total_losses
from pipeline.analysis.samples import NETWORK, of_weights
from pipeline.claims.evidence import over_networks, slope, undetermined
from pipeline.claims.settings import Rules
from pipeline.claims.verdict import Evidence
from pipeline.stages.domains import DOMAINS

Tables = Mapping[str, pd.DataFrame]

UNITS = {name: REPLICA if domain.has_grammars else NETWORK for name, domain in DOMAINS.items()}
"""Columns that tell the curves of every domain apart."""

BEST, LAST = "best checkpoint", "fixed number of steps"


def growth_with_time(tables: Tables, rules: Rules, key: int, *, domain: str) -> Evidence | None:
    """Power of the step with which the length grows: on fresh data, else on the largest set."""
    frame = lengths(tables, rules, domain, fresh=True)
    if frame.empty:
        frame = lengths(tables, rules, domain)
        places = [name for name in GRAMMAR if name in frame] or ["setting"]
        largest = frame.groupby(places)["dataset_size"].transform("max")
        frame = frame[frame["dataset_size"] == largest]
    return _growth(frame, "step", rules, key, domain)


def growth_with_data(
    tables: Tables, rules: Rules, key: int, *, domain: str, checkpoint: str
) -> Evidence | None:
    """Power of P with which the length grows, at the `BEST` checkpoint or at the `LAST`."""
    frame = at_checkpoint(lengths(tables, rules, domain), tables["losses"], domain, checkpoint)
    return _growth(frame, "dataset_size", rules, key, domain)


def at_checkpoint(
    frame: pd.DataFrame, losses: pd.DataFrame, domain: str, checkpoint: str
) -> pd.DataFrame:
    """Rows at the checkpoint of lowest validation loss of every cell (`BEST`), or at the `LAST`."""
    if checkpoint == LAST:
        return frame[frame["step"] == frame["step"].max()]
    cell = [*UNITS[domain], "dataset_size"]
    validation = finite_sizes(total_losses(losses, "validation")).reset_index(drop=True)
    best = validation.loc[validation.groupby(cell)["loss"].idxmin(), [*cell, "step"]]
    return frame.merge(best, on=[*cell, "step"])


def lengths(tables: Tables, rules: Rules, domain: str, fresh: bool = False) -> pd.DataFrame:
    """Rows of lengths, for the kind of weights that counts.

    They are of samples that are novel, with the share of copies beside them as `copied`; or, with
    `fresh`, of all samples of networks that saw fresh data only.
    """
    quantity, novel = DOMAINS[domain].length, DOMAINS[domain].novel
    frame = tables["measurements"]
    frame = frame[frame["quantity"] == quantity]
    if domain != "rhm":
        frame = of_weights(frame, rules.average)
    if domain == "image":  # of the shallowest layer with maps, not of pixels
        frame = frame[frame["layer"] == frame["layer"].min()]
    if fresh:
        return frame[(frame["dataset_size"] == "online") & (frame["among"] == "all")]
    return finite_sizes(frame[frame["among"] == novel]).merge(
        _copies(tables, rules, domain), "left", [*UNITS[domain], "dataset_size", "step"]
    )


def _copies(tables: Tables, rules: Rules, domain: str) -> pd.DataFrame:
    """Share of copies among the samples of every cell and step, as `copied`."""
    frame = finite_sizes(tables["measurements"])
    frame = frame[frame["quantity"] == "copied_fraction"]
    if domain != "rhm":
        frame = of_weights(frame, rules.average)
    place = [*UNITS[domain], "dataset_size", "step"]
    return frame[[*place, "estimate"]].rename(columns={"estimate": "copied"})


def _growth(
    frame: pd.DataFrame, variable: str, rules: Rules, key: int, domain: str
) -> Evidence | None:
    if frame["estimate"].isna().all():
        return None
    if "copied" in frame:
        # Among many copies, the few novel samples are faulty copies, and not what was learnt.
        # An unknown share is no reason to leave a row out.
        frame = frame[~(frame["copied"] > rules.copied)]
    frame = _positive(frame, variable, domain)
    points = frame.groupby(UNITS[domain])[variable].nunique()
    if not (points > 1).any():
        return undetermined(frame, "fewer than two values at which all replicas have a length")
    x, y = (np.log(frame[name].to_numpy(float)) for name in (variable, "estimate"))
    if domain == "rhm":
        return slope(frame, x, y, REPLICA, rules, key)
    curves = frame.assign(x=x, y=y).groupby(NETWORK)
    several = [part for _, part in curves if part["x"].nunique() > 1]  # one point has any slope
    return over_networks([_slope(part["x"], part["y"]) for part in several])


def _positive(frame: pd.DataFrame, variable: str, domain: str) -> pd.DataFrame:
    """Rows at those values of the variable where all replicas of a setting have a positive length.

    A length that noise made negative, or that is missing for want of novel samples, has no
    logarithm. If its row alone were dropped, only longer lengths would count.
    """
    setting = GRAMMAR if domain == "rhm" else ["setting"]
    unit = frame.groupby(UNITS[domain]).ngroup()
    replicas = unit.groupby([frame[name] for name in setting]).transform("nunique")
    known = unit.where(frame["estimate"] > 0)
    there = known.groupby([frame[name] for name in (*setting, variable)]).transform("nunique")
    return frame[there == replicas].reset_index(drop=True)


def _slope(x: pd.Series, y: pd.Series) -> float:
    return float(np.polyfit(x, y, 1)[0])
