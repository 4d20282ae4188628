"""Which files jobs of a run read and make: the input functions of the rules.

They depend on the config, on a job's wildcards, and on which cells are missing from disk.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from pipeline.base.errors import PipelineError
from pipeline.base.labels import ONLINE, parse_replicas
from pipeline.config.image import ImageConfig
from pipeline.config.schema import Config
from pipeline.config.text import TextConfig
from pipeline.run.place import Place, cell_directory, setting_directory
from pipeline.run.present import DEPARTED, Present
from pipeline.stages.catalogue import COMPARISONS, TABLES
from pipeline.stages.domains import DOMAINS, REFERENCE_CONTROL
from pipeline.stages.figures import FIGURES
from pipeline.stages.paths import CELL, FIGURE, REFERENCES, SETTING, SETTING_TABLE, TABLE

InputFunction = Callable[[Place], list[str]]


class Plan:
    """Files of a run. Where a method has no place, its paths are patterns with wildcards left.

    Args:
        configs: of the run and of its departures, by the names of the runs, the run itself first.
        present: which of their cells there are.
        checkout: directory that this code is in.
    """

    def __init__(self, configs: Mapping[str, Config], present: Present, checkout: Path) -> None:
        self._config = next(iter(configs.values()))
        self._present = present
        # An absolute path where it is needed: only such Snakemake leaves as it is in an import.
        self._checkout = Path() if checkout == Path.cwd() else checkout

    # Of a trajectory

    def steps(self, domain: str, directory: str) -> list[str]:
        """Files of a cell, one per checkpoint, in one of its directories."""
        steps = self._config.domain(domain).training.checkpoints
        return [f"{CELL}/{directory}/step{step}.safetensors" for step in steps]

    def sources(self, place: Place) -> list[str]:
        """What the dataset of every replica of a cell is made from."""
        return _of_replicas(place, DOMAINS[place.domain].source)

    def references(self, place: Place) -> list[str]:
        """What samples of every replica of a cell are compared with."""
        return _of_replicas(place, DOMAINS[place.domain].reference)

    def measured(self, place: Place) -> list[str]:
        """What is measured at every checkpoint of a cell."""
        directory = f"{cell_directory(place)}/{DOMAINS[place.domain].measured}"
        steps = self._config.domain(place.domain).training.checkpoints
        return [f"{directory}/step{step}.safetensors" for step in steps]

    def training_data(self, place: Place) -> list[str]:
        """Data of a cell that its samples may be copies of, if there are any."""
        domain = DOMAINS[place.domain]
        if place.dataset_size == ONLINE and not domain.has_data_online:
            return []
        return [f"{cell_directory(place)}/{domain.training_data}.safetensors"]

    # Of a setting

    def grammars(self, section: str) -> InputFunction:
        """Grammars of a setting, one per grammar seed of a section of the config."""

        def files(place: Place) -> list[str]:
            seeds = getattr(self._config.domain(place.domain), section).grammar_seeds
            source = f"{setting_directory(place)}/{DOMAINS[place.domain].source}.safetensors"
            return [source.format(grammar_seed=seed) for seed in seeds]

        return files

    def controls(self, domain: str, directory: str = "controls") -> list[str]:
        """Controls of a setting: of the domain, and of shuffled blocks of every length."""
        names = self._controls(domain)
        return [f"{SETTING}/{directory}/{name}.safetensors" for name in names]

    def measured_controls(self, place: Place) -> list[str]:
        """What is measured of the controls, but for the one that they are compared with."""
        directory = f"{setting_directory(place)}/{DOMAINS[place.domain].measured_controls}"
        names = [name for name in self._controls(place.domain) if name != REFERENCE_CONTROL]
        return [f"{directory}/{name}.safetensors" for name in names]

    def control_references(self, place: Place) -> list[str]:
        """What controls are compared with."""
        return [f"{setting_directory(place)}/{DOMAINS[place.domain].reference}.safetensors"]

    def cell_tables(self, place: Place) -> list[str]:
        """One table of every cell of a setting that is not missing."""
        root = f"results/{place.run}/{place.domain}"
        there = self._present.cells_of(place.run, place.domain, place.setting)
        return [f"{root}/{cell.label}/{place.table}.parquet" for cell in there]

    def losses_beside(self, place: Place) -> list[str]:
        """Losses of a setting, which tell the best checkpoints; nothing beside the losses."""
        return (
            [] if place.table == "losses" else [f"{setting_directory(place)}/tables/losses.parquet"]
        )

    def tables_beside(self, place: Place) -> list[str]:
        """The table of a setting that another one is put beside, if there is one."""
        beside = DOMAINS[place.domain].beside
        tables = [beside[place.table]] if place.table in beside else []
        return [f"{setting_directory(place)}/tables/{table}.parquet" for table in tables]

    # Of a domain, and of the run

    def setting_tables(self, place: Place) -> list[str]:
        """One table of every setting of a domain that has it, in the order of the config."""
        settings = self._present.settings(place.domain, place.run)
        sections = DOMAINS[place.domain].other_settings
        if place.table in sections:
            section = getattr(self._config.domain(place.domain), sections[place.table])
            settings = [setting.label for setting in section.grammars]
        root = f"results/{place.run}/{place.domain}"
        return [f"{root}/{setting}/tables/{place.table}.parquet" for setting in settings]

    def departure_tables(self, table: str) -> list[str]:
        """One table of the run, and of each of its departures."""
        run = self._config.run
        runs = [run, *(f"{run}_{name}" for name in self._present.departures())]
        return [TABLE.format(run=name, domain=DEPARTED, table=table) for name in runs]

    def claim_tables(self, place: Place) -> list[str]:
        """Tables of a domain that its claims are decided from."""
        names = DOMAINS[place.domain].claim_tables
        return [TABLE.format(run=place.run, domain=place.domain, table=name) for name in names]

    def domain_tables(self, domain: str) -> list[str]:
        """All tables of a domain."""
        names = [*TABLES[domain], *COMPARISONS[domain]]
        return [TABLE.format(run=self._config.run, domain=domain, table=name) for name in names]

    def tables(self) -> list[str]:
        """All tables of all domains that are shown."""
        return [path for name in self._present.domains() for path in self.domain_tables(name)]

    def claims(self) -> list[str]:
        """Claims of every domain that is shown."""
        run, domains = self._config.run, self._present.domains()
        return [TABLE.format(run=run, domain=name, table="claims") for name in domains]

    def figure_tables(self, name: str) -> list[str]:
        """Tables that a figure shows: of all settings if it compares them, else of the first."""
        figure = FIGURES[name]
        pattern = TABLE if figure.compares_settings else SETTING_TABLE
        place = {"domain": figure.domain, "setting": self._present.settings(figure.domain)[0]}
        tables = [pattern.format(run="{run}", table=table, **place) for table in figure.tables]
        references = self._checkout / REFERENCES
        shown = figure.references
        return tables + [
            str(references).format(domain=figure.domain, table=table) for table in shown
        ]

    def figures(self) -> list[str]:
        """Figures of the config whose domains are shown."""
        shown = self._present.domains()
        return self._drawn(
            [name for name in self._config.shown_figures if FIGURES[name].domain in shown]
        )

    def domain_figures(self, domain: str) -> list[str]:
        """Figures of the config of one domain.

        Raises:
            PipelineError: there is nothing of it to show.
        """
        if not self._present.settings(domain):
            raise PipelineError(f"partial: {self._present.nothing_of(domain)}")
        return self._drawn(
            [name for name in self._config.shown_figures if FIGURES[name].domain == domain]
        )

    def _drawn(self, names: list[str]) -> list[str]:
        return [FIGURE.format(run=self._config.run, figure=name) for name in names]

    def _controls(self, domain: str) -> list[str]:
        config, others = self._config.domain(domain), DOMAINS[domain].controls
        if not isinstance(config, TextConfig | ImageConfig):
            return [*others]
        return [*others, *(f"blocks{length}" for length in config.measurement.block_lengths)]


def _of_replicas(place: Place, artifact: str) -> list[str]:
    """An artifact of the setting for each replica of a cell."""
    path = f"{setting_directory(place)}/{artifact}.safetensors"
    replicas = parse_replicas(place.replicas)
    return [path.format(grammar_seed=replica.grammar_seed) for replica in replicas]
