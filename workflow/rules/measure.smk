# Makes:  rows of measured numbers with standard errors, for every checkpoint of a trajectory; of
#         grammars also the first strings as trees.
# Needs:  samples, or features of images; what they are compared with; the dataset (is it a copy?).
# Writes: .../P{dataset_size}/{replicas}/measurements.parquet and trees.parquet


rule measure:
    """Measured quantities with standard errors, at every checkpoint of a trajectory."""
    input:
        sources=PLAN.references,
        dataset=PLAN.training_data,
        samples=PLAN.measured,
    output:
        table=f"{CELL}/measurements.parquet",
    log:
        f"{CELL}/logs/measure.log",
    benchmark:
        f"{CELL}/logs/measure.benchmark.tsv"
    params:
        spec=spec("measure"),
    shell:
        """
        python -m pipeline measure \
            --spec {params.spec:q} \
            --sources {input.sources:q} \
            --dataset {input.dataset:q} \
            --samples {input.samples:q} \
            --output {output.table:q} \
            2>{log:q}
        """


rule trees:
    """The first generated strings of every checkpoint, as trees."""
    input:
        sources=PLAN.references,
        dataset=PLAN.training_data,
        samples=PLAN.measured,
    output:
        table=f"{CELL}/trees.parquet",
    log:
        f"{CELL}/logs/trees.log",
    wildcard_constraints:
        domain="rhm",
    localrule: True
    params:
        spec=spec("trees"),
    shell:
        """
        python -m pipeline trees \
            --spec {params.spec:q} \
            --sources {input.sources:q} \
            --dataset {input.dataset:q} \
            --samples {input.samples:q} \
            --output {output.table:q} \
            2>{log:q}
        """
