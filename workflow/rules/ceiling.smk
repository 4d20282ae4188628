# Makes:  accuracies of strings that the exact denoiser generates, with the config's sampler and
#         with every schedule at several numbers of levels; no network is trained.
# Needs:  grammars of the setting, one per seed of `grid.grammar_seeds`.
# Writes: results/{run}/rhm/{setting}/tables/ceilings.parquet


rule ceiling:
    """What the exact denoiser reaches with the samplers of the config."""
    input:
        sources=PLAN.grammars("grid"),
    output:
        table="results/{run}/{domain}/{setting}/tables/ceilings.parquet",
    log:
        "results/{run}/logs/{domain}/{setting}/ceiling.log",
    benchmark:
        "results/{run}/logs/{domain}/{setting}/ceiling.benchmark.tsv"
    wildcard_constraints:
        domain="rhm",
    params:
        spec=spec("ceiling"),
    shell:
        """
        python -m pipeline ceiling \
            --spec {params.spec:q} \
            --sources {input.sources:q} \
            --output {output.table:q} \
            2>{log:q}
        """
