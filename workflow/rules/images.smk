# Makes:  images of one size, training and validation images apart; samples, and real ones, as pictures.
# Needs:  images: a package of a registry or a dataset of the hub, fetched once, or a directory.
# Writes: results/{run}/image/{setting}/images.safetensors, .../{replicas}/pictures.parquet
#         and .../tables/control_pictures.parquet

from pipeline.config.resources import source_archives


rule images:
    """Images of one size, training and validation images apart."""
    input:
        archives=source_archives(CONFIG.domains.image.data),
    output:
        images="results/{run}/{domain}/{setting}/images.safetensors",
    log:
        "results/{run}/logs/{domain}/{setting}/images.log",
    benchmark:
        "results/{run}/logs/{domain}/{setting}/images.benchmark.tsv"
    wildcard_constraints:
        domain="image",
    params:
        spec=spec("images"),  # with the names and contents of files of one's own
    shell:
        """
        python -m pipeline images \
            --spec {params.spec:q} \
            --sources {input.archives:q} \
            --output {output.images:q} \
            2>{log:q}
        """


rule pictures:
    """The first images of every checkpoint, as pictures."""
    input:
        samples=PLAN.steps("image", "samples"),
    output:
        pictures=f"{CELL}/pictures.parquet",
    log:
        f"{CELL}/logs/pictures.log",
    wildcard_constraints:
        domain="image",
    localrule: True
    params:
        spec=spec("pictures"),
    shell:
        """
        python -m pipeline pictures \
            --spec {params.spec:q} \
            --samples {input.samples:q} \
            --output {output.pictures:q} \
            2>{log:q}
        """


use rule pictures as pictures_controls with:
    input:
        samples="results/{run}/{domain}/{setting}/controls/real.safetensors",
    output:
        pictures="results/{run}/{domain}/{setting}/tables/control_pictures.parquet",
    log:
        "results/{run}/logs/{domain}/{setting}/pictures_controls.log",
    localrule: True
