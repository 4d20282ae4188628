"""Encoders of transformers, such as ConvNeXt, ResNet and CLIP: their hidden states."""

import json
from collections.abc import Sequence
from math import isqrt
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, CLIPVisionModel

from pipeline.errors import PipelineError
from pipeline.sources.pretrained import load_whole

_USUAL_SIZE = 224
"""Pixels of a side that most models were trained on."""


class HiddenStates(nn.Module):
    """A model's hidden states, 0 being the embeddings, as maps.

    Hidden states that are tokens, as of CLIP, lose their class token and go back to their places.
    """

    def __init__(self, directory: Path) -> None:
        """Read model and normalisation from the files of a directory.

        Raises:
            OSError: files are missing.
            ValueError: weights are missing, or a model of this type has no maps.
            KeyError: the normalisation is missing.
        """
        super().__init__()
        config = AutoConfig.from_pretrained(
            directory, local_files_only=True, trust_remote_code=False
        )
        whole_clip = config.model_type in ("clip", "clip_vision_model")
        model_class = CLIPVisionModel if whole_clip else AutoModel  # that one reads text as well
        self.model = load_whole(model_class, directory, dtype=torch.float32)
        preprocessing = json.loads((directory / "preprocessor_config.json").read_text())
        for name in ("image_mean", "image_std"):
            values = 255 * torch.tensor(preprocessing[name]).reshape(-1, 1, 1)
            self.register_buffer(name, values, persistent=False)
        self.eval()
        size = getattr(self.model.config, "image_size", _USUAL_SIZE)
        with torch.inference_mode():
            self.layers = len([*map(_maps, self._hidden_states(torch.zeros(1, 3, size, size)))])

    def forward(self, images: Tensor, layers: Sequence[int]) -> dict[int, Tensor]:
        """Features [B, C, h, w] of the layers.

        Raises:
            PipelineError: the model takes images of another size only.
        """
        try:
            states = self._hidden_states((images - self.image_mean) / self.image_std)
        except ValueError as error:
            raise PipelineError(
                f"the encoder refuses its images ({error}); correct domains.image.encoder.size"
            ) from error
        return {number: _maps(states[number]) for number in layers}

    def _hidden_states(self, images: Tensor) -> Sequence[Tensor]:
        return self.model(pixel_values=images, output_hidden_states=True).hidden_states


def _maps(states: Tensor) -> Tensor:
    """Maps [B, C, h, w] of maps, or of a class token and a square of others [B, 1 + h w, C]."""
    if states.ndim == 4:
        return states
    side = isqrt(states.shape[1] - 1)
    return states[:, 1:].unflatten(1, (side, side)).permute(0, 3, 1, 2)
