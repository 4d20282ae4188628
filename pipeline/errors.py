"""The one exception whose message is written for the user, and errors of others in a line."""


class PipelineError(Exception):
    """A failure the user can mend; its message is one line naming the culprit and the remedy."""


def one_line(error: BaseException | str) -> str:
    """What an error says without line breaks, or its kind if it says nothing."""
    return " ".join(str(error).split()) or type(error).__name__
