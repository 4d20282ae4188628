"""Records of stages that join, analyse and show tables."""

from pipeline.stages.figures import FIGURES
from pipeline.stages.paths import CELL, CLAIMS, DEPARTURES, RUN, SETTING, SETTING_TABLE, TABLE
from pipeline.stages.record import Files, Rule, Stage

_MEASUREMENTS = f"{SETTING}/tables/measurements.parquet"
_LOSSES = f"{SETTING}/tables/losses.parquet"


def _of_domain(table: str) -> str:
    return TABLE.replace("{table}", table)


TABLES = (
    Stage(
        "ceiling",
        "pipeline.rhm.ceiling:ceiling",
        "pipeline.rhm.settings:CeilingSettings",
        inputs=(Files("sources", f"{SETTING}/{{source}}.safetensors", "many"),),
        outputs=(Files("output", f"{SETTING}/tables/ceilings.parquet"),),
        rules=(Rule("ceiling", ("rhm",)),),
    ),
    Stage(
        "theory",
        "pipeline.rhm.theory.tabulate:tabulate",
        "pipeline.rhm.settings:TheorySettings",
        inputs=(Files("sources", f"{SETTING}/{{source}}.safetensors", "many"),),
        outputs=(Files("output", f"{SETTING}/tables/theory.parquet"),),
        rules=(Rule("theory", ("rhm",)),),
    ),
    Stage(
        "aggregate",
        "pipeline.analysis.aggregate:aggregate",
        "pipeline.analysis.settings:Aggregation",
        inputs=(
            Files("parts", f"{CELL}/{{table}}.parquet", "many"),
            Files("losses", _LOSSES, "many"),
            Files("ceilings", f"{SETTING}/tables/ceilings.parquet", "many"),
        ),
        outputs=(Files("output", SETTING_TABLE),),
        rules=(Rule("aggregate"),),
        without=("torch", "pandas"),
    ),
    Stage(
        "analyse",
        "pipeline.analysis.sample_complexity:analyse",
        "pipeline.analysis.settings:HalfWayRules",
        inputs=(
            Files("measurements", _MEASUREMENTS),
            Files("losses", _LOSSES),
            Files("probes", f"{SETTING}/tables/probes.parquet"),
        ),
        outputs=(Files("output", f"{SETTING}/tables/sample_complexity.parquet"),),
        rules=(Rule("analyse", ("rhm",)),),
        without=("torch",),
    ),
    Stage(
        "memorize",
        "pipeline.analysis.memorization:memorize",
        "pipeline.analysis.settings:MemorizationRules",
        inputs=(Files("measurements", _MEASUREMENTS),),
        outputs=(
            Files("times", f"{SETTING}/tables/memorization.parquet"),
            Files("exponents", f"{SETTING}/tables/memorization_exponents.parquet"),
        ),
        rules=(Rule("memorize", ("rhm",)),),
        without=("torch",),
    ),
    Stage(
        "converge",
        "pipeline.analysis.convergence:converge",
        "pipeline.analysis.settings:ConvergenceRules",
        inputs=(
            Files("measurements", _MEASUREMENTS),
            Files("calibration", f"{SETTING}/tables/calibration.parquet"),
        ),
        outputs=(Files("output", f"{SETTING}/tables/convergence.parquet"),),
        rules=(Rule("converge", ("image",)),),
        without=("torch",),
    ),
    Stage(
        "concatenate",
        "pipeline.analysis.concatenate:concatenate",
        "pipeline.base.section:NoSettings",
        inputs=(Files("parts", SETTING_TABLE, "many"),),
        outputs=(Files("output", TABLE),),
        rules=(Rule("concatenate"),),
        without=("torch", "pandas"),
    ),
    Stage(
        "exponents",
        "pipeline.analysis.compare:compare",
        "pipeline.analysis.settings:ExponentRules",
        inputs=(
            Files("table", _of_domain("sample_complexity")),
            Files("measurements", _of_domain("measurements")),
            Files("losses", _of_domain("losses")),
        ),
        outputs=(
            Files("exponents", _of_domain("exponents")),
            Files("laws", _of_domain("laws")),
        ),
        rules=(Rule("exponents", ("rhm",)),),
        without=("torch",),
    ),
    Stage(
        "depart",
        "pipeline.analysis.departures:depart",
        "pipeline.analysis.settings:DepartureRules",
        inputs=(
            Files("measurements", _of_domain("measurements"), "many"),
            Files("losses", _of_domain("losses"), "many"),
        ),
        outputs=(Files("output", DEPARTURES),),
        rules=(Rule("depart", ("rhm",)),),
        without=("torch",),
    ),
    Stage(
        "claims",
        "pipeline.claims.decide:decide",
        "pipeline.claims.settings:Rules",
        inputs=(Files("tables", TABLE, "many"),),
        outputs=(Files("output", _of_domain("claims")),),
        rules=(Rule("claims"),),
        without=("torch",),
    ),
    Stage(
        "verdicts",
        "pipeline.claims.decide:show_verdicts",
        "pipeline.claims.settings:Missing",
        inputs=(Files("tables", _of_domain("claims"), "many"),),
        outputs=(Files("output", CLAIMS), Files("page", f"{RUN}/tables/claims.html")),
        rules=(Rule("verdicts", ()),),
        without=("torch",),
    ),
    Stage(
        "figure",
        "pipeline.figures.draw:draw_figure",
        "pipeline.figures.settings:FigureSettings",
        inputs=(Files("tables", "{directory}/{table}.parquet", "many"),),
        outputs=(Files("outputs", f"{RUN}/figures/{{figure}}.{{kind}}", "many"),),
        rules=tuple(Rule(figure.name, (figure.domain,)) for figure in FIGURES.values()),
    ),
)
"""In the order in which tables come about."""
