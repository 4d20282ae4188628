"""The bidirectional transformer of MD4 (Shi et al. 2024).

It has rotary positions, gated linear units, and LayerNorms without weights of their own. Affine
functions of the noise level's embedding scale and shift the LayerNorms, and gate the branches; they
start at zero (adaLN-zero, Peebles & Xie 2023). Only they and the layers of that embedding have
biases. Before the affine functions the embedding passes through a sigmoid, the activation of the
gated units, as in google-deepmind/md4 b9fbf29. The readout starts at zero too, so that training
starts from the uniform distribution. On GPUs products are in bfloat16; logits are float32.
"""

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm, scaled_dot_product_attention, silu

from pipeline.base.randomness import stream_key
from pipeline.networks.network import Network

_TIME_FEATURES = 64
_TIME_SCALE = 1000.0
_HIDDEN_MULTIPLE = 32
_KEPT_BELOW = 2.0  # MD4 draws no weight beyond so many standard deviations, before it rescales
_KEPT_DEVIATION = 0.87962566103423978  # standard deviation of a unit normal cut there

Initialisation = Literal["md4", "open_gates"]


class Transformer(Network):
    """Predicts clean tokens from masked ones: `logits = network(x_t, t)`.

    It has the axis of replicas that all networks have, with one of them.

    Args:
        seed: what its weights follow from.
        input_symbols: number of symbols in x_t, the mask included.
        symbols: number of symbols to predict, v.
        layers: number of blocks.
        heads: attention heads; `width` is an even multiple of them.
        width: features of every token.
        rotary_base: wavelengths of rotary positions grow up to 2 pi times this.
        initialisation: "md4" for the weights of MD4; "open_gates" for gates that are 1 at the
            start, not 0, and embeddings of unit scale, as branches would drown smaller ones.
    """

    def __init__(
        self,
        seed: int,
        input_symbols: int,
        symbols: int,
        layers: int,
        heads: int,
        width: int,
        rotary_base: float,
        initialisation: Initialisation,
    ) -> None:
        super().__init__()
        self._head_width, self._rotary_base = width // heads, rotary_base
        self.embedding = nn.Embedding(input_symbols, width)
        self.time_in = nn.Linear(_TIME_FEATURES, 4 * _TIME_FEATURES)
        self.time_out = nn.Linear(4 * _TIME_FEATURES, _TIME_FEATURES)
        open_gate = float(initialisation == "open_gates")
        self.blocks = nn.ModuleList(_Block(width, heads, open_gate) for _ in range(layers))
        self.final_modulation = nn.Linear(_TIME_FEATURES, 2 * width)
        self.head = nn.Linear(width, symbols, bias=False)
        _initialise(self, seed, layers, initialisation)

    def forward(self, xt: Tensor, t: Tensor, positions: Tensor | None = None) -> Tensor:
        """Float32 logits [1, B, d, v] of clean tokens, from x_t int64 [1, B, d] and t [1, B].

        With int64 positions [1, B, k], only the logits at these, [1, B, k, v], which spares most of
        the readout.
        """
        with torch.autocast(xt.device.type, torch.bfloat16, enabled=xt.is_cuda):
            features = self._features(xt[0], t[0])
            if positions is not None:
                features = features.take_along_dim(positions[0].unsqueeze(-1), dim=1)
            return self.head(features).float().unsqueeze(0)

    def logits_at(self, xt: Tensor, t: Tensor, positions: Tensor) -> Tensor:
        """Logits at some positions, by a call like any other: what watches calls sees it too."""
        return nn.Module.__call__(self, xt, t, positions)

    def _features(self, xt: Tensor, t: Tensor) -> Tensor:
        """[B, d, width], of which logits are a linear function."""
        time = torch.sigmoid(self.time_out(silu(self.time_in(_sinusoids(t)))))
        rotation = _rotation(xt.shape[1], self._head_width, self._rotary_base, xt.device)
        h = self.embedding(xt)
        for block in self.blocks:
            h = block(h, time, rotation)
        scale, shift = self.final_modulation(time).unsqueeze(1).chunk(2, dim=-1)
        return _normalise(h) * (1 + scale) + shift


class _Block(nn.Module):
    def __init__(self, width: int, heads: int, open_gate: float) -> None:
        super().__init__()
        self._heads, self._open_gate = heads, open_gate
        # Two thirds of the usual 4 width, as gate and value have a matrix each; rounded up.
        hidden = math.ceil(8 / 3 * width / _HIDDEN_MULTIPLE) * _HIDDEN_MULTIPLE
        self.modulation = nn.Linear(_TIME_FEATURES, 6 * width)
        self.query_key_value = nn.Linear(width, 3 * width, bias=False)
        self.attention_out = nn.Linear(width, width, bias=False)
        self.gate_and_value = nn.Linear(width, 2 * hidden, bias=False)
        self.mlp_out = nn.Linear(hidden, width, bias=False)

    def forward(self, h: Tensor, time: Tensor, rotation: Tensor) -> Tensor:
        parts = self.modulation(time).unsqueeze(1).chunk(6, dim=-1)
        scale, shift, gate = parts[:3]
        attended = self._attend(_normalise(h) * (1 + scale) + shift, rotation)
        h = h + (self._open_gate + gate) * attended
        scale, shift, gate = parts[3:]
        opened, value = self.gate_and_value(_normalise(h) * (1 + scale) + shift).chunk(2, dim=-1)
        return h + (self._open_gate + gate) * self.mlp_out(torch.sigmoid(opened) * value)

    def _attend(self, h: Tensor, rotation: Tensor) -> Tensor:
        parts = self.query_key_value(h).unflatten(-1, (3, self._heads, -1))
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        attended = scaled_dot_product_attention(_turn(query, rotation), _turn(key, rotation), value)
        return self.attention_out(attended.transpose(1, 2).flatten(-2))


def _normalise(h: Tensor) -> Tensor:
    return layer_norm(h, h.shape[-1:])


def _sinusoids(t: Tensor) -> Tensor:
    """Sines and cosines of 1000 t, [B, 64], wavelengths from 2 pi to 2 pi 10**4."""
    frequencies = 1e4 ** -torch.linspace(0, 1, _TIME_FEATURES // 2, device=t.device)
    angles = _TIME_SCALE * t.float().unsqueeze(-1) * frequencies
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


def _rotation(length: int, width: int, base: float, device: torch.device) -> Tensor:
    """Cosines and sines of rotary positions, [2, length, width / 2] (Su et al. 2021)."""
    frequencies = base ** -(torch.arange(0, width, 2, device=device) / width)
    angles = torch.arange(length, device=device).unsqueeze(-1) * frequencies
    return torch.stack([angles.cos(), angles.sin()])


def _turn(x: Tensor, rotation: Tensor) -> Tensor:
    """Rotate pairs of features of queries or keys [B, heads, d, width] by their positions."""
    one, other = x.float().chunk(2, dim=-1)
    cosine, sine = rotation
    turned = torch.cat([one * cosine - other * sine, one * sine + other * cosine], dim=-1)
    return turned.to(x.dtype)


def _initialise(
    transformer: nn.Module, seed: int, layers: int, initialisation: Initialisation
) -> None:
    """Draw weights, each from the stream of its name; readout, modulations and biases are zero."""
    for name, weight in transformer.named_parameters():
        if weight.is_meta:  # shapes are all that is asked for
            continue
        if name == "head.weight" or "modulation" in name or name.endswith("bias"):
            nn.init.zeros_(weight)
            continue
        key = stream_key(seed, "weights", name)
        generator = torch.Generator().manual_seed(key % 2**63)
        with torch.no_grad():
            if initialisation == "open_gates":
                weight.normal_(0, _scale_of_open_gates(name, weight, layers), generator=generator)
            elif name == "embedding.weight":
                weight.normal_(0, weight.shape[1] ** -0.5, generator=generator)
            else:
                deviation = _scale_of_md4(name, weight, layers) / _KEPT_DEVIATION
                limit = _KEPT_BELOW * deviation
                nn.init.trunc_normal_(weight, 0, deviation, -limit, limit, generator=generator)


def _scale_of_md4(name: str, weight: Tensor, layers: int) -> float:
    """Standard deviation of a product's weights: 1/sqrt(fan-in), sqrt(2/layers) of it in an MLP."""
    depth = 2 / layers if "gate_and_value" in name or "mlp_out" in name else 1.0
    return float((depth / weight.shape[1]) ** 0.5)


def _scale_of_open_gates(name: str, weight: Tensor, layers: int) -> float:
    """1/sqrt(fan-in), less where branches end, so that the sum of all is of unit scale."""
    if name == "embedding.weight":
        return 1.0
    branches = 2 * layers if "attention_out" in name or "mlp_out" in name else 1
    return float((branches * weight.shape[1]) ** -0.5)
