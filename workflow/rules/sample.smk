# Makes:  samples from every checkpoint of a trajectory, in one job.
# Needs:  its checkpoints, which carry their noise and network settings.
# Writes: .../P{dataset_size}/{replicas}/samples/step{step}.safetensors


rule sample:
    input:
        checkpoints=step_files(f"{CELL}/checkpoints/step{{step}}.safetensors"),
    output:
        samples=sample_outputs("rhm"),
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
    output:
        samples=sample_outputs("text"),
    wildcard_constraints:
        domain="text",


use rule sample as sample_image with:
    output:
        samples=sample_outputs("image"),
    wildcard_constraints:
        domain="image",
