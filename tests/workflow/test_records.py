"""Records of stages, held against every rule of the workflow and every job of a plan."""

import inspect
import re
import shlex
from importlib import import_module
from typing import NamedTuple

import pytest
import yaml

from pipeline.stages.catalogue import RULES, STAGES
from pipeline.stages.domains import DOMAINS
from pipeline.stages.figures import FIGURES
from pipeline.stages.record import Files
from tests.workflow.checkout import ROOT, SMOKE, Checkout

STAGE_OF = {rule.name: stage for stage in STAGES.values() for rule in stage.rules}
TARGETS = {"all", *DOMAINS}
DEPARTURE = {"narrow": {"network": {"width": 8}}}


class Job(NamedTuple):
    """A job of a plan: what Snakemake says of it, and its command by option."""

    rule: str
    stage: str
    inputs: set[str]
    outputs: set[str]
    logs: set[str]
    wildcards: dict[str, str]
    options: dict[str, list[str]]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    return Checkout.of_sources(tmp_path_factory.mktemp("records") / "checkout")


@pytest.fixture(scope="module")
def jobs(checkout):
    """Jobs of the smoke preset with everything that there is: every rule has some."""
    demo = yaml.safe_load((ROOT / "workflow/presets/demo.yaml").read_text())["domains"]
    paper = yaml.safe_load((ROOT / "config.yaml").read_text())["domains"]
    everything = {
        "figures": list(FIGURES),
        "departures": DEPARTURE,
        "domains": {
            "text": {
                "data": {"source": paper["text"]["data"]["source"]},
                "judge": {"model": demo["text"]["judge"]["model"]},
            },
            "image": {
                "data": {"source": demo["image"]["data"]["source"]},
                "grid": {"dataset_sizes": [32, "online"]},
                "encoder": {"model": demo["image"]["encoder"]["model"]},
            },
        },
    }
    (checkout.path / "everything.yaml").write_text(yaml.safe_dump(everything))
    arguments = ("--configfile", "everything.yaml", "--dry-run", "--printshellcmds")
    result = checkout.snakemake(*SMOKE, *arguments, "--quiet", "host")
    assert result.returncode == 0, result.stderr
    return parse(result.stdout + result.stderr)


def parse(output: str) -> list[Job]:
    blocks = re.split(r"^(?:local)?rule (\w+):\n", output, flags=re.MULTILINE)[1:]
    found = zip(blocks[::2], blocks[1::2], strict=True)
    return [parse_job(rule, text) for rule, text in found if rule not in TARGETS]


def parse_job(rule: str, text: str) -> Job:
    fields = dict(re.findall(r"^    (\w+): (.*)$", text, re.MULTILINE))
    paths = {name: set(fields.get(name, "").split(", ")) - {""} for name in ("input", "output")}
    logs = {fields["log"], *filter(None, [fields.get("benchmark")])}
    wildcards = dict(part.split("=", 1) for part in fields.get("wildcards", "").split(", ") if part)
    command = re.search(r"python -m (pipeline .*?) ?2> ?\S+", text, re.DOTALL)[1]
    _, stage, *words = shlex.split(command.replace("\\\n", " "))
    options: dict[str, list[str]] = {}
    for word in words:
        if word.startswith("--"):
            option = word.removeprefix("--").replace("-", "_")
            assert option not in options
            options[option] = []
        else:
            options[option].append(word)
    return Job(rule, stage, paths["input"], paths["output"], logs, wildcards, options)


@pytest.fixture(scope="module")
def described(checkout):
    """What Snakemake says of all rules, by their names."""
    listed = checkout.snakemake(*SMOKE, "--list-rules").stdout.splitlines()
    return {name: said for name, _, said in (line.partition(" ") for line in listed)}


def test_every_rule_has_a_record_and_jobs(described, jobs):
    rules = described.keys() - TARGETS
    assert rules == set(RULES)
    assert {job.rule for job in jobs} == rules


def test_every_rule_is_described_in_a_line(described):
    undescribed = [rule for rule, said in described.items() if not re.fullmatch(r"\(.+\.\)", said)]
    assert undescribed == []


def test_the_snakefile_where_tools_look_for_it_plans_the_same(checkout):
    assert checkout.stale("--snakefile", "workflow/Snakefile") == checkout.stale()


def test_every_job_runs_the_stage_of_its_rule_with_the_options_of_its_record(jobs):
    for job in jobs:
        stage = STAGE_OF[job.rule]
        assert job.stage == stage.name
        expected = {file.option for file in (*stage.inputs, *stage.outputs)}
        expected |= {option.option for option in stage.options}
        expected |= {"spec"} if stage.settings else set()
        optional = {file.option for file in stage.inputs if file.number == "optional"}
        assert expected - optional <= set(job.options) <= expected, job.rule


@pytest.mark.parametrize("name", ["inputs", "outputs"])
def test_every_file_of_a_job_is_in_its_command_under_an_option_of_its_record(jobs, name):
    for job in jobs:
        files = getattr(STAGE_OF[job.rule], name)
        named = [path for file in files for path in job.options.get(file.option, [])]
        assert set(named) == getattr(job, name), job.rule


def test_paths_are_as_many_and_of_such_patterns_as_records_say(jobs):
    seen = set()
    for job in jobs:
        for file, pattern in files_of(job.rule):
            paths = job.options.get(file.option, [])
            assert file.number == "many" or len(paths) <= 1
            assert file.number != "one" or paths
            assert [path for path in paths if not matches(path, pattern, job)] == []
            seen |= {(job.rule, file.option) for _ in paths}
    files = {(rule, file.option): pattern for rule in RULES for file, pattern in files_of(rule)}
    assert seen == {place for place, pattern in files.items() if pattern}


def files_of(rule: str) -> list[tuple[Files, str]]:
    """Files of a rule's stage, each with the pattern that it has for the rule."""
    stage, paths = STAGE_OF[rule], RULES[rule].paths
    files = (*stage.inputs, *stage.outputs)
    return [(file, paths.get(file.option, file.pattern)) for file in files]


def matches(path: str, pattern: str, job: Job) -> bool:
    """Whether a path is of a pattern, with the job's wildcards and fields of its domain put in."""
    known = {name: job.wildcards[name] for name in ("domain", "setting") if name in job.wildcards}
    if "domain" in known:
        assert known["domain"] in RULES[job.rule].domains
        domain = vars(DOMAINS[known["domain"]])
        for field in ("source", "reference", "measured", "measured_controls", "training_data"):
            pattern = pattern.replace(f"{{{field}}}", domain[field])
    parts = re.split(r"\{(\w+)\}", pattern)  # of which every second is a wildcard
    parts[::2] = map(re.escape, parts[::2])
    parts[1::2] = [re.escape(known.get(wildcard, "")) or ".+" for wildcard in parts[1::2]]
    return re.fullmatch("".join(parts), path) is not None


def test_every_job_writes_a_log_and_what_takes_long_a_benchmark(jobs):
    for job in jobs:
        assert all(path.endswith((".log", ".benchmark.tsv")) for path in job.logs)
        assert any(path.endswith(".log") for path in job.logs)
    measured = {job.rule for job in jobs if any(p.endswith(".tsv") for p in job.logs)}
    assert measured >= {rule for rule, record in RULES.items() if record.seconds > 4}


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
def test_the_function_of_a_stage_takes_what_its_record_says(stage):
    function = getattr(import_module(stage.module), stage.function.partition(":")[2])
    files = [file.option for file in (*stage.inputs, *stage.outputs)]
    given = [*stage.parts, *(option.option for option in stage.options), *files]
    given += ["spec"] if stage.settings else []
    parameters = inspect.signature(function).parameters.values()
    needed = {p.name for p in parameters if p.default is p.empty}
    assert needed <= set(given) <= {p.name for p in parameters}


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
def test_the_parts_of_a_stage_are_there_for_every_domain_that_has_it(stage):
    for domain in {name for rule in stage.rules for name in rule.domains}:
        for part in stage.parts.values():
            assert (ROOT / f"pipeline/{domain}/{part}.py").exists()


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
def test_stamps_tell_what_made_an_output_of_every_stage_with_a_spec(stage):
    """So that what is stale is seen where Snakemake has no record of it."""
    endings = {file.pattern.rpartition(".")[2] for file in stage.outputs}
    assert not stage.settings or endings & {"safetensors", "parquet", "{kind}"}


def test_a_profile_asks_resources_for_rules_that_there_are():
    profile = yaml.safe_load((ROOT / "workflow/profiles/slurm/config.yaml").read_text())
    grouped = {entry.partition("=")[0] for entry in profile["groups"]}
    assert grouped | set(profile["set-resources"]) <= set(RULES)
