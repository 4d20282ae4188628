"""What the programs that fill pages are called with."""

import sys

from pipeline.base.errors import PipelineError


def arguments(*names: str) -> list[str]:
    """Words behind the name of the program that runs.

    Args:
        names: what each of the words is, for the message. If the last one ends in dots, more
            may follow.

    Raises:
        PipelineError: there are more or fewer.
    """
    words, program = sys.argv[1:], sys.modules["__main__"].__spec__
    several = names[-1].endswith("...")
    if len(words) < len(names) or (len(words) > len(names) and not several):
        called = f"python -m {program.name}" if program else sys.argv[0]
        raise PipelineError(f"{len(words)} arguments; write: {called} {' '.join(names)}")
    return words
