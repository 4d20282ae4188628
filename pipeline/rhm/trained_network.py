"""Trained networks of the Random Hierarchy Model at hand."""

from collections.abc import Iterator

import numpy as np
from torch import Tensor

from pipeline.base.errors import PipelineError
from pipeline.noise.posteriors import token_posteriors
from pipeline.rhm.grammar.rules import Grammar, load_grammar
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
        """The grammar of every replica, from the file of its run or of the exported network.

        Raises:
            PipelineError: one of these files is not there.
        """
        missing = [name for name in self._source_names() if self._beside(name) is None]
        if missing:
            raise PipelineError(
                f"{missing[0]} is neither in the run of {self._checkpoint.path} nor beside it; put "
                "it beside, or rebuild it"
            )
        return [load_grammar(path)[0] for path in self.sources]

    def _decode(self, tokens: np.ndarray) -> list[str]:
        """Symbols of every string, separated by spaces."""
        return [" ".join(map(str, string)) for string in tokens]

    def _source_names(self) -> list[str]:
        return [f"grammar_g{seed}.safetensors" for seed, *_ in self.settings.cell.seeds]

    def _estimate(self, outputs: Tensor, xt: Tensor, t: Tensor) -> Tensor:
        return token_posteriors(build_noise(self.settings), outputs, xt, t)

    def _activations(self, xt: Tensor, t: Tensor) -> Iterator[tuple[str, Tensor]]:
        return self.module.activations(xt, t)
