"""Which stages' artifacts were made under another spec, told by their stamps alone.

Snakemake remembers specs in `.snakemake`; where that is lost, as after copying results to another
machine, it takes every file that is there for good. The stamps still know.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
from safetensors import safe_open

from pipeline.artifacts import STAMP
from pipeline.config import slices
from pipeline.config.grid import cell_directory, cells, parse_replicas
from pipeline.config.rhm import RhmConfig
from pipeline.config.schema import Config
from pipeline.specs import STAGES, make_spec
from pipeline.tables import table_stamp


def stale_stages(config: Config, root: Path) -> list[str]:
    """Stages of which an artifact below `root` is stamped with another spec, in their order."""
    expected = _expected_specs(config, "rhm", config.domains.rhm)
    present = [(root / path, spec) for path, spec in expected if (root / path).exists()]
    stale = {spec["stage"] for path, spec in present if _stamped_spec(path) != spec}
    return [stage for stage in STAGES if stage in stale]


def _expected_specs(config: Config, name: str, domain: RhmConfig) -> Iterator[tuple[str, dict]]:
    directory = f"results/{config.run}/{name}"
    step = domain.training.checkpoints[0]
    for cell in cells(domain.grid):
        for replica in parse_replicas(cell.replicas):
            settings = slices.grammar_settings(cell.setting, replica.grammar_seed)
            path = f"{directory}/{cell.setting}/grammar_g{replica.grammar_seed}.safetensors"
            yield path, _spec("grammar", name, settings)
        home = cell_directory(directory, cell)
        stages = {
            "dataset": ("dataset.safetensors", slices.dataset_settings(domain, cell)),
            "train": (f"checkpoints/step{step}.safetensors", slices.train_settings(domain, cell)),
            "sample": (f"samples/step{step}.safetensors", slices.sample_settings(domain)),
            "measure": ("measurements.parquet", slices.measure_settings(domain)),
        }
        for stage, (file, settings) in stages.items():
            yield f"{home}/{file}", _spec(stage, name, settings)


def _spec(stage: str, domain: str, settings: dict) -> dict:
    return json.loads(make_spec(stage, domain, settings))


def _stamped_spec(path: Path) -> dict | None:
    if path.suffix == ".parquet":
        return table_stamp(pq.read_table(path, columns=[], partitioning=None)).get("spec")
    with safe_open(path, framework="numpy") as file:
        return json.loads((file.metadata() or {}).get(STAMP, "{}")).get("spec")
