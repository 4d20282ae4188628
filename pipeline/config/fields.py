"""Types that several config sections share."""

from collections.abc import Iterator
from itertools import pairwise
from operator import attrgetter
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Positive = Annotated[int, Field(gt=0, le=10**9)]
"""A number of strings, blocks, images, tokens or steps."""
Few = Annotated[int, Field(gt=0, le=1000)]
"""A number of parts, copies or repetitions."""
Width = Annotated[int, Field(gt=0, le=65536)]
"""Channels or features of a layer."""
Levels = Annotated[int, Field(ge=2, le=100_000)]
"""A number of noise levels, of which there are tables."""
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
Fraction = Annotated[float, Field(ge=0, lt=1)]


class Section(BaseModel):
    """A closed, immutable section of the config: an unknown key is an error."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        strict=True,
        allow_inf_nan=False,
    )

    def _problems(self) -> Iterator[str]:
        """What is wrong between keys that are right by themselves, a sentence each."""
        return iter(())

    @model_validator(mode="after")
    def _has_no_problems(self) -> Self:
        if problems := list(self._problems()):
            raise ValueError("\n".join(problems))
        return self

    def plain(self) -> dict[str, Any]:
        """The section as plain JSON values."""
        return self.model_dump(mode="json")


def excesses(section: Section, *limits: tuple[str, str]) -> Iterator[str]:
    """A sentence for each number that exceeds another: pairs of both places in a section."""
    for place, limit in limits:
        value, most = attrgetter(place, limit)(section)
        if value > most:
            yield f"{place} = {value} must be at most {limit} = {most}"


def _increasing(values: list[Any]) -> list[Any]:
    numbers = [value for value in values if isinstance(value, int)]
    if any(a >= b for a, b in pairwise(numbers)):
        raise ValueError("must increase from each entry to the next")
    return values


def _distinct(values: list[Any]) -> list[Any]:
    if len(set(values)) < len(values):
        raise ValueError("must not repeat an entry")
    return values


Increasing = AfterValidator(_increasing)
Distinct = AfterValidator(_distinct)
