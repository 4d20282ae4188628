"""Sections of the config, and settings of stages, which are made of them; and types of their keys.

A spec has the value of every key, and checking changes none. So what a class says of its keys
cannot change what a job computes, and is no part of the job's code (`pipeline.stages.provenance`);
the code of its methods and properties is part of it. Validators must therefore refuse, and never
convert.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Positive = Annotated[int, Field(gt=0, le=10**9)]
"""A number of strings, blocks, images, tokens or steps."""
Few = Annotated[int, Field(gt=0, le=1000)]
"""A number of parts, copies or repetitions."""
Width = Annotated[int, Field(gt=0, le=65536)]
"""Channels or features of a layer."""
NoiseLevels = Annotated[int, Field(ge=2, le=100_000)]
"""A number of noise levels, of which there are tables, or of reverse steps over them."""
Resamples = Annotated[int, Field(ge=100, le=100_000)]
"""How often a bootstrap draws."""
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Share = Annotated[float, Field(gt=0, lt=1)]
"""A number between 0 and 1."""
Decay = Share
"""Decay of an average of weights."""


class Section(BaseModel):
    """A closed, immutable section of the config: an unknown key is an error."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        strict=True,
        allow_inf_nan=False,
        defer_build=True,
    )

    def _problems(self) -> Iterator[str]:
        """What is wrong between keys that are each right by themselves, one sentence a problem."""
        return iter(())

    @model_validator(mode="after")
    def _has_no_problems(self) -> Self:
        if problems := list(self._problems()):
            raise ValueError("\n".join(problems))
        return self

    @classmethod
    def of(cls, *sections: "Section", **values: object) -> Self:
        """Make this section out of the keys of other sections, and out of values.

        Args:
            sections: each with some of the keys, and perhaps further ones; a later one wins.
            values: by key; they win over those of the sections.
        """
        found: dict[str, object] = {}
        for section in sections:
            found |= {key: value for key, value in section if key in cls.model_fields}
        return cls(**(found | values))

    def plain(self) -> dict[str, Any]:
        """The section as plain JSON values."""
        return self.model_dump(mode="json")


class NoSettings(Section):
    """Settings of a stage that reads none."""


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
