# Makes:  what every departure of a run changes: dataset sizes and steps at which levels are half
#         learnt, and final accuracies, against the run itself.
# Needs:  measurements and losses of the run and of its departures.
# Writes: results/{run}/tables/rhm_departures.parquet


rule depart:
    """What every departure of a run changes."""
    input:
        measurements=PLAN.departure_tables("measurements"),
        losses=PLAN.departure_tables("losses"),
    output:
        table="results/{run}/tables/rhm_departures.parquet",
    log:
        "results/{run}/logs/rhm/depart.log",
    wildcard_constraints:
        run=re.escape(CONFIG.run),
    localrule: True
    params:
        spec=SPECS.of_departures,
    shell:
        """
        python -m pipeline depart \
            --spec {params.spec:q} \
            --measurements {input.measurements:q} \
            --losses {input.losses:q} \
            --output {output.table:q} \
            2>{log:q}
        """
