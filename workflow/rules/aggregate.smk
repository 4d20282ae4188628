# Makes:  tidy tables of each setting (grammar parameters), thresholds, learning and copying times
#         read off them, and tables of all settings of a domain.
# Needs:  the same table of every cell of the setting; its losses, which tell the best checkpoints.
# Writes: .../{setting}/tables/{table}.parquet and results/{run}/tables/{domain}_{table}.parquet

from pipeline.stages.catalogue import CELL_TABLES


rule aggregate:
    """One table of all cells of a setting."""
    input:
        parts=PLAN.cell_tables,
        losses=PLAN.losses_beside,
        ceilings=PLAN.tables_beside,
    output:
        table="results/{run}/{domain}/{setting}/tables/{table}.parquet",
    log:
        "results/{run}/logs/{domain}/{setting}/aggregate_{table}.log",
    benchmark:
        "results/{run}/logs/{domain}/{setting}/aggregate_{table}.benchmark.tsv"
    wildcard_constraints:
        table="|".join({table for tables in CELL_TABLES.values() for table in tables}),
    localrule: True
    params:
        spec=spec("aggregate"),
    shell:
        """
        python -m pipeline aggregate \
            --spec {params.spec:q} \
            --parts {input.parts:q} \
            --losses {input.losses:q} \
            --ceilings {input.ceilings:q} \
            --output {output.table:q} \
            2>{log:q}
        """


rule analyse:
    """Dataset sizes and steps at which levels of a grammar are half learnt."""
    input:
        measurements="results/{run}/{domain}/{setting}/tables/measurements.parquet",
        losses="results/{run}/{domain}/{setting}/tables/losses.parquet",
        probes="results/{run}/{domain}/{setting}/tables/probes.parquet",
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
            --probes {input.probes:q} \
            --output {output.table:q} \
            2>{log:q}
        """


rule memorize:
    """Steps at which copying starts, and how they grow with the training set."""
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
    """One table of all settings of a domain."""
    input:
        parts=PLAN.setting_tables,
    output:
        table="results/{run}/tables/{domain}_{table}.parquet",
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
