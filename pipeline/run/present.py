"""What there is of a run: its cells, which of them are missing, and what is therefore shown."""

from collections.abc import Mapping
from pathlib import Path

from pipeline.base.errors import PipelineError
from pipeline.config.grid import cells
from pipeline.config.labels import Cell, cell_directory
from pipeline.config.schema import Config
from pipeline.stages.catalogue import CELL_TABLES, COMPARED_TABLES
from pipeline.stages.domains import DOMAINS

DEPARTED = "rhm"
"""The domain whose settings departures change."""


class Present:
    """Cells of a run and of its departures, as they are on disk when this is made.

    In a partial run, what is not finished by then is missing; otherwise nothing is.

    Args:
        configs: of the run and of its departures, by the names of the runs, the run itself first.
    """

    def __init__(self, configs: Mapping[str, Config]) -> None:
        self._config = next(iter(configs.values()))
        names = zip(list(configs)[1:], self._config.departures, strict=False)
        self._departures = dict(names)
        places = [(run, domain) for run in configs for domain in DOMAINS]
        self._cells = {(run, domain): cells(configs[run].domain(domain)) for run, domain in places}
        partial = self._config.partial
        self._missing = {place: self._unfinished(*place) if partial else [] for place in places}

    def cells(self, run: str, domain: str) -> list[Cell]:
        """All cells of a domain of a run, in the order of the config."""
        return self._cells[run, domain]

    def cells_of(self, run: str, domain: str, setting: str) -> list[Cell]:
        """Cells of a setting that are not missing."""
        missing = self._missing[run, domain]
        of_setting = [cell for cell in self.cells(run, domain) if cell.setting == setting]
        return [cell for cell in of_setting if cell.label not in missing]

    def missing(self, run: str, domain: str, setting: str | None = None) -> list[str]:
        """Labels of missing cells of a domain, or of one of its settings."""
        labels = self._missing[run, domain]
        return [label for label in labels if setting is None or label.startswith(f"{setting}/")]

    def settings(self, domain: str, run: str | None = None) -> list[str]:
        """Settings with a cell to show, in the order of the config; none early in a partial run."""
        run = run or self._config.run
        missing = self._missing[run, domain]
        shown = {cell.setting for cell in self.cells(run, domain) if cell.label not in missing}
        settings = self._config.domain(domain).settings
        return [setting.label for setting in settings if setting.label in shown]

    def domains(self) -> list[str]:
        """Domains that are part of the run and have a cell to show.

        Raises:
            PipelineError: there is none.
        """
        enabled = [name for name in DOMAINS if self._config.domain(name).enabled]
        shown = [name for name in enabled if self.settings(name)]
        if not shown:
            raise PipelineError(f"partial: no cell of results/{self._config.run} is finished")
        return shown

    def departures(self) -> list[str]:
        """Names of departures with a cell to show, in the order of the config."""
        return [name for run, name in self._departures.items() if self.settings(DEPARTED, run)]

    def missing_of_departures(self) -> list[str]:
        """Labels of missing cells of the run, and of its departures with their names."""
        labels = self.missing(self._config.run, DEPARTED)
        for run, name in self._departures.items():
            labels += [f"{name}: {label}" for label in self.missing(run, DEPARTED)]
        return labels

    def _unfinished(self, run: str, domain: str) -> list[str]:
        root = f"results/{run}/{domain}"
        tables = CELL_TABLES[domain] if run == self._config.run else COMPARED_TABLES
        return [
            cell.label
            for cell in self.cells(run, domain)
            if not all(
                Path(cell_directory(root, cell), f"{name}.parquet").exists() for name in tables
            )
        ]
