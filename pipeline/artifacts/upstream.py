"""Settings of the stages that an artifact went through, as its stamp has them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from pipeline.artifacts.tensors import refusal
from pipeline.base.canonical import canonical_json
from pipeline.base.section import Section

_Settings = TypeVar("_Settings", bound=Section)


def settings_in(spec: Mapping[str, Any], path: Path, kind: type[_Settings]) -> _Settings:
    """Settings of a spec that a stamp repeats.

    Args:
        spec: of the stage, as the stamp has it.
        path: file with the stamp, for the message.
        kind: class of the settings of this stage.

    Raises:
        PipelineError: they are of another class, as those of older code may be.
    """
    try:
        return kind.model_validate_json(canonical_json(spec["settings"]))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"]))
        raise refusal(
            path, f"was made with settings of stage {spec['stage']} that this code has not ({key})"
        ) from error
