"""Registries: a setting names one of several definitions, and a job depends on that one alone."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from pipeline.base.errors import PipelineError

Member = TypeVar("Member")
_PLANNED: dict[str, frozenset[str]] = {}
"""Names that this process may look up, by setting; any name of a setting that is not here."""


class Choices(Mapping[str, Member]):
    """Definitions by the names that a setting gives them.

    Of the definitions in a registry, the fingerprint of a job's code has only the one that the
    setting names and those that the code asks for with `named`, as long as the code does nothing
    with the registry but look up. For that, a registry must be written as a constant of a module,
    with a dict whose keys are strings:

        LOSSES = Choices("training.loss", {"hybrid": hybrid, ...})

    Args:
        setting: path of the setting among those of the stage that looks up, or of the earlier stage
            whose settings its inputs carry. The name is the setting's value, or its `kind` if it is
            a section.
        members: definitions by name.
    """

    def __init__(self, setting: str, members: Mapping[str, Member]) -> None:
        self._setting, self._members = setting, dict(members)

    def __getitem__(self, name: str) -> Member:
        """The definition of a name.

        Raises:
            PipelineError: the job was planned for another name, so that its fingerprint lacks
                this definition.
        """
        planned = _PLANNED.get(self._setting)
        if planned is not None and name not in planned:
            raise PipelineError(
                f"{self._setting}: this job was planned for {' and '.join(sorted(planned))}, but "
                f"its inputs were made with {name}; make them anew (--forcerun and their rule)"
            )
        return self._members[name]

    def named(self, *names: str) -> tuple[str, ...]:
        """Names that the code looks up of its own accord, which must be literals.

        Raises:
            KeyError: there is no such member.
        """
        return tuple(name for name in names if self._members[name])

    def __iter__(self) -> Iterator[str]:
        """Names, in their order."""
        return iter(self._members)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._members)


def hold_to(planned: Mapping[str, Iterable[str]]) -> None:
    """From now on refuse lookups in this process of names that its job was not planned for.

    Args:
        planned: names that may be looked up, by setting.
    """
    _PLANNED.clear()
    _PLANNED.update({setting: frozenset(names) for setting, names in planned.items()})
