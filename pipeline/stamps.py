"""Which stages' artifacts were made under another spec, told by their stamps alone.

Snakemake remembers specs in `.snakemake`; where that is lost, as after copying results to another
machine, it takes every file that is there for good. The stamps still know.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
from safetensors import SafetensorError, safe_open

from pipeline.artifacts import STAMP
from pipeline.config.grid import cell_directory, cells
from pipeline.config.rhm import RhmConfig
from pipeline.config.schema import Config
from pipeline.config.slices import SLICES
from pipeline.specs import STAGES, make_spec
from pipeline.tables import table_stamp


def stale_stages(config: Config, root: Path) -> list[str]:
    """Stages of which an artifact below `root` is stamped with another spec, in their order."""
    expected = _expected_specs(config, "rhm", config.domains.rhm)
    present = [(root / path, spec) for path, spec in expected if (root / path).exists()]
    stale = {s["stage"] for path, s in present if _stamped_spec(path, s["stage"]) != s}
    return [stage for stage in STAGES if stage in stale]


def _expected_specs(config: Config, name: str, domain: RhmConfig) -> Iterator[tuple[str, dict]]:
    directory = f"results/{config.run}/{name}"
    step = domain.training.checkpoints[0]
    for cell in cells(domain.grid):
        home = cell_directory(directory, cell)
        paths = {
            "dataset": f"{home}/dataset.safetensors",
            "train": f"{home}/samples/step{step}.safetensors",
            "sample": f"{home}/samples/step{step}.safetensors",
            "measure": f"{home}/measurements.parquet",
            "probe": f"{home}/probes.parquet",
        }
        for stage, path in paths.items():
            yield path, json.loads(make_spec(stage, name, SLICES[stage](domain, cell)))
    yield from _theory_specs(directory, name, domain)


def _theory_specs(directory: str, name: str, domain: RhmConfig) -> Iterator[tuple[str, dict]]:
    for setting in domain.theory.grammars:
        settings = SLICES["theory"](domain, SimpleNamespace(setting=setting.label))
        path = f"{directory}/{setting.label}/tables/theory.parquet"
        yield path, json.loads(make_spec("theory", name, settings))


def _stamped_spec(path: Path, stage: str) -> dict | None:
    """Spec of the artifact, or that of the training behind its samples; None if unreadable."""
    try:
        if path.suffix == ".parquet":
            stamp = table_stamp(pq.read_schema(path))
        else:
            with safe_open(path, framework="numpy") as file:
                stamp = json.loads((file.metadata() or {}).get(STAMP, "{}"))
    except (SafetensorError, OSError, pa.ArrowInvalid):
        return None
    return stamp.get("trained" if stage == "train" else "spec")
