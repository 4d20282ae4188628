# Makes:  exponents and competing laws of the sample complexity, over all settings of a domain; and
#         the claims of the paper, each with the number that decides it and a verdict.
# Needs:  tables of all settings; for the claims, every table of the domain.
# Writes: results/{run}/tables/{domain}_exponents.parquet, {domain}_laws.parquet, claims.parquet and
#         claims.html, which the report shows


rule exponents:
    input:
        table="results/{run}/tables/{domain}_sample_complexity.parquet",
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
            --exponents {output.exponents:q} \
            --laws {output.laws:q} \
            2>{log:q}
        """


rule claims:
    input:
        tables=table_files("rhm"),
    output:
        table="results/{run}/tables/claims.parquet",
        page=report(
            "results/{run}/tables/claims.html",
            caption="../report/claims.rst",
            category="claims",
            labels={"table": "claims"},
        ),
    log:
        "results/{run}/logs/claims.log",
    localrule: True
    params:
        spec=claims_spec,
    shell:
        """
        python -m pipeline claims \
            --spec {params.spec:q} \
            --tables {input.tables:q} \
            --output {output.table:q} \
            --page {output.page:q} \
            2>{log:q}
        """
