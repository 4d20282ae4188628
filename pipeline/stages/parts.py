"""The one dynamic import: which module plays a part for a domain."""

from importlib import import_module
from types import ModuleType

DOMAINS = ("rhm", "text", "image")


def part_module(domain: str, part: str) -> str:
    """Name of the module of a domain's part: data, model, sampler or measure."""
    return f"pipeline.{domain}.{part}"


def load_part(domain: str, part: str) -> ModuleType:
    """Import a domain's part."""
    return import_module(part_module(domain, part))
