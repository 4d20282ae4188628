"""Encoders of transformers, such as ConvNeXt, ResNet and CLIP: their hidden states."""

from collections.abc import Sequence
from math import isqrt
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, CLIPVisionModel

from pipeline.base.errors import PipelineError, one_line
from pipeline.image.features.preprocessing import read_preprocessing
from pipeline.sources.pretrained import load_whole

_USUAL_SIZE = 224
"""Pixels of a side that most models were trained on."""


class HiddenStates(nn.Module):
    """A model's hidden states, 0 being the embeddings, as maps.

    Hidden states that are tokens go back to their places, row by row. Tokens that are of no place,
    such as CLIP's class token, are taken to be the first and left out.

    Attributes:
        layers: number of hidden states.
        size: pixels of a side that the model was made for.
    """

    def __init__(self, directory: Path) -> None:
        """Read model and preprocessing from the files of a directory.

        Raises:
            OSError: files are missing.
            ValueError: weights are missing, the preprocessing is not declared or not known, or a
                model of this type has no maps.
        """
        super().__init__()
        config = AutoConfig.from_pretrained(
            directory, local_files_only=True, trust_remote_code=False
        )
        whole_clip = config.model_type in ("clip", "clip_vision_model")
        model_class = CLIPVisionModel if whole_clip else AutoModel  # that one reads text as well
        self.model = load_whole(model_class, directory, dtype=torch.float32)
        self._preprocessing = read_preprocessing(directory)
        self.eval()
        size = getattr(self.model.config, "image_size", _USUAL_SIZE)
        self.size = size if isinstance(size, int) else max(size)
        with torch.inference_mode():
            blank = torch.zeros(1, 3, self.size, self.size)
            self.layers = len([*map(_maps, self._hidden_states(blank))])

    def forward(self, images: Tensor, layers: Sequence[int]) -> dict[int, Tensor]:
        """Features [B, C, h, w] of the layers.

        Raises:
            PipelineError: the model takes images of another size only.
        """
        try:
            states = self._hidden_states(self._preprocessing(images))
        except torch.OutOfMemoryError:
            raise
        except (ValueError, RuntimeError) as error:
            reason = one_line(error)
            raise PipelineError(
                f"the encoder refuses its images ({reason}); correct domains.image.encoder.size"
            ) from error
        return {number: _maps(states[number]) for number in layers}

    def _hidden_states(self, images: Tensor) -> Sequence[Tensor]:
        return self.model(pixel_values=images, output_hidden_states=True).hidden_states


def _maps(states: Tensor) -> Tensor:
    """Maps [B, C, h, w] of maps, or of a square of tokens after some others [B, n + h w, C]."""
    if states.ndim == 4:
        return states
    side = isqrt(states.shape[1])
    return states[:, -side * side :].unflatten(1, (side, side)).permute(0, 3, 1, 2)
