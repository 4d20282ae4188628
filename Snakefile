"""How compositional generalization improves as diffusion models are trained: the workflow."""

from snakemake.utils import min_version

min_version("9.18")


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
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
    default_target: True
    input:
        figures=figure_files(all_figures()),
        tables=all_tables(),
        claims=claims_table(),


rule rhm:
    input:
        figures=domain_targets("rhm"),
        tables=table_files("rhm"),


rule text:
    input:
        figures=domain_targets("text"),
        tables=table_files("text"),


rule image:
    input:
        figures=domain_targets("image"),
        tables=table_files("image"),
