# Makes:  controls: held-out data in place of samples, as they are and in shuffled blocks of known
#         length; and the same measurements of them as of samples.
# Needs:  the corpus or the images; of images, their features.
# Writes: .../{setting}/controls/{control}.safetensors and .../{setting}/tables/calibration.parquet


rule controls:
    """Held-out data in place of samples, as they are and in shuffled blocks."""
    input:
        source="results/{run}/{domain}/{setting}/corpus.safetensors",
    output:
        controls=PLAN.controls("text"),
    log:
        "results/{run}/logs/{domain}/{setting}/controls.log",
    wildcard_constraints:
        domain="text",
    priority: 1  # before hours of training: too little may be held out
    localrule: True
    params:
        spec=spec("controls"),
    shell:
        """
        python -m pipeline controls \
            --spec {params.spec:q} \
            --source {input.source:q} \
            --controls {output.controls:q} \
            2>{log:q}
        """


use rule controls as controls_image with:
    input:
        source="results/{run}/{domain}/{setting}/images.safetensors",
    output:
        controls=PLAN.controls("image"),
    wildcard_constraints:
        domain="image",
    localrule: True


use rule measure as measure_controls with:
    input:
        sources=PLAN.control_references,
        dataset=[],
        samples=PLAN.measured_controls,
    output:
        table="results/{run}/{domain}/{setting}/tables/calibration.parquet",
    log:
        "results/{run}/logs/{domain}/{setting}/measure_controls.log",
    benchmark:
        "results/{run}/logs/{domain}/{setting}/measure_controls.benchmark.tsv"
    wildcard_constraints:
        domain="text|image",
