"""What is found by name: what plays a part for a domain, draws a figure, or has settings."""

from importlib import import_module
from types import ModuleType
from typing import Any


def part_module(domain: str, part: str) -> str:
    """Name of the module of a domain's part: data, model, sampler or measure."""
    return f"pipeline.{domain}.{part}"


def figure_module(figure: str) -> str:
    """Name of the module that draws a figure, whose name begins with that of its domain."""
    domain, _, subject = figure.partition("_")
    return f"pipeline.figures.{domain}.{subject}"


def load_part(domain: str, part: str) -> ModuleType:
    """Import a domain's part."""
    return import_module(part_module(domain, part))


def load_definition(name: str) -> Any:  # noqa: ANN401 # whatever it is
    """Import a definition by its name, `module:definition`."""
    module, _, definition = name.partition(":")
    return getattr(import_module(module), definition)
