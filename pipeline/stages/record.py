"""What a record of a stage says. Standard library only: every cluster job parses the workflow.

From the records follow the command line, the code that a job depends on, the tables there are, what
`status` lists, how long jobs are expected to take, and which rules keep progress. A test holds them
against the rules (`tests/workflow/test_records.py`).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from pipeline.stages.domains import EVERY_DOMAIN


@dataclass(frozen=True)
class Files:
    """An option of a stage that names files, and a parameter of its function.

    Attributes:
        option: its name on the command line, without dashes, and in the function.
        pattern: of the paths, with the workflow's wildcards in braces; `{source}`, `{reference}`
            and other fields of `Domain` stand for what the domain has in their place.
        number: how many paths there are; "many" may be none.
    """

    option: str
    pattern: str
    number: Literal["one", "optional", "many"] = "one"


@dataclass(frozen=True)
class Option:
    """An option of a stage that is neither its spec nor a file, and so makes no job stale.

    Attributes:
        option: its name in the function; on the command line dashes replace underscores.
        meaning: what `--help` says.
        parse: from text to its value; or, of a section of the config as JSON, the name
            `module:class` of its type.
        many: whether it has several values.
    """

    option: str
    meaning: str
    parse: Callable[[str], object] | str = int
    many: bool = False


@dataclass(frozen=True)
class Rule:
    """A rule of the workflow that runs a stage.

    Attributes:
        name: of the rule.
        domains: those that it has jobs of; none if its files belong to no domain.
        paths: patterns that differ from those of the stage, by option; empty where no file is.
        seconds: what a job of the demo preset takes on two cores, roughly; elsewhere, the pace of
            jobs that have ended tells more.
    """

    name: str
    domains: tuple[str, ...] = EVERY_DOMAIN
    paths: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 4.0


@dataclass(frozen=True)
class Stage:
    """A step of the pipeline: what runs it, on what, and what it makes.

    Attributes:
        name: of the stage, on the command line and in specs.
        function: what runs it, as `module:function`; it is given everything below by name.
        inputs: files that it reads.
        settings: class of what it reads of the config, `module:class`, in which `{domain}` stands
            for that of each domain; none if it has no spec. Stages without a spec are the same in
            all runs. The function is given the spec first.
        outputs: files that it makes; once the last of them is there, the stage has ended.
        rules: rules that run it.
        parts: domain parts that the function is given, by parameter: modules `<domain>/<part>.py`.
        carried: name of the stage whose settings its inputs carry, where it chooses by them, too.
        options: further options.
        own_files: input option that is given the files of the user's own directory as well, if the
            source is one; they may be too many for a command line, and the spec tells of them.
        resumable: whether its jobs keep progress in `.work` beside their outputs, undeclared.
        without: large libraries that it does not import, so that it starts soon.
        until_then: state of a cell, for `status`, as long as it has all before this stage's last
            output but not that; empty if `status` does not ask for it.
    """

    name: str
    function: str
    settings: str | None
    outputs: tuple[Files, ...]
    rules: tuple[Rule, ...]
    inputs: tuple[Files, ...] = ()
    parts: Mapping[str, str] = field(default_factory=dict)
    carried: str = ""
    options: tuple[Option, ...] = ()
    own_files: str = ""
    resumable: bool = False
    without: tuple[str, ...] = ()
    until_then: str = ""

    @property
    def module(self) -> str:
        """Name of the module that the stage's function is in."""
        return self.function.partition(":")[0]

    def settings_of(self, domain: str) -> str:
        """Name of the class of its settings for a domain."""
        return (self.settings or "").format(domain=domain)

    def last_output(self, domain: str) -> str:
        """Pattern of what is there once the stage has ended, or nothing if a domain lacks it."""
        last = self.outputs[-1]
        of_domain = (rule.paths for rule in self.rules if domain in rule.domains)
        return next((paths.get(last.option, last.pattern) for paths in of_domain), "")

    def patterns(self, domain: str) -> Iterator[str]:
        """Patterns of all outputs for a domain."""
        for rule in self.rules:
            if domain in rule.domains:
                yield from (rule.paths.get(file.option, file.pattern) for file in self.outputs)
