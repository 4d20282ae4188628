"""The one exception whose message is written for the user."""


class PipelineError(Exception):
    """A failure the user can mend; its message is one line naming the culprit and the remedy."""
