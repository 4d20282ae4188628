"""The spec of a job, as the job is given it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

_Settings_co = TypeVar("_Settings_co", covariant=True)


@dataclass(frozen=True)
class Spec(Generic[_Settings_co]):
    """Everything, beside input files, that the outputs of a job depend on.

    Attributes:
        stage: name of the stage, or of the figure.
        domain: name of the domain.
        settings: what the stage reads of the config.
        plain: all of this, and the fingerprint of the code, as stamps have it: JSON values.
        lineage: content hashes of what the outputs of the job descend from, by place in the run.
    """

    stage: str
    domain: str
    settings: _Settings_co
    plain: Mapping[str, Any]
    lineage: Mapping[str, str] = field(default_factory=dict)
