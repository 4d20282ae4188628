"""What jobs run is part of their code, as fingerprints have it: all that a real run called."""

import json
from pathlib import Path

import pytest

from pipeline.definitions import load_module
from pipeline.specs import STAGES, code_of
from tests.workflow.checkout import DRAWN

pytestmark = pytest.mark.xdist_group("workflow")

OUTSIDE = {f"pipeline.{name}" for name in ("__main__", "specs", "provenance", "definitions")}
OUTSIDE |= {f"pipeline.{name}" for name in ("syntax", "job_environment", "domains.load")}
OUTSIDE |= {"pipeline.sources.contents"}
"""Modules that start a job, or refuse to, and that no output depends on."""
OF_DEPARTURES = {"depart"}
"""Stages that only runs with departures have."""


@pytest.fixture(scope="module")
def jobs(smoke_run):
    """Spec and calls of every job."""
    records = [json.loads(p.read_text()) for p in (smoke_run.path.parent / "calls").iterdir()]
    found = [(r["arguments"], r["calls"]) for r in records if "--spec" in r["arguments"]]
    return [(json.loads(words[words.index("--spec") + 1]), calls) for words, calls in found]


def is_reached(code, root, path, line):
    """Whether the definition at a line counts in a job's code."""
    parts = Path(path).relative_to(root).with_suffix("").parts
    module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    labels = {f"{module}:{name}" for name in load_module(module).line_of(line)}
    assert labels, (path, line)
    return module in OUTSIDE or not labels.isdisjoint(n.partition("[")[0] for n in code.definitions)


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
    assert {spec["stage"] for spec, _ in jobs} == (STAGES.keys() | DRAWN.keys()) - OF_DEPARTURES
    assert {(s["stage"], s["domain"]) for s, _ in jobs} >= {
        (stage, domain)
        for stage in ("dataset", "train", "sample", "measure")
        for domain in ("rhm", "text", "image")
    }
    assert all(len(calls) > 5 for _, calls in jobs)


def test_what_a_job_calls_is_part_of_its_code(jobs, smoke_run):
    missing = {
        spec["stage"]: found
        for spec, calls in jobs
        if (found := missing_calls(smoke_run.path, spec, calls))
    }
    assert missing == {}
