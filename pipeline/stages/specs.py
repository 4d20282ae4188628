"""The spec of a job: everything, beside its input files, that its outputs depend on."""

import json
from typing import Any

from pipeline.base.errors import PipelineError
from pipeline.stages.parts import figure_module, part_module
from pipeline.stages.provenance import canonical_json, code_fingerprint

STAGES = {
    "grammar": ("pipeline.rhm.grammar.rules", None),
    "dataset": ("pipeline.datasets.build", "data"),
    "train": ("pipeline.training.train", "model"),
    "sample": ("pipeline.sampling.generate", "sampler"),
    "measure": ("pipeline.measurement.measure", "measure"),
    "trees": ("pipeline.measurement.measure", "trees"),
    "probe": ("pipeline.measurement.probe", "probe"),
    "ceiling": ("pipeline.rhm.ceiling", None),
    "theory": ("pipeline.rhm.theory.tabulate", None),
    "corpus": ("pipeline.text.corpus.build", None),
    "images": ("pipeline.image.dataset.build", None),
    "controls": ("pipeline.measurement.controls", "controls"),
    "encode": ("pipeline.image.features.encode", None),
    "encode_training": ("pipeline.image.features.encode", None),
    "pictures": ("pipeline.image.pictures", None),
    "decode": ("pipeline.text.perplexity.texts", None),
    "judge": ("pipeline.text.perplexity.judge", None),
    "aggregate": ("pipeline.analysis.aggregate", None),
    "concatenate": ("pipeline.analysis.concatenate", None),
    "analyse": ("pipeline.analysis.sample_complexity", None),
    "depart": ("pipeline.analysis.departures", None),
    "memorize": ("pipeline.analysis.memorization", None),
    "exponents": ("pipeline.analysis.compare", None),
    "converge": ("pipeline.analysis.convergence", None),
    "claims": ("pipeline.claims.decide", None),
    "verdicts": ("pipeline.claims.decide", None),
}
"""For each stage its module, and the domain part it is given."""


def make_spec(stage: str, domain: str, settings: dict[str, Any]) -> str:
    """Canonical JSON of a job's stage, domain, settings and code fingerprint."""
    code = code_fingerprint(*_modules(stage, domain))
    return canonical_json({"stage": stage, "domain": domain, "settings": settings, "code": code})


def read_spec(text: str) -> dict[str, Any]:
    """Parse a spec and make sure that the code has not changed since it was written.

    Raises:
        PipelineError: sources were edited after the workflow had been planned.
    """
    spec = json.loads(text)
    if code_fingerprint(*_modules(spec["stage"], spec["domain"])) != spec["code"]:
        raise PipelineError(
            f"{spec['stage']}: sources changed after the workflow was planned; run snakemake again"
        )
    return spec


def _modules(stage: str, domain: str) -> list[str]:
    if stage not in STAGES:
        return ["pipeline.figures.save", figure_module(stage)]
    module, part = STAGES[stage]
    return [module] if part is None else [module, part_module(domain, part)]
