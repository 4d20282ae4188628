"""The modules that are found by name: what plays a part for a domain, and what draws a figure."""

from importlib import import_module
from types import ModuleType


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
