"""Up to which length novel samples are coherent, by dataset size, as a table in Markdown."""

import pandas as pd

from pipeline.claims.coherence import BEST, LAST, Tables, at_checkpoint, lengths
from pipeline.claims.settings import Rules

_HEAD = """| P | best step | length then | length at the last step | copies at the last step |
| --- | --- | --- | --- | --- |
"""


def length_table(tables: Tables, rules: Rules, domain: str) -> str:
    """Lengths by dataset size, means and standard deviations over networks.

    They are those at the checkpoint of lowest validation loss, and those at the last one, with the
    share of copies among samples of the latter.

    Args:
        tables: `measurements` and `losses` of text or images.
        rules: of claims, which say which weights count.
        domain: text or image.
    """
    found = lengths(tables, rules, domain)
    best, last = (at_checkpoint(found, tables["losses"], domain, which) for which in (BEST, LAST))
    rows = [
        _row(size, best[best["dataset_size"] == size], last[last["dataset_size"] == size])
        for size in sorted(found["dataset_size"].unique())
    ]
    return "".join([_HEAD, *rows])


def _row(size: int, best: pd.DataFrame, last: pd.DataFrame) -> str:
    steps = ", ".join(map(str, sorted(best["step"].unique())))
    cells = (f"{size}", steps, _spread(best), _spread(last), f"{last['copied'].mean():.2f}")
    return f"| {' | '.join(cells)} |\n"


def _spread(frame: pd.DataFrame) -> str:
    return f"{frame['estimate'].mean():.1f} ± {frame['estimate'].std():.1f}"
