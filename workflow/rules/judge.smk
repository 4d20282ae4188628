# Makes:  samples as text, and their losses under a language model by the number of tokens before.
# Needs:  samples of every checkpoint, or controls; the language model, fetched once.
# Writes: .../{replicas}/texts.parquet and judgements.parquet, .../tables/control_judgements.parquet

from pipeline.config.resources import model_archive, model_directory, model_section
from pipeline.base.canonical import canonical_json

JUDGE = model_directory(CONFIG.domains.text.judge)


rule prepare_judge:
    """The language model that samples of text are shown to, made ready and tried."""
    input:
        archive=model_archive(CONFIG.domains.text.judge.model),
    output:
        model=directory(JUDGE),
    log:
        f"resources/logs/{Path(JUDGE).name}.log",
    priority: 1  # before hours of training: it may turn out that it cannot be used
    params:
        model=canonical_json(model_section(CONFIG.domains.text.judge.model)),
        longest=CONFIG.domains.text.judge.longest,
    shell:
        """
        python -m pipeline prepare_judge \
            --model {params.model:q} \
            --archive {input.archive:q} \
            --longest {params.longest:q} \
            --output {output.model:q} \
            2>{log:q}
        """


rule decode:
    """Samples of text, as text."""
    input:
        tokenizer="results/{run}/{domain}/{setting}/tokenizer.json",
        samples=PLAN.steps("text", "samples"),
    output:
        texts=f"{CELL}/texts.parquet",
    log:
        f"{CELL}/logs/decode.log",
    wildcard_constraints:
        domain="text",
    localrule: True
    params:
        spec=spec("decode"),
    shell:
        """
        python -m pipeline decode \
            --spec {params.spec:q} \
            --tokenizer {input.tokenizer:q} \
            --samples {input.samples:q} \
            --output {output.texts:q} \
            2>{log:q}
        """


rule judge:
    """Losses of samples of text under the judge, by the number of tokens before."""
    input:
        model=JUDGE,
        tokenizer="results/{run}/{domain}/{setting}/tokenizer.json",
        samples=PLAN.steps("text", "samples"),
    output:
        judgements=f"{CELL}/judgements.parquet",
    log:
        f"{CELL}/logs/judge.log",
    benchmark:
        f"{CELL}/logs/judge.benchmark.tsv"
    wildcard_constraints:
        domain="text",
    params:
        spec=spec("judge"),
    shell:
        """
        python -m pipeline judge \
            --spec {params.spec:q} \
            --model {input.model:q} \
            --tokenizer {input.tokenizer:q} \
            --samples {input.samples:q} \
            --output {output.judgements:q} \
            2>{log:q}
        """


use rule judge as judge_controls with:
    input:
        model=JUDGE,
        tokenizer="results/{run}/{domain}/{setting}/tokenizer.json",
        samples=PLAN.controls("text"),
    output:
        judgements="results/{run}/{domain}/{setting}/tables/control_judgements.parquet",
    log:
        "results/{run}/logs/{domain}/{setting}/judge_controls.log",
    benchmark:
        "results/{run}/logs/{domain}/{setting}/judge_controls.benchmark.tsv"
