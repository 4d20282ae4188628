# Makes:  the production rules of one random grammar.
# Needs:  nothing but its parameters.
# Writes: results/{run}/rhm/{setting}/grammar_g{grammar_seed}.safetensors


rule grammar:
    output:
        grammar="results/{run}/rhm/{setting}/grammar_g{grammar_seed}.safetensors",
    log:
        "results/{run}/logs/rhm/{setting}/grammar_g{grammar_seed}.log",
    localrule: True
    params:
        spec=spec_grammar,
    shell:
        "python -m pipeline grammar --spec {params.spec:q} --output {output.grammar:q} 2> {log:q}"
