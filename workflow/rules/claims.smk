# Makes:  exponents and competing laws of the sample complexity, over all settings of a domain; the
#         claims of the paper about it, each with the number that decides it and a verdict; and those
#         of all domains together.
# Needs:  tables of all settings.
# Writes: results/{run}/tables/{domain}_exponents.parquet, {domain}_laws.parquet,
#         {domain}_claims.parquet, claims.parquet and claims.html, which the report shows


rule exponents:
    """Exponents of the sample complexity, and how well competing laws predict it."""
    input:
        table="results/{run}/tables/{domain}_sample_complexity.parquet",
        measurements="results/{run}/tables/{domain}_measurements.parquet",
        losses="results/{run}/tables/{domain}_losses.parquet",
    output:
        exponents="results/{run}/tables/{domain}_exponents.parquet",
        laws="results/{run}/tables/{domain}_laws.parquet",
    log:
        "results/{run}/logs/{domain}/exponents.log",
    localrule: True
    params:
        spec=spec("exponents"),
    shell:
        """
        python -m pipeline exponents \
            --spec {params.spec:q} \
            --table {input.table:q} \
            --measurements {input.measurements:q} \
            --losses {input.losses:q} \
            --exponents {output.exponents:q} \
            --laws {output.laws:q} \
            2>{log:q}
        """


rule claims:
    """The claims of the paper about one domain, each with its number and verdict."""
    input:
        tables=PLAN.claim_tables,
    output:
        table="results/{run}/tables/{domain}_claims.parquet",
    log:
        "results/{run}/logs/{domain}/claims.log",
    localrule: True
    params:
        spec=spec("claims"),
    shell:
        """
        python -m pipeline claims \
            --spec {params.spec:q} \
            --tables {input.tables:q} \
            --output {output.table:q} \
            2>{log:q}
        """


rule verdicts:
    """The claims about all domains, as a table and as a page."""
    input:
        tables=lambda _wildcards: PLAN.claims(),
    output:
        table="results/{run}/tables/claims.parquet",
        page=report(
            "results/{run}/tables/claims.html",
            caption="../report/claims.rst",
            category="claims",
            labels={"table": "claims"},
        ),
    log:
        "results/{run}/logs/verdicts.log",
    localrule: True
    params:
        spec=SPECS.of_verdicts,
    shell:
        """
        python -m pipeline verdicts \
            --spec {params.spec:q} \
            --tables {input.tables:q} \
            --output {output.table:q} \
            --page {output.page:q} \
            2>{log:q}
        """
