"""Trained networks of text at hand."""

from functools import cached_property

import numpy as np
from tokenizers import Tokenizer
from torch import Tensor

from pipeline.base.errors import PipelineError
from pipeline.networks.transformer import Transformer
from pipeline.noise.posteriors import token_posteriors
from pipeline.sampling.trained_network import TrainedNetwork
from pipeline.text.corpus.tokenizer import decode, load_tokenizer
from pipeline.text.model import build_noise
from pipeline.text.settings import Sampling, TrainSettings

_TOKENIZER = "tokenizer.json"


class Trained(TrainedNetwork[Transformer, TrainSettings, Sampling]):
    """A network trained on blocks of text.

    `denoise` gives the probabilities of clean tokens given x_t, float64 [1, N, d, v], x_t having
    the number `noise.mask` where a token is masked; `hidden` the outputs of `blocks.0` and so on;
    `decode` the text of every block.
    """

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """That of its corpus.

        Raises:
            PipelineError: the checkpoint was taken out of its run without it.
        """
        path = self._beside(_TOKENIZER)
        if path is None:
            raise PipelineError(
                f"{self._checkpoint.path} has no {_TOKENIZER} beside it; copy it from the "
                "directory of the setting, where the run has it"
            )
        return load_tokenizer(path)

    def _decode(self, tokens: np.ndarray) -> list[str]:
        """Text of every block."""
        return decode(self.tokenizer, tokens)

    def _source_names(self) -> list[str]:
        return [_TOKENIZER]

    def _estimate(self, outputs: Tensor, xt: Tensor, t: Tensor) -> Tensor:
        return token_posteriors(build_noise(self.settings), outputs, xt, t)
