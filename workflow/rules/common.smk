"""The config, and what rules ask for: files of the plan, and specs that decide what is stale. No rules."""

import re
import sys
from functools import wraps
from pathlib import Path

ROOT = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).parents[1]
if not ROOT.is_dir():
    sys.exit(
        f"error: {ROOT} is no directory; import the Snakefile of a clone on this disk"
    )
sys.path.insert(0, str(ROOT))  # this checkout's package, whichever one is installed

from pipeline.base.errors import PipelineError
from pipeline.base.labels import REPLICAS_PATTERN
from pipeline.config.load import load_configs, read_overrides
from pipeline.run.job_environment import let_jobs_import_from, tell_jobs_their_cpus
from pipeline.run.job_specs import JobSpecs
from pipeline.run.plan import Plan
from pipeline.run.present import Present
from pipeline.stages.catalogue import TABLES
from pipeline.stages.domains import DOMAINS
from pipeline.stages.paths import CELL

IMPORTED = not workflow.modifier.is_main_snakefile()
# Where Snakemake puts what rules call results: below the prefix of an import, if it has one.
RESULTS = Path(workflow.modifier.path_modifier.replace_prefix("results/"))
if RESULTS.name != "results":
    sys.exit("error: replace_prefix would rename results/; import with prefix instead")

let_jobs_import_from(ROOT)
if workflow.remote_exec:
    tell_jobs_their_cpus()


def or_exit(function):
    """The function, with one line in place of a traceback where the user can mend a failure."""

    @wraps(function)
    def call(*arguments):
        try:
            return function(*arguments)
        except PipelineError as error:
            sys.exit(f"error: {error}")

    return call


def overrides_of_import():
    """The `config:` of the module, in which the preset has to be named."""
    if "preset" not in config:
        raise PipelineError(
            'config: the module names no preset; give it one, as config: {"preset": "demo"}, or '
            '{"preset": "none"} for config.yaml as it is'
        )
    return config


def overrides_of_command():
    # Not Snakemake's `config`: of two equal keys it has the last, and nested values as text.
    return read_overrides(
        workflow.overwrite_configfiles, workflow.config_settings.config_args
    )


@or_exit
def read_configs():
    overrides = overrides_of_import() if IMPORTED else overrides_of_command()
    presets = ROOT / "workflow/presets"
    return overrides, load_configs(ROOT / "config.yaml", presets, overrides)


OVERRIDES, CONFIGS = read_configs()
CONFIG = next(iter(CONFIGS.values()))  # of the run itself; others are of its departures
PRESENT = Present(CONFIGS, RESULTS)
PLAN = Plan(CONFIGS, PRESENT, ROOT)
SPECS = JobSpecs(CONFIGS, PRESENT)


wildcard_constraints:
    run="|".join(map(re.escape, CONFIGS)),
    domain="|".join(DOMAINS),
    setting=r"\w+",
    grammar_seed=r"\d+",
    dataset_size=r"\d+|online",
    replicas=REPLICAS_PATTERN,
    table="|".join(sorted({table for tables in TABLES.values() for table in tables})),


def spec(stage):
    """Params function: the spec of a stage's job."""
    return or_exit(SPECS.of_stage(stage))


def checkpoints(domain):
    """Checkpoints of a trajectory, deleted once sampled and probed unless the config keeps them."""
    files = PLAN.steps(domain, "checkpoints")
    return files if CONFIG.domain(domain).training.keep_checkpoints else temp(files)


def keep_work(wildcards):
    return int(CONFIG.domain(wildcards.domain).training.keep_checkpoints)
