"""Config, wildcards, and the spec that decides whether a job is stale. No rules."""

import base64
import re
import sys
from pathlib import Path

ROOT = Path(workflow.basedir)
sys.path.insert(0, str(ROOT))  # this checkout's package, whichever one is installed

from pipeline.config.disk import describe_disk
from pipeline.config.grid import (
    REPLICAS_PATTERN,
    cell_directory,
    cells,
    parse_replicas,
)
from pipeline.config.load import load_config
from pipeline.config.schema import COMPARISONS, FIGURES, TABLES
from pipeline.config.slices import SLICES, claims_settings, figure_settings
from pipeline.domains.load import DOMAINS
from pipeline.errors import PipelineError
from pipeline.progress import GridProgress
from pipeline.specs import make_spec

try:
    CONFIG = load_config(ROOT / "config.yaml", ROOT / "workflow/presets", config)
except PipelineError as error:
    sys.exit(f"error: {error}")

CELL = "results/{run}/{domain}/{setting}/P{dataset_size}/{replicas}"
SETTING_TABLE = "results/{run}/{domain}/{setting}/tables/{table}.parquet"
TABLE = "results/{run}/tables/{domain}_{table}.parquet"


wildcard_constraints:
    run=re.escape(CONFIG.run),
    domain="|".join(DOMAINS),
    setting=r"\w+",
    grammar_seed=r"\d+",
    dataset_size=r"\d+|online",
    replicas=REPLICAS_PATTERN,
    table="|".join(TABLES),


onstart:
    parallel = workflow.nodes or workflow.cores or 1
    print(describe_disk(CONFIG, parallel), file=sys.stderr)
    jobs = {job.jobid: job.rule.name for job in workflow.dag.needrun_jobs()}
    logger.addHandler(GridProgress(jobs, parallel))


def warn_of_stale_artifacts():
    """Where Snakemake's record of specs is lost, let the stamps of artifacts say what is stale."""
    prefix = f"results/{CONFIG.run}/".encode()
    recorded = base64.b64encode(
        prefix[: len(prefix) // 3 * 3]
    ).decode()  # as Snakemake names them
    lost = not any((Path(".snakemake") / "metadata").glob(f"{recorded}*"))
    if lost and workflow.is_main_process and Path("results", CONFIG.run).exists():
        from pipeline.stamps import stale_stages

        if stale := stale_stages(CONFIG, Path()):
            print(
                f"warning: .snakemake has no record of results/{CONFIG.run}, made with other "
                f"settings or code; to mend it, run once with: --forcerun {' '.join(stale)}",
                file=sys.stderr,
            )


warn_of_stale_artifacts()


def checkpoint_steps(domain):
    return CONFIG.domain(domain).training.checkpoints


def spec(stage):
    """Params function: the spec of a stage's job."""

    def of(wildcards):
        domain = CONFIG.domain(wildcards.domain)
        return make_spec(stage, wildcards.domain, SLICES[stage](domain, wildcards))

    return of


def figure_spec(name):
    return make_spec(name, FIGURES[name].domain, figure_settings(CONFIG, name))


def cell_files(name):
    """Input function: one file of every cell of a setting."""

    def files(wildcards):
        root = f"results/{wildcards.run}/{wildcards.domain}"
        grid = CONFIG.domain(wildcards.domain).grid
        chosen = [cell for cell in cells(grid) if cell.setting == wildcards.setting]
        return [f"{cell_directory(root, cell)}/{name}" for cell in chosen]

    return files


def source_files(wildcards):
    """Source artifacts of a cell, one per replica: grammars, for the domain that has them."""
    if wildcards.domain != "rhm":
        return []
    directory = f"results/{wildcards.run}/rhm/{wildcards.setting}"
    replicas = parse_replicas(wildcards.replicas)
    return [f"{directory}/grammar_g{r.grammar_seed}.safetensors" for r in replicas]


def step_files(pattern):
    """Input function: one file of a cell per checkpoint step."""

    def files(wildcards):
        steps = checkpoint_steps(wildcards.domain)
        return expand(pattern, step=steps, **wildcards)

    return files


def checkpoint_outputs(domain):
    """Checkpoints of a trajectory, deleted once sampled and probed unless the config keeps them."""
    pattern = f"{CELL}/checkpoints/step{{step}}.safetensors"
    files = expand(pattern, step=checkpoint_steps(domain), allow_missing=True)
    return files if CONFIG.domain(domain).training.keep_checkpoints else temp(files)


def sample_outputs(domain):
    pattern = f"{CELL}/samples/step{{step}}.safetensors"
    return expand(pattern, step=checkpoint_steps(domain), allow_missing=True)


def keep_work(wildcards):
    return int(CONFIG.domain(wildcards.domain).training.keep_checkpoints)


def grammars(section):
    """Input function: grammars of a setting, one per grammar seed of a section of the config."""

    def files(wildcards):
        directory = f"results/{wildcards.run}/{wildcards.domain}/{wildcards.setting}"
        seeds = getattr(CONFIG.domain(wildcards.domain), section).grammar_seeds
        return [f"{directory}/grammar_g{seed}.safetensors" for seed in seeds]

    return files


def setting_tables(wildcards):
    """One table of every setting of a domain that has it, in the order of the config."""
    domain = CONFIG.domain(wildcards.domain)
    section = domain.theory if wildcards.table == "theory" else domain.grid
    settings = [setting.label for setting in section.grammars]
    return expand(SETTING_TABLE, setting=settings, **wildcards)


def figure_tables(name):
    """Tables of the first setting, or of all for a figure that compares them."""
    source = FIGURES[name]
    if source.compares_settings:
        return expand(
            TABLE, domain=source.domain, table=source.tables, allow_missing=True
        )
    first = CONFIG.domain(source.domain).grid.grammars[0].label
    return expand(
        SETTING_TABLE,
        domain=source.domain,
        setting=first,
        table=source.tables,
        allow_missing=True,
    )


def table_files(domain):
    tables = [*TABLES, *COMPARISONS]
    return expand(TABLE, run=CONFIG.run, domain=domain, table=tables)


def claims_tables():
    """All tables of all domains that are part of the run."""
    enabled = [name for name in DOMAINS if CONFIG.domain(name).enabled]
    return [path for name in enabled for path in table_files(name)]


def domain_figures(domain):
    return [name for name in CONFIG.figures if FIGURES[name].domain == domain]


def figure_files(names):
    return expand("results/{run}/figures/{figure}.pdf", run=CONFIG.run, figure=names)
