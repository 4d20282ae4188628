"""Stage `judge`: what an autoregressive language model makes of samples, or of controls."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.artifacts import tables
from pipeline.artifacts.seals import read_sealed
from pipeline.artifacts.tensors import make_stamp
from pipeline.base.spec import Spec
from pipeline.text.perplexity.context_losses import context_losses, summarise
from pipeline.text.perplexity.language_model import JUDGE, load_model
from pipeline.text.perplexity.texts import read_texts
from pipeline.text.settings import Judge


def judge(
    spec: Spec[Judge], model: Path, tokenizer: Path, samples: Sequence[Path], output: Path
) -> None:
    """Have a language model read samples.

    Args:
        spec: spec of the stage.
        model: directory of the language model.
        tokenizer: that of the corpus, not the model's own.
        samples: of every checkpoint, or controls.
        output: Parquet file of one row per checkpoint and range of preceding tokens; its name is
            the kind of table.
    """
    settings, rows = spec.settings, []
    judging, longest = load_model(model), settings.longest
    inputs: dict[str, Any] = {model.name: read_sealed(model / JUDGE.record)}
    edges = [2**power for power in range(longest.bit_length())]
    for place, texts in read_texts(tokenizer, samples, settings.texts, inputs):
        found = summarise(context_losses(*judging, texts, longest), edges)
        rows += [{**place, **asdict(row)} for row in found]
    stamp = make_stamp(output.stem, spec, inputs)
    tables.write_table(output, pd.DataFrame(rows), stamp)
