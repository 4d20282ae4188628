"""One step of gradient descent from small weights: synonyms get similar first-layer updates.

This is why a network needs the data that clustering needs (Favero et al., ICML 2025, arXiv
2502.12089). The first step changes the first-layer weights of a tuple by the correlations of that
tuple with the tokens to predict, through the random weights of the readout. Synonymous tuples have
the same correlations, so their updates align as soon as these stand out of sampling noise. Where
noise is P* / P times the signal, P* = v m**3 / (1 - f) and f = m / v**(s - 1), the cosine of two
such updates is 1 / (1 + P* / P), if rules are equally likely.

Our choice, not published: two layers, of which the first has an input for every tuple of tokens.
The first layer of the U-Net is linear in its patch, so that its update of a tuple is a sum over
tokens: tuples that share a token are alike whatever they mean, and others are alike through tuples
that share a token with both. Measured there with 1 % of the usual weights, on all strings of
(v, m, s, L) = (16, 4, 2, 3): the cosine is 0.24 for synonyms without a common token, and 0.51 for
other tuples with one. So the U-Net's first layer sees tokens; only later layers can see tuples.
"""

import numpy as np
import torch
from torch import nn
from torch.nn.functional import gelu

from pipeline.networks.ensemble_linear import EnsembleLinear
from pipeline.rhm.grammar.rules import Grammar

INITIAL_SCALE = 1e-3
"""Weights over those of a usual start: small, so that all predictions are uniform and the update of
a unit hardly depends on its own weights. (The randomness of usual weights adds to the updates: with
all strings, the cosine of synonyms is then only 0.5.)"""


def update_similarity(
    grammar: Grammar, training: np.ndarray, width: int, key: int
) -> tuple[tuple[float, float, int], tuple[float, float, int]]:
    """How alike the first updates are of tuples at the left edge, which predict the next tuple.

    Args:
        grammar: the rules, which say what synonyms are; L >= 2.
        training: strings, uint8 [P, s**L].
        width: hidden units; cosines err by about 1 / sqrt(width).
        key: seed of the weights.

    Returns:
        Mean centred cosine, its standard error over pairs and their number, of pairs of synonyms,
        and the same of all other pairs. Only tuples that occur count; NaN without a pair. Pairs
        share tuples and thus errors, of which the standard error takes no account.
    """
    table = tuple_token_frequencies(grammar, training)
    updates = _centred(first_layer_updates(table, width, key), table[:, 0].sum(axis=1))
    tuples = np.flatnonzero((grammar.inverse[0] >= 0) & (np.linalg.norm(updates, axis=1) > 0))
    directions = updates[tuples] / np.linalg.norm(updates[tuples], axis=1, keepdims=True)
    parents = grammar.inverse[0, tuples] // grammar.synonyms
    first, second = np.triu_indices(len(tuples), 1)
    cosines = (directions @ directions.T)[first, second]
    synonyms = parents[first] == parents[second]
    return _mean_and_error(cosines[synonyms]), _mean_and_error(cosines[~synonyms])


def tuple_token_frequencies(grammar: Grammar, training: np.ndarray) -> np.ndarray:
    """Joint frequencies of the first tuple and each token of the second, float64 [v**s, s, v]."""
    v, s = grammar.symbols, grammar.branching
    codes = grammar.tuple_codes(training[:, :s])
    counts = [
        np.bincount(codes * v + training[:, s + place], minlength=v ** (s + 1))
        for place in range(s)
    ]
    return np.stack([count.reshape(-1, v) for count in counts], axis=1) / len(training)


def first_layer_updates(frequencies: np.ndarray, width: int, key: int) -> np.ndarray:
    """Minus the gradient of the full-batch cross-entropy, per tuple, float64 [v**s, width].

    The batch enters by its frequencies [v**s, s, v] only, as equal (tuple, token) pairs have equal
    losses: one pass over the tuples is one over the strings, of any number.
    """
    codes, places, symbols = frequencies.shape
    layers = small_layers(codes, places * symbols, width, key)
    first, readout = layers
    inputs = torch.eye(codes, dtype=torch.float64).unsqueeze(0)
    logits = readout(gelu(first(inputs))).reshape(codes, places, symbols)
    loss = -(torch.from_numpy(frequencies) * logits.log_softmax(dim=-1)).sum()
    (gradient,) = torch.autograd.grad(loss, next(layers.parameters()))
    return -gradient[0].numpy()


def small_layers(codes: int, outputs: int, width: int, key: int) -> nn.ModuleList:
    """Layers codes -> width -> outputs, as in the U-Net but float64 and with small weights."""
    first = EnsembleLinear([key], "tuples", codes, width, 1.0)
    readout = EnsembleLinear([key], "readout", width, outputs, 1 / width)
    layers = nn.ModuleList([first, readout]).double()
    with torch.no_grad():
        for weight in layers.parameters():
            weight.mul_(INITIAL_SCALE)
    return layers


def _centred(updates: np.ndarray, frequencies: np.ndarray) -> np.ndarray:
    """Subtract from each tuple its share of the total update, which only tells common tokens.

    This leaves p(tuple, token) - p(tuple) p(token), up to the readout: what no bias would learn.
    """
    return updates - frequencies[:, None] * updates.sum(axis=0)


def _mean_and_error(values: np.ndarray) -> tuple[float, float, int]:
    count = len(values)
    if count < 2:
        return float(values.mean()) if count else float("nan"), float("nan"), count
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(count)), count
