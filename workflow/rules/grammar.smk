# Makes:  the production rules of one random grammar.
# Needs:  nothing but its parameters.
# Writes: results/{run}/rhm/{setting}/grammar_g{grammar_seed}.safetensors


rule grammar:
    """The production rules of one random grammar."""
    output:
        grammar="results/{run}/{domain}/{setting}/grammar_g{grammar_seed}.safetensors",
    log:
        "results/{run}/logs/{domain}/{setting}/grammar_g{grammar_seed}.log",
    wildcard_constraints:
        domain="rhm",
    localrule: True
    params:
        spec=spec("grammar"),
    shell:
        "python -m pipeline grammar --spec {params.spec:q} --output {output.grammar:q} 2> {log:q}"
