"""What tables of an unfinished grid lack, in a sentence."""

from collections.abc import Sequence

_MOST_NAMED = 8


def describe_missing(cells: Sequence[str]) -> str:
    """Name the missing cells, the first few of many; empty if there are none."""
    if not cells:
        return ""
    more = len(cells) - _MOST_NAMED
    named = ", ".join(cells[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
    return f"without {len(cells)} missing cell{'s' if len(cells) > 1 else ''}: {named}"
