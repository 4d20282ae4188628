"""Stage `ceiling`: how often the strings that the exact denoiser generates are right.

What a sampler loses by changing several tokens in one step, it loses whatever the network: an
accuracy below 1 counts against the network only as far as it is below this ceiling.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from pipeline.artifacts import tables
from pipeline.artifacts.tensors import make_stamp
from pipeline.base.device import choose_device
from pipeline.base.randomness import stream_key
from pipeline.base.spec import Spec
from pipeline.base.types import Values
from pipeline.noise.schedules import READINGS
from pipeline.noise.settings import FixedSchedule, TokenNoise
from pipeline.rhm.estimators.accuracy import accuracies
from pipeline.rhm.grammar.parsing import parse
from pipeline.rhm.grammar.rules import Grammar, load_grammar
from pipeline.rhm.model import PROCESSES, make_noise
from pipeline.rhm.oracle import Oracle
from pipeline.rhm.sampler import make_sampler
from pipeline.rhm.settings import CeilingSettings, Sampling
from pipeline.sampling.generate import generate


class _Sampler(NamedTuple):
    """Noise; and reverse steps, with how many strings are drawn."""

    noise: TokenNoise
    sampling: Sampling


def ceiling(spec: Spec[CeilingSettings], sources: Sequence[Path], output: Path) -> None:
    """Sample with the config's sampler, and with every schedule at several numbers of levels.

    Args:
        spec: spec of the stage.
        sources: grammars of one setting.
        output: Parquet file of one row per grammar, sampler and accuracy.
    """
    settings, loaded = spec.settings, [load_grammar(path) for path in sources]
    seeds = dict(zip(settings.grammar_seeds, (grammar for grammar, _ in loaded), strict=True))
    rows = [
        {**tables.setting_columns(settings.setting), **row, "configured": i == 0}
        for i, sampler in enumerate(_samplers(settings))
        for row in _rows(sampler, seeds)
    ]
    inputs = {path.name: sha for path, (_, sha) in zip(sources, loaded, strict=True)}
    stamp = make_stamp("ceilings", spec, inputs)
    tables.write_table(output, pd.DataFrame(rows), stamp)


def _samplers(settings: CeilingSettings) -> list[_Sampler]:
    """Those of the config, then T steps at T noise levels."""
    configured, swept = _Sampler(settings.noise, settings.sampling), []
    for process, schedule, count in product(PROCESSES, READINGS, settings.ceiling.noise_levels):
        reading = FixedSchedule.model_validate({"kind": schedule})
        changes = {"process": process, "schedule": reading, "noise_levels": count}
        noise = TokenNoise.of(settings.noise, **changes)
        sampling = Sampling.of(settings.sampling, steps=count, spacing="even")
        if _Sampler(noise, sampling) != configured:
            few = sampling.model_copy(update={"samples": settings.ceiling.strings})
            swept.append(_Sampler(noise, few))
    return [configured, *swept]


def _rows(sampler: _Sampler, grammars: dict[int, Grammar]) -> Iterator[Values]:
    """Accuracies of one sampler, for every grammar by its seed."""
    noise = sampler.noise
    place: Values = {"process": noise.process, "schedule": noise.schedule.kind}
    place |= {"noise_levels": noise.noise_levels, "sampling_levels": sampler.sampling.steps}
    tokens = _sample(sampler, grammars)
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


def _sample(sampler: _Sampler, grammars: dict[int, Grammar]) -> np.ndarray:
    """Strings of the exact denoiser, [R, N, d]."""
    noise, sampling = sampler
    first, *_ = every = list(grammars.values())
    oracle = Oracle(every, make_noise(noise, first.symbols))
    keys = [stream_key(sampling.seed, seed, "ceiling") for seed in grammars]
    with torch.inference_mode():
        draw_strings = make_sampler(sampling, noise, first.symbols, oracle)
        return generate(draw_strings, keys, sampling.samples, first.length, choose_device())
