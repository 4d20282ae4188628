"""A run that is analysed again: what is said of its claims, and of a command that lacks words."""

import subprocess
import sys
from pathlib import Path

import pandas as pd

from pipeline.documents import again


def claims(*verdicts):
    names = ["claim", "domain", "setting", "quantity", "verdict"]
    place = ("sample complexity", "rhm")
    rows = [(*place, setting, "exponent", word) for setting, word in verdicts]
    return pd.DataFrame(rows, columns=names)


def test_claims_that_come_out_otherwise_are_told(monkeypatch):
    before = claims((None, "supported"), ("8, 3, 2, 3", "undecided"), ("8, 4, 2, 3", "undecided"))
    now = claims((None, "undecided"), ("8, 3, 2, 3", "undecided"))
    found = {Path("run/tables/claims.parquet"): before, Path("output/claims.parquet"): now}
    monkeypatch.setattr(again.tables, "read_table", lambda path, _: found[path])
    assert again.otherwise(Path("run"), Path("output")) == [
        "sample complexity, rhm, all settings: exponent: undecided, was supported",
        "sample complexity, rhm, 8, 4, 2, 3: exponent: not there, was undecided",
    ]


def test_a_command_that_lacks_words_says_which():
    for module, words in (("again", "RUN OUTPUT"), ("study", "PAGE RESULTS"), ("claims", "ROOT")):
        command = [sys.executable, "-m", f"pipeline.documents.{module}"]
        result = subprocess.run(command, check=False, capture_output=True, text=True)
        assert result.returncode == 1
        said = f"error: 0 arguments; write: python -m pipeline.documents.{module} {words}\n"
        assert result.stderr == said
