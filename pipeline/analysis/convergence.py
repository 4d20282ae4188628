"""Stage `converge`: when features of every depth have come near to those of real images.

A distance D is given relative to what it is for other real images and for white noise,
(D - D_real) / (D_noise - D_real): 0 for real images and 1 for noise.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import ndtri

from pipeline.analysis.groups import grouped
from pipeline.analysis.samples import NETWORK
from pipeline.analysis.settings import ConvergenceRules
from pipeline.artifacts import tables
from pipeline.artifacts.tensors import make_stamp
from pipeline.base.randomness import stream_key, uniforms
from pipeline.base.spec import Spec
from pipeline.base.types import Values

DISTANCES = ["mmd", "frechet"]
"""Quantities that are distances between distributions of features."""
_WHERE = ["layer", "quantity", "kernel"]
_CURVE = [*NETWORK, "average", "dataset_size", *_WHERE]
_TAILS = (0.025, 0.975)


def converge(
    spec: Spec[ConvergenceRules], measurements: Path, calibration: Path, output: Path
) -> None:
    """Read off the times of every curve.

    Args:
        spec: spec of the stage.
        measurements: table of all cells of a setting.
        calibration: the same of its controls.
        output: one row per curve and fraction.
    """
    settings, kinds = spec.settings, ("measurements", "calibration")
    frame, controls = map(tables.read_table, (measurements, calibration), kinds)
    chosen = settings.fractions, settings.bootstrap_samples
    times = convergence_times(frame, controls, *chosen)
    tables.write_table(output, times, make_stamp("convergence", spec, {}))


def relative_distances(measurements: pd.DataFrame, calibration: pd.DataFrame) -> pd.DataFrame:
    """Rows of distances with `estimate` and `standard_error` relative to the controls.

    The error is that of the ratio to first order, from the errors of all three distances as if they
    were independent.
    """
    frame = _beside_controls(measurements, calibration)
    reach = frame["noise"] - frame["real"]
    relative = (frame["estimate"] - frame["real"]) / reach
    parts = (
        frame["standard_error"],
        (1 - relative) * frame["real_error"],
        relative * frame["noise_error"],
    )
    error = np.sqrt(sum(part**2 for part in parts)) / reach
    return frame.assign(estimate=relative, standard_error=error)


def convergence_times(
    measurements: pd.DataFrame, calibration: pd.DataFrame, fractions: Sequence[float], samples: int
) -> pd.DataFrame:
    """Steps from which on relative distances stay below fractions, by `last_crossing`.

    Intervals are percentiles over `samples` curves whose distances, those of the controls too, are
    drawn from normal distributions of their errors, independently; they are over images, not over
    networks, and end where the checkpoints do.

    Returns:
        One row per network, layer, quantity, kernel and fraction, in the order of the measurements.
    """
    frame = _beside_controls(measurements, calibration)
    rows: list[Values] = []
    for key, curve in grouped(frame, _CURVE, dropna=False, sort=False):
        place = dict(zip(_CURVE, key, strict=True))
        rows += [place | found for found in _times(curve.sort_values("step"), fractions, samples)]
    order = [*_CURVE, "fraction", "estimate", "low", "high", "status"]
    return pd.DataFrame(rows, columns=order)


def last_crossing(
    steps: np.ndarray, values: np.ndarray, fraction: float
) -> tuple[np.ndarray, np.ndarray]:
    """Where curves fall below a fraction for good, linear in log step between checkpoints.

    A curve that dips below it and rises again has its time only where it falls the last time.

    Args:
        steps: training steps, [T], increasing from 1 or more.
        values: relative distances, [S, T].
        fraction: of the distance of white noise.

    Returns:
        Steps [S], and whether they lie `inside` the range of the checkpoints, `below` it (never
        above the fraction) or `above` it (not below it at the end). In the last two cases the step
        is the first or the last checkpoint.
    """
    not_yet = values >= fraction
    never, at_end = ~not_yet.any(axis=1), not_yet[:, -1]
    last = len(steps) - 1
    # The last checkpoint that is not below the fraction: argmax finds the first of the reversed.
    before = np.where(never | at_end, 0, last - not_yet[:, ::-1].argmax(axis=1))
    curves, log_steps = np.arange(len(values)), np.log(steps)
    high, low = values[curves, before], values[curves, np.minimum(before + 1, last)]
    inside = ~never & ~at_end
    share = (high - fraction) / np.where(inside, high - low, 1)
    after = log_steps[np.minimum(before + 1, last)]
    between = np.exp(log_steps[before] + share * (after - log_steps[before]))
    status = np.where(inside, "inside", np.where(never, "below", "above"))
    return np.where(inside, between, np.where(never, steps[0], steps[last])), status


def _beside_controls(measurements: pd.DataFrame, calibration: pd.DataFrame) -> pd.DataFrame:
    """Rows of distances, with those of both controls and their errors in columns of their own.

    A curve that has no relative distances is left out: where noise is no farther than real images
    are, or where some distance is not known.
    """
    frame, controls = (t[t["quantity"].isin(DISTANCES)] for t in (measurements, calibration))
    for name in ("real", "noise"):
        control = controls[controls["control"] == name]
        control = control[["setting", *_WHERE, "estimate", "standard_error"]]
        control = control.rename(columns={"estimate": name, "standard_error": f"{name}_error"})
        frame = frame.merge(control, on=["setting", *_WHERE], validate="m:1")
    known = frame["estimate"].notna() & (frame["noise"] > frame["real"])
    whole = known.groupby([frame[name] for name in _CURVE], dropna=False).transform("all")
    return frame[whole.astype(bool)]


def _times(curve: pd.DataFrame, fractions: Sequence[float], samples: int) -> Iterator[Values]:
    """Times of one curve, which is in order."""
    steps, values = curve["step"].to_numpy(float), _resampled(curve, samples)
    for fraction in fractions:
        (estimate, *drawn), (status, *_) = last_crossing(steps, values, fraction)
        low, high = np.quantile(drawn, _TAILS)
        row = {"fraction": fraction, "estimate": estimate, "low": low, "high": high}
        yield row | {"status": str(status)}


def _resampled(curve: pd.DataFrame, samples: int) -> np.ndarray:
    """Relative distances and, below them, those of drawn curves, [1 + samples, T]."""
    key = stream_key("convergence", *map(str, curve[_CURVE].iloc[0]))
    names = np.arange(len(curve) + 2)
    # Half a step of the uniforms, so that none is 0, where ndtri is -inf.
    normal = ndtri(uniforms(key, np.arange(samples)[:, None], names) + 2.0**-54)
    normal = np.concatenate([np.zeros((1, len(names))), normal])  # first the estimates themselves
    first = curve.iloc[0]
    real = first["real"] + normal[:, :1] * first["real_error"]
    noise = first["noise"] + normal[:, 1:2] * first["noise_error"]
    distances = curve["estimate"].to_numpy() + normal[:, 2:] * curve["standard_error"].to_numpy()
    return (distances - real) / (noise - real)
