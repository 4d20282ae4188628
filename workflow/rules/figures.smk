# Makes:  one figure, as vector PDF and as PNG; one rule per figure.
# Needs:  tables of its domain, nothing else.
# Writes: results/{run}/figures/<figure>.pdf and .png

from pipeline.stages.figures import FIGURES

for figure, source in FIGURES.items():
    if not PRESENT.settings(source.domain):
        continue

    rule:
        """One figure, as vector PDF and as PNG."""
        name:
            figure
        input:
            tables=PLAN.figure_tables(figure),
        output:
            pdf=f"results/{{run}}/figures/{figure}.pdf",
            png=report(
                f"results/{{run}}/figures/{figure}.png",
                caption=f"../report/{figure}.rst",
                category=source.domain,
                labels={"figure": figure},
            ),
        log:
            f"results/{{run}}/logs/figures/{figure}.log",
        localrule: True
        params:
            spec=SPECS.of_figure(figure),
        shell:
            """
            python -m pipeline figure \
                --spec {params.spec:q} \
                --tables {input.tables:q} \
                --outputs {output.pdf:q} {output.png:q} \
                2>{log:q}
            """
