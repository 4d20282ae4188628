"""What the program finds out, pasted into pages that people write."""

from pathlib import Path

from pipeline.base.errors import PipelineError


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


def paste(page: Path, name: str, content: str) -> None:
    """Write content between the markers `name` of a page."""
    try:
        page.write_text(pasted(page.read_text(), name, content))
    except PipelineError as error:
        raise PipelineError(f"{page}: {error}") from error
