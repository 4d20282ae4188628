"""`python -m pipeline.documents.together OUTPUT RUN RUN ...`: runs of grammars, analysed as one.

A law speaks of several settings, and these may be trained in runs of their own, say for different
numbers of steps. Each RUN is the folder of a run, of which the config and the tables of all
settings are enough. OUTPUT is a folder for tables and figures, laid out like that of a run.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pipeline.analysis.concatenate import concatenate
from pipeline.artifacts.tables import read_arrow, read_table, write_table
from pipeline.base.errors import PipelineError
from pipeline.base.section import NoSettings
from pipeline.claims.claims import CLAIMS, POOLED
from pipeline.claims.render import markdown
from pipeline.config.recorded import differing, recorded_config
from pipeline.config.schema import Config
from pipeline.config.slices import SLICES, claims_settings, figure_settings
from pipeline.documents.again import decide_again
from pipeline.documents.arguments import arguments
from pipeline.figures.draw import draw_figure
from pipeline.stages.figures import FIGURES
from pipeline.stages.specs import make_spec, read_spec

_MEASURED = ("measurements", "losses", "probes", "theory")
"""Tables that are joined; the others follow from them."""
_Recorded = tuple[Path, Config]
"""Folder of a run, and its config."""
_FIGURES = ("rhm_accuracy_vs_dataset_size", "rhm_sample_complexity")
"""Figures that hold settings against each other."""


def analyse_together(output: Path, runs: Sequence[Path]) -> None:
    """Decide the claims that take several settings, from what several runs measured.

    Args:
        output: gets `tables`, of which `claims.parquet` has these claims alone, and `figures`.
        runs: each has settings of its own, and the same rules of analysis. What else differs
            between them is for the reader to weigh.

    Raises:
        PipelineError: a config or a table is missing or cannot be read, two runs have a setting in
            common, or their rules differ.
    """
    configs = [(run, recorded_config(run)) for run in runs]
    _check_rules(configs)
    _check_settings(configs)
    (_, config), tables = configs[0], output / "tables"
    tables.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder:
        measured = _joined(runs, Path(folder))
        decide_again(config, "rhm", measured, tables)
        _keep_pooled(tables)
        for name in _FIGURES:
            _draw(config, name, (measured, tables), output / "figures")


def _joined(runs: Sequence[Path], folder: Path) -> Path:
    """Folder, with what was measured in all runs."""
    spec = read_spec(make_spec("concatenate", "rhm", NoSettings()))
    for name in _MEASURED:
        table = f"rhm_{name}.parquet"
        concatenate(spec, [run / "tables" / table for run in runs], folder / table)
    return folder


def _check_rules(configs: Sequence[_Recorded]) -> None:
    """Refuse runs whose half-way points or verdicts come about by different rules."""
    others = differing([_rules(config) for _, config in configs])
    if others:
        names, (key, values) = [run for run, _ in configs], next(iter(others.items()))
        raise PipelineError(
            f"{' and '.join(map(str, names))}: {key} is {' and '.join(map(str, values))}; runs "
            "that are analysed together need the same rules"
        )


def _rules(config: Config) -> dict[str, Any]:
    """Settings of the stages that analyse, by stage."""
    domain, stages = config.domains.rhm, ("analyse", "memorize", "exponents")
    rules = {name: SLICES["rhm"][name](domain, None) for name in stages}
    rules["claims"] = claims_settings(config, "rhm")
    return {name: section.plain() for name, section in rules.items()}


def _check_settings(configs: Sequence[_Recorded]) -> None:
    """Refuse a setting of two runs: its replicas could not be told apart."""
    owner: dict[str, Path] = {}
    for run, config in configs:
        for setting in config.domains.rhm.settings:
            if setting.label in owner:
                raise PipelineError(
                    f"{owner[setting.label]} and {run} both have the setting {setting.label}; "
                    "runs that are analysed together need settings of their own"
                )
            owner[setting.label] = run


def _keep_pooled(tables: Path) -> None:
    """Claims that single settings decide are those of the runs; these are not told again."""
    pooled = {(claim.claim, claim.quantity) for claim in CLAIMS if claim.settings == POOLED}
    path = tables / "rhm_claims.parquet"
    claims = read_table(path, "claims")
    kept = [place in pooled for place in zip(claims["claim"], claims["quantity"], strict=True)]
    write_table(tables / "claims.parquet", claims[kept], read_arrow(path, "claims")[1])


def _draw(config: Config, name: str, tables: Sequence[Path], output: Path) -> None:
    """Draw a figure from tables that are in one of several folders each."""
    spec = read_spec(make_spec(name, "rhm", figure_settings(config, name, missing=[])))
    files = [f"rhm_{table}.parquet" for table in FIGURES[name].tables]
    paths = [path for file in files for folder in tables if (path := folder / file).is_file()]
    draw_figure(spec, paths, [output / f"{name}.{suffix}" for suffix in ("pdf", "png")])


if __name__ == "__main__":
    try:
        output, *runs = map(Path, arguments("OUTPUT", "RUN", "RUN ..."))
        analyse_together(output, runs)
        for key, values in differing([recorded_config(run).plain() for run in runs]).items():
            print(f"{key}: {' | '.join(map(str, values))}")
        print(markdown(read_table(output / "tables/claims.parquet", "claims")))
    except PipelineError as error:
        sys.exit(f"error: {error}")
