"""Stage `ceiling`: how often strings are right that the exact denoiser generates.

What a sampler loses by changing several tokens in one step, it loses whatever the network: an
accuracy below 1 counts against the network only as far as it is below this ceiling.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from pipeline.artifacts import tables
from pipeline.artifacts.tensors import make_stamp
from pipeline.base.device import choose_device
from pipeline.base.randomness import stream_key
from pipeline.base.types import Settings, Spec, Values
from pipeline.noise.schedules import READINGS
from pipeline.rhm.estimators.accuracy import accuracies
from pipeline.rhm.grammar.parsing import parse
from pipeline.rhm.grammar.rules import Grammar, load_grammar
from pipeline.rhm.model import PROCESSES, build_noise
from pipeline.rhm.oracle import Oracle
from pipeline.rhm.sampler import build_sampler
from pipeline.sampling.generate import generate


def ceiling(spec: Spec, sources: Sequence[Path], output: Path) -> None:
    """Sample with the config's sampler, and with every schedule at several numbers of levels.

    Args:
        spec: spec of the stage.
        sources: grammars of one setting.
        output: Parquet file of one row per grammar, sampler and accuracy.
    """
    settings, loaded = spec["settings"], [load_grammar(path) for path in sources]
    seeds = dict(zip(settings["grammar_seeds"], (grammar for grammar, _ in loaded), strict=True))
    rows = [
        {**row, "configured": i == 0}
        for i, sampler in enumerate(_samplers(settings))
        for row in _rows(settings, sampler, seeds)
    ]
    inputs = {path.name: sha for path, (_, sha) in zip(sources, loaded, strict=True)}
    stamp = make_stamp("ceilings", spec, inputs)
    tables.write_table(output, pd.DataFrame(rows), stamp)


def _samplers(settings: Settings) -> list[Values]:
    """Noise, reverse steps and strings: those of the config, then T steps at T noise levels."""
    sampling, strings = settings["sampling"], settings["ceiling"]["strings"]
    steps = {name: sampling[name] for name in ("levels", "spacing")}
    configured = {"noise": settings["noise"], "steps": steps}
    swept = []
    grid = product(PROCESSES, READINGS, settings["ceiling"]["levels"])
    for process, schedule, levels in grid:
        changes = {"process": process, "schedule": {"kind": schedule}, "levels": levels}
        noise = settings["noise"] | changes
        swept.append({"noise": noise, "steps": {"levels": levels, "spacing": "even"}})
    others = [{**sampler, "strings": strings} for sampler in swept if sampler != configured]
    return [{**configured, "strings": sampling["samples"]}, *others]


def _rows(settings: Settings, sampler: Settings, grammars: dict[int, Grammar]) -> Iterator[Values]:
    """Accuracies of one sampler, for every grammar by its seed."""
    noise = sampler["noise"]
    place = {**settings["setting"], "process": noise["process"]}
    place |= {"schedule": noise["schedule"]["kind"], "noise_levels": noise["levels"]}
    place |= {"sampling_levels": sampler["steps"]["levels"]}
    tokens = _sample(settings, sampler, grammars)
    for (seed, grammar), strings in zip(grammars.items(), tokens, strict=True):
        parsed, nodes = parse(grammar, strings), range(1, grammar.depth + 1)
        everything = [np.ones_like(parsed.valid(level)) for level in nodes]
        for row in accuracies(parsed, everything):
            if row.among == "all":
                yield {
                    **place,
                    "grammar_seed": seed,
                    "quantity": row.quantity,
                    "level": row.level,
                    "estimate": row.estimate,
                    "standard_error": row.standard_error,
                    "count": row.count,
                }


def _sample(settings: Settings, sampler: Settings, grammars: dict[int, Grammar]) -> np.ndarray:
    """Strings of the exact denoiser, [R, N, d]."""
    trained = {"noise": sampler["noise"], "cell": {"setting": settings["setting"]}}
    sampling = settings["sampling"] | sampler["steps"]
    oracle = Oracle(list(grammars.values()), build_noise(trained))
    keys = [stream_key(settings["sampling"]["seed"], seed, "ceiling") for seed in grammars]
    length = next(iter(grammars.values())).length
    with torch.inference_mode():
        draw_strings = build_sampler(sampling, trained, oracle)
        return generate(draw_strings, keys, sampler["strings"], length, choose_device())
