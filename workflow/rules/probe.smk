# Makes:  what the networks of a trajectory know. Of grammars, against the exact denoiser: excess
#         loss, latent knowledge, and how every block takes synonyms. Of text, the loss of windows.
# Needs:  its checkpoints, the dataset (held-out strings), and its sources: grammars (what is known?)
#         or the corpus.
# Writes: .../P{dataset_size}/{replicas}/probes.parquet


rule probe:
    """What the networks of a trajectory know, at every checkpoint."""
    input:
        sources=PLAN.sources,
        dataset=f"{CELL}/dataset.safetensors",
        checkpoints=PLAN.steps("rhm", "checkpoints"),
    output:
        probes=f"{CELL}/probes.parquet",
    log:
        f"{CELL}/logs/probe.log",
    benchmark:
        f"{CELL}/logs/probe.benchmark.tsv"
    wildcard_constraints:
        domain="rhm",
    params:
        spec=spec("probe"),
    shell:
        """
        python -m pipeline probe \
            --spec {params.spec:q} \
            --sources {input.sources:q} \
            --dataset {input.dataset:q} \
            --checkpoints {input.checkpoints:q} \
            --output {output.probes:q} \
            2>{log:q}
        """


use rule probe as probe_text with:
    input:
        sources=PLAN.sources,
        dataset=f"{CELL}/dataset.safetensors",
        checkpoints=PLAN.steps("text", "checkpoints"),
    wildcard_constraints:
        domain="text",
