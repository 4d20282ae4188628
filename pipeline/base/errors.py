"""The one exception whose message is written for the user, and errors of libraries in a line."""

_LONGEST = 500
"""Characters shown of another library's error: some libraries list all that they know."""


class PipelineError(Exception):
    """A failure the user can mend; its message is one line naming the culprit and the remedy."""


def one_line(error: BaseException) -> str:
    """An error's message without line breaks, cut if it is long; its class if it has no message."""
    said = " ".join(str(error).split()) or type(error).__name__
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST]} ..."
