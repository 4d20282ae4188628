"""All stages by their names, and what follows from their records."""

import re

from pipeline.stages.domains import DOMAINS
from pipeline.stages.paths import CELL, RUN, SETTING
from pipeline.stages.record import Rule, Stage
from pipeline.stages.sources import SOURCES
from pipeline.stages.tables import TABLES as OF_TABLES
from pipeline.stages.trajectories import TRAJECTORIES

STAGES: dict[str, Stage] = {stage.name: stage for stage in (*SOURCES, *TRAJECTORIES, *OF_TABLES)}
"""Every stage by its name, in the order of a run."""
RULES: dict[str, Rule] = {rule.name: rule for stage in STAGES.values() for rule in stage.rules}
"""Every rule that runs a stage, by its name."""
RESUMABLE = {rule.name for stage in STAGES.values() if stage.resumable for rule in stage.rules}
"""Rules whose jobs keep undeclared progress beside their outputs, see `artifacts/workspace.py`.

`fetch_hub` keeps some, too, but is none of them: what it has of a dataset is pinned, and so as good
as new."""


def _tables(domain: str, place: str) -> tuple[str, ...]:
    """Names of the tables that stages of a domain make in a place."""
    table = re.compile(re.escape(place) + r"(\w+)\.parquet")
    patterns = [path for stage in STAGES.values() for path in stage.patterns(domain)]
    return tuple(match[1] for path in patterns if (match := table.fullmatch(path)))


CELL_TABLES = {name: _tables(name, f"{CELL}/") for name in DOMAINS}
"""Tables of every cell, by domain."""
SETTING_TABLES = {name: _tables(name, f"{SETTING}/tables/") for name in DOMAINS}
"""Tables that are made of a setting as a whole, by domain."""
TABLES = {name: CELL_TABLES[name] + SETTING_TABLES[name] for name in DOMAINS}
"""Tables of every domain, first of each setting, then of all."""
COMPARISONS = {name: _tables(name, f"{RUN}/tables/{{domain}}_") for name in DOMAINS}
"""Tables of every domain that all settings are needed for."""
COMPARED_TABLES = tuple(file.option for file in STAGES["depart"].inputs)
"""Tables of a run that its departures are compared by."""
