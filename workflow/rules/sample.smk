# Makes:  samples from every checkpoint of a trajectory, in one job.
# Needs:  its checkpoints, which carry their noise and network settings.
# Writes: .../P{dataset_size}/{replicas}/samples/step{step}.safetensors


rule sample:
    """Samples from every checkpoint of a trajectory."""
    input:
        checkpoints=PLAN.steps("rhm", "checkpoints"),
    output:
        samples=PLAN.steps("rhm", "samples"),
    log:
        f"{CELL}/logs/sample.log",
    benchmark:
        f"{CELL}/logs/sample.benchmark.tsv"
    wildcard_constraints:
        domain="rhm",
    params:
        spec=spec("sample"),
    shell:
        """
        python -m pipeline sample \
            --spec {params.spec:q} \
            --checkpoints {input.checkpoints:q} \
            --samples {output.samples:q} \
            2>{log:q}
        """


use rule sample as sample_text with:
    input:
        checkpoints=PLAN.steps("text", "checkpoints"),
    output:
        samples=PLAN.steps("text", "samples"),
    wildcard_constraints:
        domain="text",
    priority: 1  # long jobs first, so that short ones fill all cores to the end


use rule sample as sample_image with:
    input:
        checkpoints=PLAN.steps("image", "checkpoints"),
    output:
        samples=PLAN.steps("image", "samples"),
    wildcard_constraints:
        domain="image",
    priority: 1  # long jobs first, so that short ones fill all cores to the end
