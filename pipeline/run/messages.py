"""What is told beside Snakemake's own messages."""

import sys


def say(line: str) -> None:
    """Write a line to standard error in one piece.

    Snakemake writes its messages in a thread, which `print` would let between a line and its end.
    """
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
