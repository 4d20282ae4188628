# Makes:  the tokens of a text corpus, training and validation documents apart, and its tokenizer.
# Needs:  documents: packages of a registry or a dataset of the hub, fetched once, or a directory.
# Writes: results/{run}/text/{setting}/corpus.safetensors and tokenizer.json

from pipeline.config.resources import document_archives


rule corpus:
    """The tokens of a text corpus, and its tokenizer."""
    input:
        archives=document_archives(CONFIG.domains.text.data),
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
        spec=spec("corpus"),  # with the names and contents of files of one's own
    shell:
        """
        python -m pipeline corpus \
            --spec {params.spec:q} \
            --archives {input.archives:q} \
            --tokens {output.tokens:q} \
            --tokenizer {output.tokenizer:q} \
            2>{log:q}
        """
