"""The one exception whose message is written for the user, and errors of others in a line."""

_LONGEST = 500
"""Characters of an error of others that are shown: some libraries list all that they know."""


class PipelineError(Exception):
    """A failure the user can mend; its message is one line naming the culprit and the remedy."""


def one_line(error: BaseException) -> str:
    """What an error says without line breaks, or its kind if it says nothing; no more than fits."""
    said = " ".join(str(error).split()) or type(error).__name__
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST]} ..."
