# Makes:  weights at every checkpoint step of a trajectory, and the losses at them.
# Needs:  the cell's dataset.
# Writes: .../P{dataset_size}/{replicas}/checkpoints/step{step}.safetensors, losses.csv
#
# Progress lives undeclared below checkpoints/.work, so a retry or a further checkpoint resumes.
# `keep_work` is a resource because resources, unlike params, never make a job stale.


rule train:
    input:
        dataset=f"{CELL}/dataset.safetensors",
    output:
        checkpoints=checkpoint_outputs("rhm"),
        losses=f"{CELL}/losses.csv",
    log:
        f"{CELL}/logs/train.log",
    benchmark:
        f"{CELL}/logs/train.benchmark.tsv"
    resources:
        keep_work=keep_work,
    params:
        spec=spec("train"),
    shell:
        """
        python -m pipeline train \
            --spec {params.spec:q} \
            --dataset {input.dataset:q} \
            --checkpoints {output.checkpoints:q} \
            --losses {output.losses:q} \
            --keep-work {resources.keep_work} \
            2>{log:q}
        """
