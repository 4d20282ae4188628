"""Specs of all jobs of a run: the params functions of the rules."""

from collections.abc import Callable, Mapping

from pipeline.base.canonical import canonical_json
from pipeline.base.section import Section
from pipeline.claims.settings import Missing
from pipeline.config.resources import fetched, from_hub, packages
from pipeline.config.schema import Config
from pipeline.config.slices import (
    SLICES,
    aggregate_settings,
    claims_settings,
    departures_settings,
    figure_settings,
)
from pipeline.run.place import Place
from pipeline.run.present import DEPARTED, Present
from pipeline.stages.catalogue import STAGES
from pipeline.stages.figures import FIGURES
from pipeline.stages.specs import make_spec


class JobSpecs:
    """Specs of jobs, by what the config and the disk say; the code is looked at when they are made.

    Args:
        configs: of the run and of its departures, by the names of the runs, the run itself first.
        present: which of their cells there are.
    """

    def __init__(self, configs: Mapping[str, Config], present: Present) -> None:
        self._configs, self._config = configs, next(iter(configs.values()))
        self._present = present
        self._joined: dict[str, Callable[[Place], Section]] = {
            "aggregate": self._aggregate,
            "claims": lambda place: claims_settings(self._config, place.domain),
        }

    def of_stage(self, stage: str) -> Callable[[Place], str]:
        """Params function: the spec of a stage's job.

        It raises PipelineError if files of the user's own cannot be read.
        """

        def spec(place: Place) -> str:
            joined = self._joined.get(stage)
            settings = self._sliced(stage, place) if joined is None else joined(place)
            carried = STAGES[stage].carried
            upstream = self._sliced(carried, place) if carried else None
            return make_spec(stage, place.domain, settings, upstream)

        return spec

    def of_departures(self, _place: Place) -> str:
        """Params function: the spec of what the departures of the run change."""
        names, missing = self._present.departures(), self._present.missing_of_departures()
        settings = departures_settings(self._config, names, missing)
        return make_spec("depart", DEPARTED, settings)

    def of_verdicts(self, _place: Place) -> str:
        """Params function: the spec of the verdicts on the claims of all domains."""
        run, domains = self._config.run, self._present.domains()
        missing = [label for name in domains for label in self._present.missing(run, name)]
        return make_spec("verdicts", "rhm", Missing(missing=missing))

    def of_package(self, place: Place) -> str:
        """Params function: what the config pins of a package, as canonical JSON."""
        path = f"resources/{place.registry}/{place.archive}"
        return canonical_json(fetched(packages(self._config.domains)[path]).plain())

    def of_hub(self, place: Place) -> str:
        """Params function: what the config pins of a repository of the hub, as canonical JSON."""
        path = f"resources/hub/{place.repository}"
        return canonical_json(fetched(from_hub(self._config.domains)[path]).plain())

    def of_figure(self, name: str) -> Callable[[Place], str]:
        """Params function: the spec of a figure, whose code only a job that draws it looks at."""

        def spec(_place: Place) -> str:
            settings = figure_settings(self._config, name, self._missing_of_figure(name))
            return make_spec(name, FIGURES[name].domain, settings)

        return spec

    def _sliced(self, stage: str, place: Place) -> Section:
        domain = self._configs[place.run].domain(place.domain)
        return SLICES[place.domain][stage](domain, place)

    def _aggregate(self, place: Place) -> Section:
        cells = self._present.cells(place.run, place.domain)
        missing = self._present.missing(place.run, place.domain, place.setting)
        of_setting = [cell for cell in cells if cell.setting == place.setting]
        return aggregate_settings(of_setting, missing)

    def _missing_of_figure(self, name: str) -> list[str]:
        figure, run = FIGURES[name], self._config.run
        if "departures" in figure.tables:
            return self._present.missing_of_departures()
        if figure.compares_settings:
            return self._present.missing(run, figure.domain)
        setting = self._present.settings(figure.domain)[0]
        return self._present.missing(run, figure.domain, setting)
