# Makes:  rows of measured numbers with standard errors, for every checkpoint of a trajectory.
# Needs:  samples, the dataset (what is a copy?) and the domain's sources (what is right?).
# Writes: .../P{dataset_size}/{replicas}/measurements.parquet


rule measure:
    input:
        sources=source_files,
        dataset=f"{CELL}/dataset.safetensors",
        samples=step_files(f"{CELL}/samples/step{{step}}.safetensors"),
    output:
        measurements=f"{CELL}/measurements.parquet",
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
            --output {output.measurements:q} \
            2>{log:q}
        """
