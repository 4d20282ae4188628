# Makes:  tidy tables of each setting (grammar parameters), thresholds, learning and copying times
#         read off them, and tables of all settings of a domain.
# Needs:  measurements, losses and probes of every cell of the setting.
# Writes: .../{setting}/tables/{table}.parquet and results/{run}/tables/{domain}_{table}.parquet


rule aggregate:
    input:
        measurements=cell_files("measurements.parquet"),
        losses=cell_files("losses.parquet"),
        probes=cell_files("probes.parquet"),
        ceilings="results/{run}/{domain}/{setting}/tables/ceilings.parquet",
    output:
        measurements="results/{run}/{domain}/{setting}/tables/measurements.parquet",
        losses="results/{run}/{domain}/{setting}/tables/losses.parquet",
        probes="results/{run}/{domain}/{setting}/tables/probes.parquet",
    log:
        "results/{run}/logs/{domain}/{setting}/aggregate.log",
    benchmark:
        "results/{run}/logs/{domain}/{setting}/aggregate.benchmark.tsv"
    localrule: True
    params:
        spec=aggregate_spec,
    shell:
        """
        python -m pipeline aggregate \
            --spec {params.spec:q} \
            --root results/{wildcards.run:q}/{wildcards.domain:q} \
            --ceilings {input.ceilings:q} \
            --measurements {output.measurements:q} \
            --losses {output.losses:q} \
            --probes {output.probes:q} \
            2>{log:q}
        """


rule analyse:
    input:
        measurements="results/{run}/{domain}/{setting}/tables/measurements.parquet",
        losses="results/{run}/{domain}/{setting}/tables/losses.parquet",
    output:
        table="results/{run}/{domain}/{setting}/tables/sample_complexity.parquet",
    log:
        "results/{run}/logs/{domain}/{setting}/analyse.log",
    localrule: True
    params:
        spec=spec("analyse"),
    shell:
        """
        python -m pipeline analyse \
            --spec {params.spec:q} \
            --measurements {input.measurements:q} \
            --losses {input.losses:q} \
            --output {output.table:q} \
            2>{log:q}
        """


rule memorize:
    input:
        measurements="results/{run}/{domain}/{setting}/tables/measurements.parquet",
    output:
        times="results/{run}/{domain}/{setting}/tables/memorization.parquet",
        exponents="results/{run}/{domain}/{setting}/tables/memorization_exponents.parquet",
    log:
        "results/{run}/logs/{domain}/{setting}/memorize.log",
    localrule: True
    params:
        spec=spec("memorize"),
    shell:
        """
        python -m pipeline memorize \
            --spec {params.spec:q} \
            --measurements {input.measurements:q} \
            --times {output.times:q} \
            --exponents {output.exponents:q} \
            2>{log:q}
        """


rule concatenate:
    input:
        parts=setting_tables,
    output:
        table=TABLE,
    log:
        "results/{run}/logs/{domain}/concatenate_{table}.log",
    localrule: True
    params:
        spec=spec("concatenate"),
    shell:
        """
        python -m pipeline concatenate \
            --spec {params.spec:q} \
            --parts {input.parts:q} \
            --output {output.table:q} \
            2>{log:q}
        """
