"""Names for values whose structure no type tells."""

from typing import Any, TypeAlias

Values: TypeAlias = dict[str, Any]
"""Values of some or all columns in one row of a table, by the names of the columns."""
