"""Names that figures show: what stands between dollar signs there is a formula."""

from collections.abc import Iterator

from pipeline.base.errors import one_line

_LONGEST = 100


def mathtext_problems(key: str, name: str) -> Iterator[str]:
    """A sentence if figures cannot show a name: an unfinished formula, several lines, or too long.

    Args:
        key: of the config, for the message.
        name: a text in which $...$ is a formula, as matplotlib has it.
    """
    if not 0 < len(name) <= _LONGEST or not name.isprintable():
        yield f"{key} = {name!r:.50} must be one line of 1 to {_LONGEST} characters"
    elif "$" in name and (reason := _flaw(name)):
        yield (
            f"{key} = {name!r} cannot be shown, as what stands between $ is no formula ({reason}); "
            r"correct it, or write \$ for dollars"
        )


def _flaw(name: str) -> str:
    """What matplotlib has against a name, if anything; imported for such names only."""
    try:
        from matplotlib.mathtext import MathTextParser

        MathTextParser("path").parse(name)
    except (ValueError, RecursionError, OSError) as error:  # the last of an unreadable matplotlibrc
        return one_line(error)
    return ""
