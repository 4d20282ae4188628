"""`python -m pipeline.documents.again RUN OUTPUT`: a run analysed again, from its tables alone.

RUN is the folder of a run in which only its config and tables of all settings are left, as in the
repository. OUTPUT is a folder for the tables that follow from what was measured.
"""

import sys
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.analysis.compare import compare
from pipeline.analysis.convergence import converge
from pipeline.analysis.memorization import memorize
from pipeline.analysis.sample_complexity import analyse
from pipeline.artifacts import tables
from pipeline.base.errors import PipelineError
from pipeline.base.spec import Spec
from pipeline.claims.decide import decide, show_verdicts
from pipeline.claims.settings import Missing
from pipeline.config.recorded import recorded_config
from pipeline.config.schema import Config
from pipeline.config.slices import SLICES, claims_settings
from pipeline.documents.arguments import arguments
from pipeline.stages.domains import DOMAINS
from pipeline.stages.specs import make_spec, read_spec


def analyse_again(run: Path, output: Path) -> None:
    """Read half-way points, exponents and verdicts off what was measured.

    Args:
        run: holds its config, and `tables/<domain>_<table>.parquet`: measurements and losses of
            every domain of it, probes and theory of grammars, calibration of images.
        output: gets the other tables, and `claims.parquet`, named as those of the run.

    Raises:
        PipelineError: the config or a table is missing or cannot be read.
    """
    config = recorded_config(run)
    output.mkdir(parents=True, exist_ok=True)
    enabled = [name for name in DOMAINS if config.domain(name).enabled]
    for domain in enabled:
        decide_again(config, domain, run / "tables", output)
    spec = read_spec(make_spec("verdicts", "rhm", Missing(missing=[])))
    claims = [output / f"{domain}_claims.parquet" for domain in enabled]
    show_verdicts(spec, claims, output / "claims.parquet", output / "claims.html")


def decide_again(config: Config, domain: str, measured: Path, output: Path) -> None:
    """Make the tables of one domain that follow from what was measured, up to its claims.

    Args:
        config: of the run, for the rules.
        domain: its name.
        measured: folder of the tables that are read.
        output: folder of those that are written.

    Raises:
        PipelineError: a table is missing or cannot be read.
    """
    made = _ANALYSES[domain](config, measured, output) if domain in _ANALYSES else []
    unchanged = [name for name in DOMAINS[domain].claim_tables if name not in made]
    paths = _paths(measured, domain, *unchanged) + _paths(output, domain, *made)
    spec = read_spec(make_spec("claims", domain, claims_settings(config, domain)))
    decide(spec, paths, output / f"{domain}_claims.parquet")


def otherwise(run: Path, output: Path) -> list[str]:
    """Claims that came out otherwise than they stand in the run, a line each.

    Args:
        run: holds `tables/claims.parquet`.
        output: holds `claims.parquet`.
    """
    place = ["claim", "domain", "setting", "quantity"]
    found, before = (
        tables.read_table(folder / "claims.parquet", "claims").set_index(place)["verdict"]
        for folder in (output, run / "tables")
    )
    both = pd.concat([found, before], axis=1, keys=["now", "before"]).fillna("not there")
    changed = both[both["now"] != both["before"]]
    return [
        f"{claim}, {domain}, {'all settings' if pd.isna(setting) else setting}: {quantity}: "
        f"{now}, was {was}"
        for (claim, domain, setting, quantity), now, was in changed.itertuples(name=None)
    ]


def _analyse_grammars(config: Config, measured: Path, output: Path) -> list[str]:
    """Names of the tables for claims that were made."""
    made = ["sample_complexity", "memorization", "laws"]
    measurements, losses, probes = _paths(measured, "rhm", "measurements", "losses", "probes")
    points, times, laws = _paths(output, "rhm", *made)
    copying, exponents = _paths(output, "rhm", "memorization_exponents", "exponents")
    analyse(_spec(config, "rhm", "analyse"), measurements, losses, probes, points)
    memorize(_spec(config, "rhm", "memorize"), measurements, times, copying)
    compare(_spec(config, "rhm", "exponents"), points, measurements, losses, exponents, laws)
    return made


def _analyse_images(config: Config, measured: Path, output: Path) -> list[str]:
    """As above."""
    (convergence,) = _paths(output, "image", "convergence")
    measurements, calibration = _paths(measured, "image", "measurements", "calibration")
    converge(_spec(config, "image", "converge"), measurements, calibration, convergence)
    return ["convergence"]


def _paths(folder: Path, domain: str, *names: str) -> list[Path]:
    return [folder / f"{domain}_{name}.parquet" for name in names]


def _spec(config: Config, domain: str, stage: str) -> Spec[Any]:
    settings = SLICES[domain][stage](config.domain(domain), None)
    return read_spec(make_spec(stage, domain, settings))


_ANALYSES = {"rhm": _analyse_grammars, "image": _analyse_images}


if __name__ == "__main__":
    try:
        run, output = map(Path, arguments("RUN", "OUTPUT"))
        analyse_again(run, output)
        print("\n".join(otherwise(run, output)) or f"{output}: all claims as in {run}")
    except PipelineError as error:
        sys.exit(f"error: {error}")
