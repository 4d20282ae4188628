"""Whose choice the values of config.yaml are, as the comments behind its keys say."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import yaml

ORIGINS = {
    "paper": "stated in the paper",
    "released code": "as in the code for grammars that two of its authors released",
    "fork of MD4": "as in the authors' fork of MD4, which text was trained with",
    "MD4": "as in MD4's code, which the paper names",
    "Improved DDPM": "as in Improved DDPM's code, which the paper names",
    "recalled": "usual in the group's related work",
    "ours": "not published, or of no consequence for what is computed: our choice",
}
"""The words of the comments, and what they mean."""


def origins(path: Path) -> dict[str, str]:
    """Origin of every value of a config, by its dotted key; empty where no comment says it.

    A comment that stands behind a key holds for all keys below it without one. Of a list of
    sections the first is looked at, and `[]` stands for it.
    """
    text = path.read_text()
    root = cast("yaml.MappingNode", yaml.compose(text, Loader=yaml.SafeLoader))
    return dict(_below(root, text.splitlines(), "", ""))


def _below(
    section: yaml.MappingNode, lines: Sequence[str], prefix: str, inherited: str
) -> Iterator[tuple[str, str]]:
    for key, value in section.value:
        name, (_, _, comment) = f"{prefix}{key.value}", lines[key.start_mark.line].partition("  # ")
        origin = comment if comment in ORIGINS else inherited
        first = value.value[0] if isinstance(value, yaml.SequenceNode) and value.value else None
        if isinstance(value, yaml.MappingNode) and value.value:
            yield from _below(value, lines, f"{name}.", origin)
        elif isinstance(first, yaml.MappingNode):
            yield from _below(first, lines, f"{name}[].", origin)
        else:
            yield name, origin
