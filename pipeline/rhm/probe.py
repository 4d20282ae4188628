"""Probes of the Random Hierarchy Model: excess loss, latent knowledge, synonyms in every block."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from pipeline.artifacts.chosen_rows import Strings
from pipeline.base.randomness import stream_key
from pipeline.measurement.probe import ProbeRow
from pipeline.noise.base import Denoiser
from pipeline.noise.losses import LOSSES
from pipeline.noise.posteriors import token_posteriors
from pipeline.rhm.grammar.exchange import exchange_tuples
from pipeline.rhm.grammar.rules import load_grammar
from pipeline.rhm.model import build_noise, replica_keys
from pipeline.rhm.oracle import Oracle, partial_oracle
from pipeline.rhm.settings import Probe, TrainSettings
from pipeline.training.evaluation import corrupted_strings, noise_bins, string_losses

_CHUNK = 256
"""Strings whose activations are held at once; no result depends on it."""


class LayeredNetwork(Protocol):
    """What is asked here of a network: a denoiser whose blocks can be looked into."""

    def __call__(self, xt: Tensor, t: Tensor, /) -> Tensor:
        """Logits [R, B, d, v] of clean tokens, from x_t int64 [R, B, d] and t int64 [R, B]."""
        ...

    def activations(self, xt: Tensor, t: Tensor, /) -> Iterator[tuple[str, Tensor]]:
        """Outputs of the blocks in order, [R, B, positions, width], each with its block's name."""
        ...


class Examination:
    """Fixed questions, with the exact answers worked out once, for every network of a trajectory.

    Args:
        settings: `probe` section of the config.
        trained: settings of the `train` stage.
        sources: grammars of the replicas.
        data: of the cell, of which the `test` strings, uint8 [R, N, d], are read.
        device: where networks are.
    """

    def __init__(
        self,
        settings: Probe,
        trained: TrainSettings,
        sources: Sequence[Path],
        data: Mapping[str, Strings],
        device: torch.device,
    ) -> None:
        grammars = [load_grammar(path)[0] for path in sources]
        self._noise, self._loss = build_noise(trained), LOSSES[trained.training.loss]
        self._oracle, self._keys = Oracle(grammars, self._noise), replica_keys(trained)
        self._test, self._device = data["test"][:], device
        self._bayes = self._string_losses(self._oracle)
        self._plateaus = [
            self._string_losses(partial_oracle(grammars, self._noise, level)) - self._bayes
            for level in range(grammars[0].depth)
        ]
        self._exact = [
            self._oracle.beliefs(xt, t).marginals
            for _, xt, t in corrupted_strings(self._noise, self._test, self._keys, device)
        ]
        self._floors = self._divergences(marginals[0] for marginals in self._exact)
        self._exchanged = [
            exchange_tuples(grammar, strings[: settings.strings], stream_key(key, "exchange"))
            for grammar, strings, key in zip(grammars, self._test, self._keys, strict=True)
        ]

    def __call__(self, network: LayeredNetwork) -> list[list[ProbeRow]]:
        """Rows of every replica."""
        parts = (self._losses(network), self._latents(network), self._synonyms(network))
        return [sum(rows, []) for rows in zip(*parts, strict=True)]

    def _string_losses(self, denoiser: Denoiser) -> np.ndarray:
        arguments = (self._noise, self._loss, self._test, self._keys, self._device)
        return string_losses(denoiser, *arguments)

    def _losses(self, network: LayeredNetwork) -> list[list[ProbeRow]]:
        """Bayes loss, and excess over it of the network and of who knows only some lowest levels.

        They are in units of the loss, all on the very same corrupted strings.
        """
        excess = self._string_losses(network) - self._bayes
        values: list[tuple[str, int | None, np.ndarray]]
        values = [("bayes_loss", None, self._bayes), ("excess_loss", None, excess)]
        values += [("plateau_excess_loss", *plateau) for plateau in enumerate(self._plateaus)]
        return [
            [
                ProbeRow(quantity, *row[2:], level=level, noise_low=row[0], noise_high=row[1])
                for quantity, level, of_replicas in values
                for row in noise_bins(self._noise, of_replicas[replica])
            ]
            for replica in range(len(self._keys))
        ]

    def _latents(self, network: LayeredNetwork) -> list[list[ProbeRow]]:
        """Divergence of latent marginals from exact ones, implied by network and exact tokens."""
        strings = corrupted_strings(self._noise, self._test, self._keys, self._device)
        posteriors = (token_posteriors(self._noise, network(xt, t), xt, t) for _, xt, t in strings)
        implied = self._divergences(posteriors)
        quantities = {"latent_divergence": implied, "latent_divergence_floor": self._floors}
        return [
            [
                ProbeRow(quantity, *_mean(of_level[replica]), level=level)
                for quantity, levels in quantities.items()
                for level, of_level in enumerate(levels)
            ]
            for replica in range(len(self._keys))
        ]

    def _divergences(self, posteriors: Iterable[Tensor]) -> np.ndarray:
        """KL(exact || implied) by level 0..L and string, [L + 1, R, N], of chunks of tokens."""
        parts = []
        for exact, tokens in zip(self._exact, posteriors, strict=True):
            implied = self._oracle.implied_latents(tokens)
            parts.append([_divergence(p, q) for p, q in zip(exact, implied, strict=True)])
        levels = [torch.cat(of_level, dim=1) for of_level in zip(*parts, strict=True)]
        return torch.stack(levels).cpu().numpy()

    def _synonyms(self, network: LayeredNetwork) -> list[list[ProbeRow]]:
        """Change of every block's output by a synonym, relative to a tuple of another symbol."""
        rows: list[list[ProbeRow]] = [[] for _ in self._keys]
        for level in self._exchanged[0]:
            triples = [np.stack(exchanged[level]) for exchanged in self._exchanged]
            for block, changes in self._changes(network, np.stack(triples, axis=1)).items():
                for replica, (by_synonym, by_other) in enumerate(changes):
                    estimate = _ratio_of_means(by_synonym, by_other)
                    row = ProbeRow("synonym_sensitivity", *estimate, level=level, block=block)
                    rows[replica].append(row)
        return rows

    def _changes(self, network: LayeredNetwork, triples: np.ndarray) -> dict[str, np.ndarray]:
        """Squared distances by which exchanges move each block's output, [R, 2, N].

        Args:
            network: the ensemble.
            triples: clean strings, with a synonym, with another symbol's tuple, [3, R, N, d].
        """
        chunks: dict[str, list[Tensor]] = {}
        for start in range(0, triples.shape[2], _CHUNK):
            part = torch.from_numpy(triples[:, :, start : start + _CHUNK].astype(np.int64))
            for block, (original, *exchanged) in _outputs(network, part.to(self._device)):
                moved = [(h - original).square().sum(dim=(2, 3)) for h in exchanged]
                chunks.setdefault(block, []).append(torch.stack(moved, dim=1))
        return {
            block: torch.cat(parts, dim=2).double().cpu().numpy() for block, parts in chunks.items()
        }


def _outputs(network: LayeredNetwork, variants: Tensor) -> Iterator[tuple[str, tuple[Tensor, ...]]]:
    """Block by block, the outputs for each variant of the strings, at the lowest noise level."""
    lowest = torch.ones(variants.shape[1:3], dtype=torch.int64, device=variants.device)
    for outputs in zip(*(network.activations(x, lowest) for x in variants), strict=True):
        (block, *_), tensors = zip(*outputs, strict=True)
        yield block, tensors


def _divergence(exact: Tensor, implied: Tensor) -> Tensor:
    """KL(exact || implied) in nats, mean over the nodes of a string, [R, N]."""
    terms = torch.special.xlogy(exact, exact) - torch.special.xlogy(exact, implied)
    return terms.sum(dim=-1).mean(dim=-1)


def _mean(values: np.ndarray) -> tuple[float, float, int]:
    return values.mean(), values.std() / np.sqrt(len(values)), len(values)


def _ratio_of_means(numerator: np.ndarray, denominator: np.ndarray) -> tuple[float, float, int]:
    """Ratio of means over strings with its delta-method standard error, and their number.

    NaN where no string has anything to be exchanged, as its symbol has a single rule.
    """
    if not denominator.any():
        return np.nan, np.nan, len(numerator)
    estimate = numerator.sum() / denominator.sum()
    residual = numerator - estimate * denominator
    error = np.sqrt(np.square(residual).sum()) / denominator.sum()
    return estimate, error, len(numerator)
