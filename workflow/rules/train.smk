# Makes:  weights at every checkpoint step of a trajectory, and the losses at them.
# Needs:  the cell's dataset, and the source that it numbers rows of: the corpus, the images.
# Writes: .../P{dataset_size}/{replicas}/checkpoints/step{step}.safetensors, losses.parquet
#
# Progress lives undeclared in .work beside them, so a retry or a further checkpoint resumes. It is
# forgotten when the rule is forced by its name, and with --delete-all-output (start.smk).
# `keep_work`, `processes` and `accumulation` are resources because these, unlike params, never make
# a job stale; a profile may set `processes` to the number of GPUs, and `accumulation` to the number
# of parts that each one's share of a batch is cut into where memory is short. `exec` lets training save at SIGTERM, which
# would end a shell around it at once, and with the shell the job.


rule train:
    """Weights at every checkpoint of a trajectory, and the losses at them."""
    input:
        sources=[],  # strings of grammars are in the dataset
        dataset=f"{CELL}/dataset.safetensors",
    output:
        checkpoints=checkpoints("rhm"),
        losses=f"{CELL}/losses.parquet",
    log:
        f"{CELL}/logs/train.log",
    benchmark:
        f"{CELL}/logs/train.benchmark.tsv"
    wildcard_constraints:
        domain="rhm",
    resources:
        keep_work=keep_work,
        processes=1,
        accumulation=1,
    params:
        spec=spec("train"),
    shell:
        """
        exec python -m pipeline train \
            --spec {params.spec:q} \
            --sources {input.sources:q} \
            --dataset {input.dataset:q} \
            --checkpoints {output.checkpoints:q} \
            --losses {output.losses:q} \
            --keep-work {resources.keep_work:q} \
            --processes {resources.processes:q} \
            --accumulation {resources.accumulation:q} \
            2>>{log:q}
        """


use rule train as train_text with:
    input:
        sources=PLAN.sources,
        dataset=f"{CELL}/dataset.safetensors",
    output:
        checkpoints=checkpoints("text"),
        losses=f"{CELL}/losses.parquet",
    wildcard_constraints:
        domain="text",
    priority: 1  # long jobs first, so that short ones fill all cores to the end


use rule train as train_image with:
    input:
        sources=PLAN.sources,
        dataset=f"{CELL}/dataset.safetensors",
    output:
        checkpoints=checkpoints("image"),
        losses=f"{CELL}/losses.parquet",
    wildcard_constraints:
        domain="image",
    priority: 1  # long jobs first, so that short ones fill all cores to the end
