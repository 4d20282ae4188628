"""How compositional generalization improves as diffusion models are trained.

In a notebook: list `runs` and their `checkpoints`, `load` a trained network, `export` it, read a
`table`, `compare` runs.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.library.compare import compare, differences
    from pipeline.library.networks import export, load
    from pipeline.library.tables import checkpoints, runs, table

__all__ = ["checkpoints", "compare", "differences", "export", "load", "runs", "table"]


_HOMES = {"compare": "compare", "differences": "compare", "export": "networks"}
_HOMES |= {"load": "networks", "checkpoints": "tables", "runs": "tables", "table": "tables"}


def __dir__() -> list[str]:
    """Names that a notebook completes."""
    return __all__


def __getattr__(name: str) -> object:
    """Import what is asked for, and no more, as stages import this package too."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.library.{_HOMES[name]}"), name)
