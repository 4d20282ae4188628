# Makes:  what clustering, one gradient step and exact correlations say of a grammar's parameters,
#         on the very strings that networks are trained on; no network is trained.
# Needs:  grammars of the setting, one per seed of `theory.grammar_seeds`.
# Writes: results/{run}/rhm/{setting}/tables/theory.parquet


rule theory:
    """What clustering, one gradient step and exact correlations say of a grammar."""
    input:
        sources=PLAN.grammars("theory"),
    output:
        table="results/{run}/{domain}/{setting}/tables/theory.parquet",
    log:
        "results/{run}/logs/{domain}/{setting}/theory.log",
    benchmark:
        "results/{run}/logs/{domain}/{setting}/theory.benchmark.tsv"
    wildcard_constraints:
        domain="rhm",
        setting="|".join(g.label for g in CONFIG.domains.rhm.theory.grammars),
    params:
        spec=spec("theory"),
    shell:
        """
        python -m pipeline theory \
            --spec {params.spec:q} \
            --sources {input.sources:q} \
            --output {output.table:q} \
            2>{log:q}
        """
