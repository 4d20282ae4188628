"""Evidence of when levels are learnt: their order, the law, clustering, and what goes with it."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from pipeline.analysis.curves import (
    GRAMMAR,
    REPLICA,
    all_inside,
    at_best_checkpoint,
    finite_sizes,
    predicted_size,
)
from pipeline.analysis.exponents import SHAPE, lack_of_fit, usable
from pipeline.analysis.laws import LAWS, RIVALS, comparable, held_out_positions
from pipeline.claims.evidence import (
    grouped_slope,
    of_bounds,
    resampled,
    slope,
    smallest_ratio,
    undetermined,
)
from pipeline.claims.settings import Rules
from pipeline.claims.thresholds import (
    clustering_thresholds,
    invariance_thresholds,
    one_step_thresholds,
)
from pipeline.claims.verdict import Evidence

Tables = Mapping[str, pd.DataFrame]
_PERFECT = 1 - 1e-9
"""Largest correlation that is told apart from 1."""
_GRAMMARS = [*GRAMMAR, "level", "grammar_seed"]


def level_order(tables: Tables, rules: Rules, key: int, *, variable: str) -> Evidence | None:
    """Smallest ratio of successive half-way points of accuracy, in one variable."""
    return smallest_ratio(_half_way(tables, rules.accuracy, variable), rules, key)


def correlation_order(tables: Tables, rules: Rules, key: int) -> Evidence | None:
    """Smallest ratio of the sizes at which tokens correlate half as they do in the data."""
    return smallest_ratio(_half_way(tables, "correlation_ratio", "dataset_size"), rules, key)


def law_exponent(tables: Tables, rules: Rules, key: int) -> Evidence | None:
    """Power of its prediction with which P*_l grows, a constant for every level."""
    if _half_way(tables, rules.accuracy, "dataset_size").empty:
        return None
    frame = _deep(tables, rules)
    if frame.empty:
        return undetermined(frame, "no level from 2 up is in range in all replicas of a setting")
    x, y = (np.log(frame[name].to_numpy(float)) for name in ("predicted", "threshold"))
    misfit, poor = lack_of_fit(frame, x, y), ""
    if np.isnan(misfit):
        poor = "too few settings to tell whether a straight line misses them"
    elif misfit <= rules.misfit:
        poor = f"a straight line misses the settings, p = {misfit:.2g}"
    return slope(frame, x, y, SHAPE, rules, key, poor)


def nearest_rival(tables: Tables, rules: Rules, key: int) -> Evidence | None:
    """Where held-out settings lie between the law, at 0, and the rival that is nearest, at 1."""
    if _half_way(tables, rules.accuracy, "dataset_size").empty:
        return None
    frame = comparable(_deep(tables, rules))
    if frame.empty:
        return undetermined(frame, "no level from 2 up is in range in two settings")
    rivals, positions = [LAWS.index(law) for law in RIVALS], held_out_positions(frame)
    same = np.isnan(positions(np.ones((1, len(frame))))[0, rivals])
    if same.any():
        names = [LAWS[rival][0] for rival, tied in zip(rivals, same, strict=True) if tied]
        return undetermined(frame, f"these settings cannot tell it from {names[0]}")
    return resampled(frame, lambda w: positions(w)[:, rivals].max(axis=1), rules, key)


def collapse_lead(tables: Tables, rules: Rules, _key: int) -> Evidence | None:
    """Row of the table of laws: variance explained by the law less that by its best rival."""
    laws = tables["laws"]
    row = laws[(laws["criterion"] == rules.accuracy) & laws["lead"].notna()]
    if row.empty:
        return None
    names = ["lead", "lead_low", "lead_high", "grammars", "replicas"]
    ((lead, low, high, *counts),) = row[names].itertuples(index=False, name=None)
    objection = "no interval: some setting has one grammar" if np.isnan(low) else ""
    grammars, replicas = (0 if np.isnan(count) else int(count) for count in counts)
    return of_bounds(lead, [(low, high)], (grammars, replicas), objection)


def clustering_slope(tables: Tables, rules: Rules, key: int) -> Evidence | None:
    """Power with which P*_l grows with the size at which clustering finds classes of level l - 1.

    Both sizes are of the very same grammars and training sets. Those of clustering are averaged
    over a setting and level.
    """
    both = _beside_clusters(tables, rules)
    if both is None or both.empty:
        return None if both is None else undetermined(both, "no level is in range in both")
    x, y = (np.log(both[name].to_numpy(float)) for name in ("threshold_clusters", "threshold"))
    return grouped_slope(both, x, y, [*GRAMMAR, "level"], SHAPE, rules, key)


def clustering_correlation(tables: Tables, rules: Rules, key: int) -> Evidence | None:
    """Correlation of the logarithms of both sizes over grammars within a setting and level."""
    both = _beside_clusters(tables, rules)
    if both is None or both.empty:
        return None if both is None else undetermined(both, "no level is in range in both")
    both = both.groupby(_GRAMMARS, as_index=False)[["threshold", "threshold_clusters"]].mean()
    both = both.assign(data_seed=0, network_seed=0)  # averaged over: none are left
    logs = np.log(both[["threshold", "threshold_clusters"]].to_numpy(float))
    group = both.groupby([*GRAMMAR, "level"]).ngroup().to_numpy()
    member = np.eye(group.max() + 1)[group]

    def statistic(weights: np.ndarray) -> np.ndarray:
        total = weights @ member
        means = np.einsum("sn,ng,nc->sgc", weights, member, logs, optimize=True)
        means /= np.where(total > 0, total, 1.0)[:, :, None]
        centred = logs - means[:, group]
        products = np.einsum("sn,sna,snb->sab", weights, centred, centred, optimize=True)
        scale = np.sqrt(products[:, 0, 0] * products[:, 1, 1])
        found = np.where(scale > 1e-12, products[:, 0, 1] / np.maximum(scale, 1e-12), np.nan)
        # Fisher's transform: its intervals do not leave [-1, 1]. Bounded, as that of 1 is infinite.
        return np.arctanh(np.clip(found, -_PERFECT, _PERFECT))

    return resampled(both, statistic, rules, key, np.tanh)


def one_step_exponent(tables: Tables, rules: Rules, key: int) -> Evidence | None:
    """Power of v m^3 / (1 - m/v^(s-1)) in the size at which updates of synonyms have cosine 1/2."""
    found = one_step_thresholds(tables["theory"])
    if found.empty:
        return None
    found = all_inside(found, GRAMMAR)
    if found.empty:
        return undetermined(found, "in no setting is the cosine of all grammars one half in range")
    predicted = [predicted_size(v, m, s, 2) for v, m, s in found[["v", "m", "s"]].to_numpy()]
    found = found.assign(predicted=predicted, network_seed=0)  # no network was trained
    found = found[np.isfinite(found["predicted"])]
    x, y = (np.log(found[name].to_numpy(float)) for name in ("predicted", "threshold"))
    return slope(found, x, y, [], rules, key)


def invariance_order(tables: Tables, rules: Rules, key: int) -> Evidence | None:
    """Smallest ratio of the sizes at which successive blocks become invariant to synonyms."""
    best = finite_sizes(at_best_checkpoint(tables["probes"], tables["losses"]))
    found = invariance_thresholds(best)
    if found.empty:
        return None
    inside = float((found["status"] == "inside").groupby(found["level"]).mean().min())
    if inside < rules.in_range:
        said = f"of some level only {inside:.0%} of half-way points are in range"
        return undetermined(found, said)
    return smallest_ratio(found, rules, key)


def _half_way(tables: Tables, quantity: str, variable: str) -> pd.DataFrame:
    table = tables["sample_complexity"]
    return table[(table["quantity"] == quantity) & (table["variable"] == variable)]


def _deep(tables: Tables, rules: Rules) -> pd.DataFrame:
    """Half-way sizes of levels from 2 up, of settings and levels that lie in range throughout."""
    frame = usable(_half_way(tables, rules.accuracy, "dataset_size"), "dataset_size")
    return frame[frame["level"] >= 2].reset_index(drop=True)


def _beside_clusters(tables: Tables, rules: Rules) -> pd.DataFrame | None:
    """Half-way sizes of networks and of clustering of the same strings, if both were run."""
    if (
        _half_way(tables, rules.accuracy, "dataset_size").empty
        or (tables["theory"]["quantity"] != "class_accuracy").all()
    ):
        return None
    networks = usable(_half_way(tables, rules.accuracy, "dataset_size"), "dataset_size")
    clusters = clustering_thresholds(tables["theory"])
    clusters = all_inside(clusters, [*GRAMMAR, "level"])
    clusters = clusters.assign(level=clusters["level"] + 1)
    place = [name for name in (*REPLICA, "level") if name != "network_seed"]
    return networks.merge(clusters[[*place, "threshold"]], on=place, suffixes=("", "_clusters"))
