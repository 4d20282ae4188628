# Makes:  training steps at which features of samples have come near to those of real images.
# Needs:  measurements of the samples and of controls.
# Writes: .../{setting}/tables/convergence.parquet


rule converge:
    """Steps at which features of samples have come near to those of real images."""
    input:
        measurements="results/{run}/{domain}/{setting}/tables/measurements.parquet",
        calibration="results/{run}/{domain}/{setting}/tables/calibration.parquet",
    output:
        table="results/{run}/{domain}/{setting}/tables/convergence.parquet",
    log:
        "results/{run}/logs/{domain}/{setting}/converge.log",
    wildcard_constraints:
        domain="image",
    localrule: True
    params:
        spec=spec("converge"),
    shell:
        """
        python -m pipeline converge \
            --spec {params.spec:q} \
            --measurements {input.measurements:q} \
            --calibration {input.calibration:q} \
            --output {output.table:q} \
            2>{log:q}
        """
