# Makes:  what every departure of a run changes: dataset sizes and steps at which levels are half
#         learnt, and final accuracies, against the run itself.
# Needs:  measurements and losses of the run and of its departures.
# Writes: results/{run}/tables/rhm_departures.parquet


rule depart:
    input:
        **{name: departure_tables(name) for name in COMPARED_TABLES},
    output:
        table=DEPARTURES,
    log:
        "results/{run}/logs/rhm/depart.log",
    wildcard_constraints:
        run=re.escape(CONFIG.run),
    localrule: True
    params:
        spec=depart_spec,
    shell:
        """
        python -m pipeline depart \
            --spec {params.spec:q} \
            --measurements {input.measurements:q} \
            --losses {input.losses:q} \
            --output {output.table:q} \
            2>{log:q}
        """
