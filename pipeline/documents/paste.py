"""`python -m pipeline.documents.paste README TABLE`: the table of claims, pasted into a README."""

import sys
from pathlib import Path

from pipeline.artifacts import tables
from pipeline.base.errors import PipelineError
from pipeline.claims.render import markdown


def pasted(text: str, name: str, content: str) -> str:
    """Text with what stands between the markers `name` replaced.

    Raises:
        PipelineError: the text has not exactly one marker of each kind, in this order.
    """
    markers = [f"<!-- {name}:{end} -->" for end in ("begin", "end")]
    begin, end = (f"{marker}\n" for marker in markers)
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed or begin in rest or end in before + after:
        raise PipelineError(f"there must be one line {' and '.join(markers)} each, in this order")
    return f"{before}{begin}\n{content}\n{end}{after}"


def paste(readme: Path, name: str, content: str) -> None:
    """Write content between the markers `name` of a README."""
    try:
        readme.write_text(pasted(readme.read_text(), name, content))
    except PipelineError as error:
        raise PipelineError(f"{readme}: {error}") from error


if __name__ == "__main__":
    try:
        paste(Path(sys.argv[1]), "claims", markdown(tables.read_table(Path(sys.argv[2]), "claims")))
    except PipelineError as error:
        sys.exit(f"error: {error}")
