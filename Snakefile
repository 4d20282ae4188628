"""How compositional generalization improves as diffusion models are trained: the workflow."""

from snakemake.utils import min_version

min_version("9.18")


report: "workflow/report/workflow.rst"


conda: "environment.yml"  # these two are used only if they are asked for, with --sdm


include: "workflow/rules/common.smk"
include: "workflow/rules/report.smk"


if not any(map(str.isspace, str(ROOT))):  # Snakemake refuses images there

    container: f"{ROOT}/environment.sif"  # see environment.def


if (
    IMPORTED
):  # how a run is told, watched and stopped is up to the workflow that imports this one

    include: "workflow/rules/imported.smk"

else:

    include: "workflow/rules/afresh.smk"
    include: "workflow/rules/start.smk"
    include: "workflow/rules/inventory.smk"
    include: "workflow/rules/grow.smk"


include: "workflow/rules/grammar.smk"
include: "workflow/rules/fetch.smk"
include: "workflow/rules/corpus.smk"
include: "workflow/rules/images.smk"
include: "workflow/rules/dataset.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/sample.smk"
include: "workflow/rules/measure.smk"
include: "workflow/rules/controls.smk"
include: "workflow/rules/encode.smk"
include: "workflow/rules/probe.smk"
include: "workflow/rules/judge.smk"
include: "workflow/rules/ceiling.smk"
include: "workflow/rules/theory.smk"
include: "workflow/rules/aggregate.smk"
include: "workflow/rules/depart.smk"
include: "workflow/rules/converge.smk"
include: "workflow/rules/claims.smk"
include: "workflow/rules/figures.smk"


rule all:
    """Everything: the figures of the config, the tables of all domains, and the claims."""
    input:
        figures=or_exit(PLAN.figures)(),
        tables=or_exit(PLAN.tables)(),
        claims=f"results/{CONFIG.run}/tables/claims.parquet",


rule rhm:
    """The Random Hierarchy Model: its figures and tables."""
    input:
        figures=or_exit(lambda _wildcards: PLAN.domain_figures("rhm")),
        tables=PLAN.domain_tables("rhm"),


rule text:
    """Masked diffusion on text: its figures and tables."""
    input:
        figures=or_exit(lambda _wildcards: PLAN.domain_figures("text")),
        tables=PLAN.domain_tables("text"),


rule image:
    """Gaussian diffusion on images: its figures and tables."""
    input:
        figures=or_exit(lambda _wildcards: PLAN.domain_figures("image")),
        tables=PLAN.domain_tables("image"),
