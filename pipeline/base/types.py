"""Names for values that are JSON, whose structure no type tells."""

from typing import Any, TypeAlias

Settings: TypeAlias = dict[str, Any]
"""Settings of a stage, or a section of them, by the names that they have in the config."""

Spec: TypeAlias = dict[str, Any]
"""Spec of a job, parsed: its `stage`, `domain`, `settings` and `code`."""

Values: TypeAlias = dict[str, Any]
"""Values of some or all columns in one row of a table, by the names of the columns."""
