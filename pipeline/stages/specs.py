"""The spec of a job: everything, beside its input files, that its outputs depend on."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from pipeline.base.choices import hold_to
from pipeline.base.errors import PipelineError
from pipeline.stages.parts import part_module
from pipeline.stages.provenance import Code, canonical_json, named_choices, reachable_code


class Stage(NamedTuple):
    """Where a stage enters the code.

    Attributes:
        function: as `module:function`.
        parts: parts of the domain that it is given.
        carried: stage whose settings its inputs carry, where it makes choices by them.
    """

    function: str
    parts: tuple[str, ...] = ()
    carried: str | None = None


STAGES = {
    "grammar": Stage("pipeline.rhm.grammar.rules:make_grammar"),
    "dataset": Stage("pipeline.datasets.build:make_dataset", ("data",)),
    "train": Stage("pipeline.training.train:train", ("model",)),
    "sample": Stage("pipeline.sampling.generate:sample", ("model", "sampler"), "train"),
    "measure": Stage("pipeline.measurement.measure:measure", ("measure",)),
    "trees": Stage("pipeline.measurement.measure:measure", ("trees",)),
    "probe": Stage("pipeline.measurement.probe:probe", ("model", "probe"), "train"),
    "ceiling": Stage("pipeline.rhm.ceiling:ceiling"),
    "theory": Stage("pipeline.rhm.theory.tabulate:tabulate"),
    "corpus": Stage("pipeline.text.corpus.build:make_corpus"),
    "images": Stage("pipeline.image.dataset.build:make_images"),
    "controls": Stage("pipeline.measurement.controls:make_controls", ("controls",)),
    "encode": Stage("pipeline.image.features.encode:encode"),
    "encode_training": Stage("pipeline.image.features.encode:encode_training"),
    "pictures": Stage("pipeline.image.pictures:keep_pictures"),
    "decode": Stage("pipeline.text.perplexity.texts:decode_samples"),
    "judge": Stage("pipeline.text.perplexity.judge:judge"),
    "aggregate": Stage("pipeline.analysis.aggregate:aggregate"),
    "concatenate": Stage("pipeline.analysis.concatenate:concatenate"),
    "analyse": Stage("pipeline.analysis.sample_complexity:analyse"),
    "depart": Stage("pipeline.analysis.departures:depart"),
    "memorize": Stage("pipeline.analysis.memorization:memorize"),
    "exponents": Stage("pipeline.analysis.compare:compare"),
    "converge": Stage("pipeline.analysis.convergence:converge"),
    "claims": Stage("pipeline.claims.decide:decide"),
    "verdicts": Stage("pipeline.claims.decide:show_verdicts"),
}
"""Every stage but figures, each of which has its own name for one."""


def make_spec(
    stage: str,
    domain: str,
    settings: dict[str, Any],
    carried: Mapping[str, Any] = MappingProxyType({}),
) -> str:
    """Canonical JSON of a job's stage, domain, settings, and of the code that these reach.

    Args:
        stage: name of a stage, or of a figure.
        domain: name of the domain.
        settings: of the stage.
        carried: settings of the stage that `Stage.carried` names; without them, what they choose
            from counts in full.
    """
    entries = _entries(stage, domain)
    code = reachable_code(entries, named_choices(entries, carried, settings))
    spec = {"stage": stage, "domain": domain, "settings": settings, "code": code.fingerprint}
    return canonical_json(spec | {"choices": code.choices})


def read_spec(text: str) -> dict[str, Any]:
    """Parse a spec and make sure that the code has not changed since it was written.

    Raises:
        PipelineError: sources were edited after the workflow had been planned.
    """
    spec = json.loads(text)
    if code_of(spec).fingerprint != spec["code"]:
        raise PipelineError(
            f"{spec['stage']}: sources changed after the workflow was planned; run snakemake again"
        )
    return spec


def start_job(text: str) -> dict[str, Any]:
    """Read the spec of the job of this process, which may then choose as it was planned to.

    Raises:
        PipelineError: sources were edited after the workflow had been planned.
    """
    spec = read_spec(text)
    hold_to(spec["choices"])
    return spec


def code_of(spec: Mapping[str, Any]) -> Code:
    """The code that a job of this spec can reach, as the sources are now."""
    return reachable_code(_entries(spec["stage"], spec["domain"]), spec["choices"])


def _entries(stage: str, domain: str) -> tuple[str, ...]:
    if stage not in STAGES:
        return ("pipeline.figures.save:save_figure", f"pipeline.figures.{stage}")
    function, parts, _ = STAGES[stage]
    return (function, *(part_module(domain, part) for part in parts))
