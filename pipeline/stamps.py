"""Which artifacts were made under another spec, told by their stamps alone.

Snakemake remembers specs in `.snakemake`. Where that is lost, as after copying results to another
machine, or was never written, as for a job that ended after its snakemake had been killed, it takes
every file that is there for good. The stamps still know.
"""

import json
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Set
from pathlib import Path
from types import SimpleNamespace

from safetensors import SafetensorError, safe_open

from pipeline.artifacts import STAMP
from pipeline.config.grid import DomainConfig, cells
from pipeline.config.labels import cell_directory
from pipeline.config.schema import Config
from pipeline.config.slices import SLICES, claims_settings, departures_settings
from pipeline.specs import STAGES, make_spec
from pipeline.tables import read_stamp


def stale_artifacts(config: Config, root: Path, recorded: Set[str]) -> dict[str, list[str]]:
    """Artifacts below `root` that are not on record and stamped with another spec, by rule."""
    stale: dict[str, list[str]] = {rule: [] for stage in STAGES for rule in _rules_of(stage)}
    for path, spec in _expected_specs(config):
        unknown = path not in recorded and (root / path).exists()
        if unknown and _stamped_spec(root / path) != spec:
            stale[_rule(path, spec)].append(path)
    return {rule: paths for rule, paths in stale.items() if paths}


def _rules_of(stage: str) -> tuple[str, ...]:
    return (stage, f"{stage}_text", f"{stage}_image", f"{stage}_controls")


_OF_CONTROLS = ("control_judgements.parquet", "calibration.parquet", "control_features/")
_OF_CONTROLS += ("control_pictures.parquet",)
"""Parts of paths whose stages are run by a rule for controls."""
_RULES = {
    ("train", "text"): "train_text",
    ("sample", "text"): "sample_text",
    ("probe", "text"): "probe_text",
    ("train", "image"): "train_image",
    ("sample", "image"): "sample_image",
    ("controls", "image"): "controls_image",
}
"""Rules that are not named as their stage: those of a domain whose outputs are others."""


def _rule(path: str, spec: dict) -> str:
    """The rule that runs a stage."""
    if any(part in path for part in _OF_CONTROLS):
        return f"{spec['stage']}_controls"
    return _RULES.get((spec["stage"], spec["domain"]), spec["stage"])


def recorded_paths(metadata: Path) -> set[str]:
    """Paths that Snakemake has a record of, which are the names of its records in base64.

    A name that is too long for the disk is cut into directories, each with an @ before it.
    """
    names = (path.relative_to(metadata).parts for path in metadata.rglob("*") if path.is_file())
    encoded = ("".join(part.removeprefix("@") for part in parts) for parts in names)
    return {urlsafe_b64decode(name).decode() for name in encoded}


_CELL_ARTIFACTS = {
    "dataset": "dataset.safetensors",
    "train": "losses.parquet",
    "sample": "samples/step{step}.safetensors",
    "encode": "features/step{step}.safetensors",
    "encode_training": "training_features.safetensors",
    "pictures": "pictures.parquet",
    "measure": "measurements.parquet",
    "trees": "trees.parquet",
    "probe": "probes.parquet",
    "decode": "texts.parquet",
    "judge": "judgements.parquet",
}

_SETTING_ARTIFACTS = {
    "corpus": "corpus.safetensors",
    "ceiling": "tables/ceilings.parquet",
    "images": "images.safetensors",
    "controls": "controls/real.safetensors",
    "converge": "tables/convergence.parquet",
    "aggregate": "tables/measurements.parquet",
    "analyse": "tables/sample_complexity.parquet",
    "memorize": "tables/memorization.parquet",
}


def _expected_specs(config: Config) -> Iterator[tuple[str, dict]]:
    """One artifact of every stage and place with the spec that it should have."""
    for name in SLICES:
        if config.domain(name).enabled:
            yield from _domain_specs(f"results/{config.run}/{name}", name, config.domain(name))
    if config.domains.rhm.enabled:
        yield from _rhm_specs(config)
    yield from _control_specs(config)
    for name in SLICES:
        if config.domain(name).enabled:
            claims = f"results/{config.run}/tables/{name}_claims.parquet"
            yield claims, _spec("claims", name, claims_settings(config, name))


def _domain_specs(root: str, name: str, domain: DomainConfig) -> Iterator[tuple[str, dict]]:
    slices, step = SLICES[name], domain.training.checkpoints[0]
    for cell in cells(domain):
        for stage in slices.keys() & _CELL_ARTIFACTS:
            path = f"{cell_directory(root, cell)}/{_CELL_ARTIFACTS[stage].format(step=step)}"
            yield path, _spec(stage, name, slices[stage](domain, cell))
    for setting in domain.settings:
        place = SimpleNamespace(setting=setting.label)
        for stage in slices.keys() & _SETTING_ARTIFACTS:
            path = f"{root}/{setting.label}/{_SETTING_ARTIFACTS[stage]}"
            yield path, _spec(stage, name, slices[stage](domain, place))


def _control_specs(config: Config) -> Iterator[tuple[str, dict]]:
    """Controls of text and images go through the stages that samples go through."""
    artifacts = {"measure": "tables/calibration.parquet"}
    artifacts |= {"judge": "tables/control_judgements.parquet"}
    artifacts |= {"pictures": "tables/control_pictures.parquet"}
    artifacts |= {"encode": "control_features/real.safetensors"}
    for name in ("text", "image"):
        domain, slices = config.domain(name), SLICES[name]
        for setting in domain.settings if domain.enabled else []:
            for stage in slices.keys() & artifacts:
                path = f"results/{config.run}/{name}/{setting.label}/{artifacts[stage]}"
                yield path, _spec(stage, name, slices[stage](domain, setting))


def _rhm_specs(config: Config) -> Iterator[tuple[str, dict]]:
    """What only this domain has, and has once for all settings or for settings of its own."""
    domain, tables = config.domains.rhm, f"results/{config.run}/tables"
    for setting in domain.theory.grammars:
        settings = SLICES["rhm"]["theory"](domain, SimpleNamespace(setting=setting.label))
        path = f"results/{config.run}/rhm/{setting.label}/tables/theory.parquet"
        yield path, _spec("theory", "rhm", settings)
    slopes = SLICES["rhm"]["exponents"](domain, SimpleNamespace())
    yield f"{tables}/rhm_exponents.parquet", _spec("exponents", "rhm", slopes)
    if config.departures:
        path = f"{tables}/rhm_departures.parquet"
        yield path, _spec("depart", "rhm", departures_settings(config))


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
