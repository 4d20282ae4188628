"""`python -m pipeline.documents.together OUTPUT RUN RUN ...`: runs of grammars, analysed as one.

A law speaks of several settings, and these may be trained in runs of their own, say for different
numbers of steps. Each RUN is the folder of a run, of which the config and the tables of all
settings are enough. OUTPUT is a folder of its own, for tables, figures and `runs.json`.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.analysis.concatenate import concatenate
from pipeline.artifacts.files import replacing
from pipeline.artifacts.tables import read_arrow, read_table, write_arrow, write_table
from pipeline.base.errors import PipelineError
from pipeline.base.section import NoSettings
from pipeline.claims.claims import CLAIMS, POOLED
from pipeline.claims.render import markdown
from pipeline.config.recorded import RECORDED, differing, recorded_config
from pipeline.config.schema import Config
from pipeline.config.slices import figure_settings
from pipeline.documents.again import decide_again
from pipeline.documents.arguments import arguments
from pipeline.figures.draw import draw_figure
from pipeline.stages.figures import FIGURES
from pipeline.stages.specs import make_spec, read_spec

RUNS = "runs.json"
"""What differs between the configs of the runs, by dotted key, in the order of the runs."""
_MEASURED = ("measurements", "losses", "probes", "theory")
"""Tables that are joined, from which the claims follow."""
_KEPT = ("sample_complexity", "exponents", "laws")
"""Tables of what the claims are about."""
_FIGURES = ("rhm_accuracy_vs_dataset_size", "rhm_sample_complexity")
"""Figures that hold settings against each other."""


def analyse_together(output: Path, runs: Sequence[Path]) -> dict[str, list[object]]:
    """Decide the claims that take several settings, from what several runs measured.

    Args:
        output: gets `runs.json`, `figures`, and `tables` of half-way points, exponents, laws, and
            these claims alone. It is no folder of a run.
        runs: each has settings of its own, under the same noise and rules of analysis. Of the first
            are the looks of figures, and the setting that is drawn alone.

    Returns:
        What `runs.json` has: all else in which the runs differ, which is for the reader to weigh.

    Raises:
        PipelineError: a config or a table is missing or cannot be read, the output is a run, two
            runs have a setting in common or other rules, or one is of rules that are not equally
            likely, of which the law does not speak, or leaves cells out.
    """
    if (output / RECORDED).exists():
        raise PipelineError(f"{output}: is a run; give the folder for what comes out first")
    configs = [recorded_config(run) for run in runs]
    _check_rules(runs, configs)
    for section in ("grid", "theory"):
        _check_settings(runs, configs, section)
    with TemporaryDirectory() as folder:
        measured = _joined(runs, Path(folder))
        decide_again(configs[0], "rhm", measured, measured)
        _keep(measured, output / "tables")
        for name in _FIGURES:
            _draw(configs[0], name, measured, output / "figures")
    found = differing([config.plain() for config in configs])
    with replacing(output / RUNS) as temporary:
        temporary.write_text(json.dumps(found, indent=1) + "\n")
    return found


def _check_rules(runs: Sequence[Path], configs: Sequence[Config]) -> None:
    """Refuse runs whose half-way points or verdicts cannot be those of one law."""
    for run, config in zip(runs, configs, strict=True):
        kind = config.domains.rhm.grid.rule_frequencies.kind
        if kind != "equal":
            raise PipelineError(
                f"{run}: domains.rhm.grid.rule_frequencies.kind is {kind}, and the law is for equal"
            )
        if config.partial:
            raise PipelineError(f"{run}: leaves cells out; run it without partial=true first")
    for key, values in differing([_rules(config) for config in configs]).items():
        said = ", ".join(f"{value} in {run}" for value, run in zip(values, runs, strict=True))
        raise PipelineError(f"{key} is {said}; runs that are analysed together need the same")


def _rules(config: Config) -> dict[str, object]:
    """What has to be the same in all runs, by the keys of the config."""
    rhm = config.domains.rhm
    same = {"analysis": rhm.analysis.plain(), "noise": rhm.noise.plain()}
    return {"claims": config.claims.plain(), "domains": {"rhm": same}}


def _check_settings(runs: Sequence[Path], configs: Sequence[Config], section: str) -> None:
    """Refuse a setting of two runs: its replicas could not be told apart."""
    owner: dict[str, Path] = {}
    for run, config in zip(runs, configs, strict=True):
        for setting in getattr(config.domains.rhm, section).grammars:
            if setting.label in owner:
                raise PipelineError(
                    f"{owner[setting.label]} and {run} both have {setting.label} in "
                    f"domains.rhm.{section}.grammars; runs that are analysed together need "
                    "settings of their own"
                )
            owner[setting.label] = run


def _joined(runs: Sequence[Path], folder: Path) -> Path:
    """Join what was measured in all runs into a folder, and return it."""
    spec = read_spec(make_spec("concatenate", "rhm", NoSettings()))
    for name in _MEASURED:
        table = f"rhm_{name}.parquet"
        concatenate(spec, [run / "tables" / table for run in runs], folder / table)
    return folder


def _keep(tables: Path, output: Path) -> None:
    """Keep what claims of several settings are about, and of all claims these alone."""
    for name in _KEPT:
        file = f"rhm_{name}.parquet"
        write_arrow(output / file, *read_arrow(tables / file, name))
    pooled = {(claim.claim, claim.quantity) for claim in CLAIMS if claim.settings == POOLED}
    rows, stamp = read_arrow(tables / "rhm_claims.parquet", "claims")
    claims = rows.to_pandas()
    kept = [place in pooled for place in zip(claims["claim"], claims["quantity"], strict=True)]
    write_table(output / "claims.parquet", claims[kept], stamp)


def _draw(config: Config, name: str, tables: Path, output: Path) -> None:
    """Draw a figure."""
    spec = read_spec(make_spec(name, "rhm", figure_settings(config, name, missing=[])))
    paths = [tables / f"rhm_{table}.parquet" for table in FIGURES[name].tables]
    draw_figure(spec, paths, [output / f"{name}.{suffix}" for suffix in ("pdf", "png")])


if __name__ == "__main__":
    try:
        output, *runs = map(Path, arguments("OUTPUT", "RUN", "RUN ..."))
        for key, values in analyse_together(output, runs).items():
            print(f"{key}: {' | '.join(map(str, values))}")
        print(markdown(read_table(output / "tables/claims.parquet", "claims")))
    except PipelineError as error:
        sys.exit(f"error: {error}")
