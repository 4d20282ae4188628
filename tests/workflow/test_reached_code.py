"""What jobs run is part of their code, as fingerprints have it: all that a real run called."""

import json
from pathlib import Path

import pytest

from pipeline.stages.definitions import load_module
from pipeline.stages.specs import STAGES, code_of
from tests.workflow.checkout import DRAWN, SMOKE

OUTSIDE = ("pipeline.__main__", "pipeline.stages.", "pipeline.run.", "pipeline.base.choices")
OUTSIDE += ("pipeline.base.canonical", "pipeline.sources.contents", "pipeline.sources.directory")
OUTSIDE += ("pipeline.artifacts.stamps",)
"""Modules that start a job, or refuse to where files are not those that its settings have."""
OF_OTHER_RUNS = {"depart", "encode_training"}
"""Stages that only runs with departures, or with image sets of finite size, have."""
WITH_SPEC = {name for name, stage in STAGES.items() if stage.settings} - {"figure"}


OTHER_CHOICES = {
    "noise": {"process": "absorbing", "mixture": "exact", "schedule": {"kind": "ddpm_linear_beta"}},
    "network": {"architecture": "plain_unet", "noise_input": "cosines"},
    "training": {"loss": "hybrid", "optimizer": {"kind": "adam", "beta1": 0.9, "beta2": 0.999}},
}
CELL = "results/smoke/rhm/v4_m2_s2_L2/P8/g0d0n0+g1d0n0"


def choose_otherwise(rhm, _content):
    for section, values in OTHER_CHOICES.items():
        rhm.setdefault(section, {}).update(values)


def read_jobs(calls):
    """Spec and calls of every job."""
    records = [json.loads(path.read_text()) for path in calls.iterdir()]
    found = [(r["arguments"], r["calls"]) for r in records if "--spec" in r["arguments"]]
    return [(json.loads(words[words.index("--spec") + 1]), calls) for words, calls in found]


@pytest.fixture(scope="module")
def jobs(smoke_run):
    return read_jobs(smoke_run.path.parent / "calls")


def is_reached(code, root, path, line):
    """Whether the definition at a line counts in a job's code."""
    parts = Path(path).relative_to(root).with_suffix("").parts
    module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    if module.startswith(OUTSIDE):
        return True
    labels = {f"{module}:{name}" for name in load_module(module).line_of(line)}
    return not labels.isdisjoint(label.partition("[")[0] for label in code.definitions)


def missing_calls(root, spec, calls):
    """Calls of definitions that a job's code lacks, but for values that nothing reached uses."""
    code = code_of(spec)
    return [
        (path, line)
        for path, line, importing, statement in calls
        if not is_reached(code, root, path, line)
        and (importing is None or is_reached(code, root, importing, statement))
    ]


def test_every_stage_and_figure_is_looked_at(jobs):
    assert {spec["stage"] for spec, _ in jobs} == (WITH_SPEC | DRAWN.keys()) - OF_OTHER_RUNS
    assert {(s["stage"], s["domain"]) for s, _ in jobs} >= {
        (stage, domain)
        for stage in ("dataset", "train", "sample", "measure")
        for domain in ("rhm", "text", "image")
    }
    assert all(len(calls) > 5 for _, calls in jobs)


def all_missing(root, jobs):
    found = [(spec["stage"], missing_calls(root, spec, calls)) for spec, calls in jobs]
    return {stage: missing for stage, missing in found if missing}


def test_what_a_job_calls_is_part_of_its_code(jobs, smoke_run):
    assert all_missing(smoke_run.path, jobs) == {}


def test_what_a_job_calls_by_other_choices_is_part_of_its_code(smoke_run, tmp_path):
    checkout, calls = smoke_run.copy(tmp_path / "checkout"), tmp_path / "calls"
    checkout.edit_preset(choose_otherwise)
    targets = [f"{CELL}/measurements.parquet", f"{CELL}/probes.parquet"]
    result = checkout.traced(calls, *SMOKE, *targets)
    assert result.returncode == 0, result.stderr
    jobs = read_jobs(calls)
    assert [spec["stage"] for spec, _ in jobs].count("train") == 1
    assert {"sample", "measure", "probe"} <= {spec["stage"] for spec, _ in jobs}
    assert all_missing(checkout.path, jobs) == {}
