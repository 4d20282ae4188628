"""`python -m pipeline.documents.quantities docs/tables.md`: a row for every quantity and value."""

import sys
from pathlib import Path

from pipeline.base.column_values import COLUMN_VALUES
from pipeline.base.errors import PipelineError
from pipeline.base.quantities import QUANTITIES, Quantity
from pipeline.documents.arguments import arguments
from pipeline.documents.paste import paste
from pipeline.stages.domains import DOMAINS

_HEAD = "| quantity | tables | meaning | whose | computed in |\n|---|---|---|---|---|\n"


def quantities_table() -> str:
    """A part of Markdown for every domain, with a row for each of its quantities."""
    parts = []
    for name, domain in DOMAINS.items():
        rows = [_row(quantity, name) for quantity in QUANTITIES if _of(quantity, name)]
        parts.append(f"### Of {domain.data}\n\n{_HEAD}{''.join(rows)}")
    return "\n".join(parts)


def values_table() -> str:
    """A row for every value of the columns that have a few of them."""
    rows = [
        f"| `{column}` | `{value}` | {meaning} |\n"
        for column, values in COLUMN_VALUES.items()
        for value, meaning in values.items()
    ]
    return f"| column | value | meaning |\n|---|---|---|\n{''.join(rows)}"


def _of(quantity: Quantity, domain: str) -> list[str]:
    """Tables of a domain that have the quantity, without the name of the domain."""
    start = f"{domain}_"
    return [name.removeprefix(start) for name in quantity.tables if name.startswith(start)]


def _row(quantity: Quantity, domain: str) -> str:
    name, home, _, whose, meaning = quantity
    tables = ", ".join(_of(quantity, domain))
    return f"| `{name}` | {tables} | {meaning} | {whose} | `{home}` |\n"


if __name__ == "__main__":
    try:
        (page,) = map(Path, arguments("PAGE"))
        paste(page, "quantities", quantities_table())
        paste(page, "values", values_table())
    except PipelineError as error:
        sys.exit(f"error: {error}")
