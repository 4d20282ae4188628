"""Trained networks of the Random Hierarchy Model at hand."""

from collections.abc import Iterator

import numpy as np
from torch import Tensor

from pipeline.noise.posteriors import token_posteriors
from pipeline.rhm.grammar.rules import Grammar, load_grammar, sample_rules
from pipeline.rhm.model import StringUNet, build_noise
from pipeline.rhm.settings import Sampling, TrainSettings
from pipeline.sampling.trained_network import TrainedNetwork


class Trained(TrainedNetwork[StringUNet, TrainSettings, Sampling]):
    """Networks trained on strings of grammars.

    `denoise` gives the probabilities of clean symbols given x_t, float64 [R, N, d, v]; `hidden` the
    blocks `down1`..`downL`, `upL`..`up1`, as `UNet1d.activations` has them; `decode` the symbols of
    every string as a text, separated by spaces.
    """

    @property
    def grammars(self) -> list[Grammar]:
        """The grammar of every replica: that of its run, or drawn again from its seed."""
        setting, found = self.settings.cell.setting, []
        for (seed, *_), name in zip(self.settings.cell.seeds, self._source_names(), strict=True):
            path = self._beside(name)
            drawn = sample_rules(setting.v, setting.m, setting.s, setting.L, seed)
            found.append(drawn if path is None else load_grammar(path)[0])
        return found

    def _decode(self, tokens: np.ndarray) -> list[str]:
        """Symbols of every string, separated by spaces."""
        return [" ".join(map(str, string)) for string in tokens]

    def _source_names(self) -> list[str]:
        return [f"grammar_g{seed}.safetensors" for seed, *_ in self.settings.cell.seeds]

    def _estimate(self, outputs: Tensor, xt: Tensor, t: Tensor) -> Tensor:
        return token_posteriors(build_noise(self.settings), outputs, xt, t)

    def _activations(self, xt: Tensor, t: Tensor) -> Iterator[tuple[str, Tensor]]:
        return self.module.activations(xt, t)
