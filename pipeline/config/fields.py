"""Types that several config sections share."""

from itertools import pairwise
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Positive = Annotated[int, Field(gt=0)]
Seed = Annotated[int, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, lt=1)]


class Section(BaseModel):
    """A closed, immutable section of the config: an unknown key is an error."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, strict=True
    )

    def plain(self) -> dict[str, Any]:
        """The section as plain JSON values."""
        return self.model_dump(mode="json")


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
