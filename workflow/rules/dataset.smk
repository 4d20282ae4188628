# Makes:  training, validation and test sets of every replica of a cell: strings of grammars; of text
#         and images the numbers of their rows.
# Needs:  the domain's sources (one grammar per replica; the corpus; the images).
# Writes: .../P{dataset_size}/{replicas}/dataset.safetensors


rule dataset:
    """Training, validation and test sets of every replica of a cell."""
    input:
        sources=PLAN.sources,
    output:
        dataset=f"{CELL}/dataset.safetensors",
    log:
        f"{CELL}/logs/dataset.log",
    localrule: True
    params:
        spec=spec("dataset"),
    shell:
        """
        python -m pipeline dataset \
            --spec {params.spec:q} \
            --sources {input.sources:q} \
            --output {output.dataset:q} \
            2>{log:q}
        """
