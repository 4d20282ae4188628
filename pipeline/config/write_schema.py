"""`python -m pipeline.config.write_schema`: the config's JSON schema, made from its types."""

import json
from pathlib import Path

from pipeline.config.schema import Config

SCHEMA_PATH = Path(__file__).parents[2] / "workflow/schemas/config.schema.json"


def schema_text() -> str:
    """The schema as it should stand on disk."""
    return json.dumps(Config.model_json_schema(), indent=2) + "\n"


if __name__ == "__main__":
    SCHEMA_PATH.write_text(schema_text())
