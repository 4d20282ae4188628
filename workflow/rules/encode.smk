# Makes:  features of images under a pretrained network, of samples, controls and finite training sets.
# Needs:  samples of every checkpoint, controls, or images and a dataset; the network, fetched once.
# Writes: .../{replicas}/features/step{step}.safetensors and training_features.safetensors,
#         .../control_features/{control}.safetensors

from pipeline.config.resources import model_archive, model_directory, model_section
from pipeline.base.canonical import canonical_json

ENCODER = model_directory(CONFIG.domains.image.encoder)


rule prepare_encoder:
    """The network whose features of images are compared, made ready and tried."""
    input:
        archive=model_archive(CONFIG.domains.image.encoder.model),
    output:
        model=directory(ENCODER),
    log:
        f"resources/logs/{Path(ENCODER).name}.log",
    priority: 1  # before hours of training: it may turn out that it cannot be used
    params:
        model=canonical_json(model_section(CONFIG.domains.image.encoder.model)),
        size=CONFIG.domains.image.encoder.size,
        layers=CONFIG.domains.image.encoder.layers,
    shell:
        """
        python -m pipeline prepare_encoder \
            --model {params.model:q} \
            --archive {input.archive:q} \
            --size {params.size:q} \
            --layers {params.layers:q} \
            --output {output.model:q} \
            2>{log:q}
        """


rule encode:
    """Features of images under a pretrained network."""
    input:
        encoder=ENCODER,
        samples=PLAN.steps("image", "samples"),
    output:
        features=PLAN.steps("image", "features"),
    log:
        f"{CELL}/logs/encode.log",
    benchmark:
        f"{CELL}/logs/encode.benchmark.tsv"
    wildcard_constraints:
        domain="image",
    params:
        spec=spec("encode"),
    shell:
        """
        python -m pipeline encode \
            --spec {params.spec:q} \
            --encoder {input.encoder:q} \
            --samples {input.samples:q} \
            --features {output.features:q} \
            2>{log:q}
        """


use rule encode as encode_controls with:
    input:
        encoder=ENCODER,
        samples=PLAN.controls("image"),
    output:
        features=PLAN.controls("image", "control_features"),
    log:
        "results/{run}/logs/{domain}/{setting}/encode_controls.log",
    benchmark:
        "results/{run}/logs/{domain}/{setting}/encode_controls.benchmark.tsv"


rule encode_training:
    """Features of the images of a finite training set."""
    input:
        encoder=ENCODER,
        sources=PLAN.sources,
        dataset=f"{CELL}/dataset.safetensors",
    output:
        features=f"{CELL}/training_features.safetensors",
    log:
        f"{CELL}/logs/encode_training.log",
    wildcard_constraints:
        domain="image",
    params:
        spec=spec("encode_training"),
    shell:
        """
        python -m pipeline encode_training \
            --spec {params.spec:q} \
            --encoder {input.encoder:q} \
            --sources {input.sources:q} \
            --dataset {input.dataset:q} \
            --output {output.features:q} \
            2>{log:q}
        """
