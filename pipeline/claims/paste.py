"""`python -m pipeline.claims.paste README TABLE`: the table of claims, pasted into a README."""

import sys
from pathlib import Path

from pipeline import tables
from pipeline.claims.render import markdown
from pipeline.errors import PipelineError

BEGIN, END = "<!-- claims:begin -->\n", "<!-- claims:end -->\n"


def pasted(text: str, content: str) -> str:
    """Text with what stands between the markers replaced.

    Raises:
        PipelineError: the text has not exactly one marker of each kind, in this order.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in rest or END in before + after:
        markers = f"{BEGIN.strip()} and {END.strip()}"
        raise PipelineError(f"there must be one line {markers} each, in this order")
    return f"{before}{BEGIN}\n{content}\n{END}{after}"


def paste(readme: Path, table: Path) -> None:
    """Write the table between the markers of a README."""
    content = markdown(tables.read_table(table, "claims"))
    try:
        readme.write_text(pasted(readme.read_text(), content))
    except PipelineError as error:
        raise PipelineError(f"{readme}: {error}") from error


if __name__ == "__main__":
    try:
        paste(*map(Path, sys.argv[1:]))
    except PipelineError as error:
        sys.exit(f"error: {error}")
