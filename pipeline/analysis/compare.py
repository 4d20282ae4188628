"""Stage `exponents`: how P*_l grows with m, v and the level, and how well competing laws do."""

from pathlib import Path

from pipeline import artifacts, tables
from pipeline.analysis.exponents import exponents
from pipeline.analysis.laws import compare_laws
from pipeline.randomness import stream_key


def compare(spec: dict, table: Path, slopes: Path, laws: Path) -> None:
    """Fit exponents and competing laws to the thresholds of all settings.

    Args:
        spec: spec of the stage.
        table: thresholds of all settings.
        slopes: output, one row per exponent.
        laws: output, one row per law and kind of what was held out.
    """
    thresholds = tables.read_table(table, "sample_complexity")
    samples = spec["settings"]["bootstrap_samples"]
    found = exponents(thresholds, samples, stream_key("exponents"))
    tables.write_table(slopes, found, artifacts.make_stamp("exponents", spec, {}))
    found = compare_laws(thresholds, samples, stream_key("laws"))
    tables.write_table(laws, found, artifacts.make_stamp("laws", spec, {}))
