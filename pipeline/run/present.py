"""What there is of a run: its cells, which of them are missing, and what is therefore shown."""

from collections.abc import Mapping
from pathlib import Path

from pipeline.base.errors import PipelineError
from pipeline.base.labels import Cell, cell_directory
from pipeline.config.grid import cells
from pipeline.config.schema import Config
from pipeline.run.trained import trained_cells
from pipeline.stages.catalogue import CELL_TABLES, COMPARED_TABLES
from pipeline.stages.domains import DOMAINS

DEPARTED = "rhm"
"""The domain whose settings departures change."""


class Present:
    """Cells of a run and of its departures, as they are on disk when they are first asked for.

    In a partial run, what is not finished by then is missing; otherwise nothing is.

    Args:
        configs: of the run and of its departures, by the names of the runs, the run itself first.
        results: directory of all runs.
    """

    def __init__(self, configs: Mapping[str, Config], results: Path) -> None:
        self._results = results
        self._configs, self._config = configs, next(iter(configs.values()))
        names = zip(list(configs)[1:], self._config.departures, strict=False)
        self._departures = dict(names)
        self._cells: dict[tuple[str, str], list[Cell]] = {}
        self._missing: dict[tuple[str, str], list[str]] = {}

    def cells(self, run: str, domain: str) -> list[Cell]:
        """All cells of a domain of a run, in the order of the config.

        How they are grouped depends on what is trained; a job on a node, which has a name already,
        does not ask.
        """
        if (run, domain) not in self._cells:
            trained = trained_cells(self._results / run / domain)
            self._cells[run, domain] = cells(self._configs[run].domain(domain), trained)
        return self._cells[run, domain]

    def cells_of(self, run: str, domain: str, setting: str) -> list[Cell]:
        """Cells of a setting that are not missing."""
        missing = self.missing(run, domain)
        of_setting = [cell for cell in self.cells(run, domain) if cell.setting == setting]
        return [cell for cell in of_setting if cell.label not in missing]

    def missing(self, run: str, domain: str, setting: str | None = None) -> list[str]:
        """Labels of missing cells of a domain, or of one of its settings."""
        if (run, domain) not in self._missing:
            unfinished = self._unfinished(run, domain) if self._config.partial else []
            self._missing[run, domain] = unfinished
        labels = self._missing[run, domain]
        return [label for label in labels if setting is None or label.startswith(f"{setting}/")]

    def settings(self, domain: str, run: str | None = None) -> list[str]:
        """Settings with a cell to show, in the order of the config; none early in a partial run."""
        run = run or self._config.run
        settings = [setting.label for setting in self._config.domain(domain).settings]
        if not (missing := self.missing(run, domain)):
            return settings
        shown = {cell.setting for cell in self.cells(run, domain) if cell.label not in missing}
        return [label for label in settings if label in shown]

    def domains(self) -> list[str]:
        """Domains that are part of the run and have a cell to show.

        Raises:
            PipelineError: there is none.
        """
        enabled = [name for name in DOMAINS if self._config.domain(name).enabled]
        shown = [name for name in enabled if self.settings(name)]
        if not shown:
            reasons = "; ".join(map(self.nothing_of, enabled))
            home = self._results / self._config.run
            raise PipelineError(f"partial: no cell of {home} is finished: {reasons}")
        return shown

    def nothing_of(self, domain: str) -> str:
        """That no cell of a domain is finished; and which tables none has, if they have others."""
        run = self._config.run
        root = str(self._results / run / domain)
        homes = [Path(cell_directory(root, cell)) for cell in self.cells(run, domain)]
        files = [f"{name}.parquet" for name in CELL_TABLES[domain]]
        lacking = [file for file in files if not any((home / file).exists() for home in homes)]
        told = f"no cell of {domain} is finished"
        if 0 < len(lacking) < len(files):
            told += f", as none has {', '.join(lacking)}, which a run without partial makes"
        return told

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
        root = str(self._results / run / domain)
        tables = CELL_TABLES[domain] if run == self._config.run else COMPARED_TABLES
        return [
            cell.label
            for cell in self.cells(run, domain)
            if not all(
                Path(cell_directory(root, cell), f"{name}.parquet").exists() for name in tables
            )
        ]
