"""Which stages' artifacts were made under another spec, told by their stamps alone.

Snakemake remembers specs in `.snakemake`; where that is lost, as after copying results to another
machine, it takes every file that is there for good. The stamps still know.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

from safetensors import SafetensorError, safe_open

from pipeline.artifacts import STAMP
from pipeline.config.grid import cell_directory, cells
from pipeline.config.rhm import RhmConfig
from pipeline.config.schema import Config
from pipeline.config.slices import SLICES, claims_settings
from pipeline.specs import STAGES, make_spec
from pipeline.tables import read_stamp


def stale_stages(config: Config, root: Path) -> list[str]:
    """Stages of which an artifact below `root` is stamped with another spec, in their order."""
    expected = _expected_specs(config, "rhm", config.domains.rhm)
    present = [(root / path, spec) for path, spec in expected if (root / path).exists()]
    stale = {s["stage"] for path, s in present if _stamped_spec(path) != s}
    return [stage for stage in STAGES if stage in stale]


_CELL_ARTIFACTS = {
    "dataset": "dataset.safetensors",
    "train": "losses.parquet",
    "sample": "samples/step{step}.safetensors",
    "measure": "measurements.parquet",
    "probe": "probes.parquet",
}

_SETTING_TABLES = {
    "ceiling": "ceilings",
    "aggregate": "measurements",
    "analyse": "sample_complexity",
    "memorize": "memorization",
}


def _expected_specs(config: Config, name: str, domain: RhmConfig) -> Iterator[tuple[str, dict]]:
    """One artifact of every stage and place with the spec that it should have."""
    run = f"results/{config.run}"
    step = domain.training.checkpoints[0]
    for cell in cells(domain.grid):
        home = cell_directory(f"{run}/{name}", cell)
        for stage, artifact in _CELL_ARTIFACTS.items():
            path = f"{home}/{artifact.format(step=step)}"
            yield path, _spec(stage, name, SLICES[stage](domain, cell))
    tables = [(g, *names) for g in domain.grid.grammars for names in _SETTING_TABLES.items()]
    tables += [(g, "theory", "theory") for g in domain.theory.grammars]
    for setting, stage, table in tables:
        settings = SLICES[stage](domain, SimpleNamespace(setting=setting.label))
        path = f"{run}/{name}/{setting.label}/tables/{table}.parquet"
        yield path, _spec(stage, name, settings)
    slopes = SLICES["exponents"](domain, SimpleNamespace())
    yield f"{run}/tables/{name}_exponents.parquet", _spec("exponents", name, slopes)
    yield f"{run}/tables/claims.parquet", _spec("claims", name, claims_settings(config))


def _spec(stage: str, domain: str, settings: dict) -> dict:
    return json.loads(make_spec(stage, domain, settings))


def _stamped_spec(path: Path) -> dict | None:
    """Spec of the job that made the artifact; None if unreadable."""
    try:
        if path.suffix == ".parquet":
            stamp = read_stamp(path)
        else:
            with safe_open(path, framework="numpy") as file:
                stamp = json.loads((file.metadata() or {}).get(STAMP, "{}"))
    except (SafetensorError, OSError, ValueError):
        return None
    return stamp.get("spec")
