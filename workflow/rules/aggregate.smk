# Makes:  tidy tables of a domain, and the thresholds read off them.
# Needs:  measurements and losses of every cell of the grid.
# Writes: results/{run}/tables/{domain}_{measurements,losses,sample_complexity}.parquet


rule aggregate:
    input:
        measurements=cell_files("measurements.parquet"),
        losses=cell_files("losses.csv"),
    output:
        measurements="results/{run}/tables/{domain}_measurements.parquet",
        losses="results/{run}/tables/{domain}_losses.parquet",
    log:
        "results/{run}/logs/{domain}_aggregate.log",
    benchmark:
        "results/{run}/logs/{domain}_aggregate.benchmark.tsv"
    localrule: True
    params:
        spec=spec_aggregate,
    shell:
        """
        python -m pipeline aggregate \
            --spec {params.spec:q} \
            --root results/{wildcards.run:q}/{wildcards.domain:q} \
            --measurements {output.measurements:q} \
            --losses {output.losses:q} \
            2>{log:q}
        """


rule sample_complexity:
    input:
        measurements="results/{run}/tables/{domain}_measurements.parquet",
        losses="results/{run}/tables/{domain}_losses.parquet",
    output:
        table="results/{run}/tables/{domain}_sample_complexity.parquet",
    log:
        "results/{run}/logs/{domain}_sample_complexity.log",
    localrule: True
    params:
        spec=spec_analyse,
    shell:
        """
        python -m pipeline analyse \
            --spec {params.spec:q} \
            --measurements {input.measurements:q} \
            --losses {input.losses:q} \
            --output {output.table:q} \
            2>{log:q}
        """
