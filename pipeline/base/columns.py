"""Columns of all tables: the type that each has wherever it occurs, its place, and its meaning."""

from typing import NamedTuple

import pyarrow as pa


class Column(NamedTuple):
    """A column of tables.

    Attributes:
        kind: type of its values, any of which may be null.
        meaning: what they are, with units or range.
    """

    kind: pa.DataType
    meaning: str


_INTEGER, _NUMBER, _TEXT = pa.int64(), pa.float64(), pa.large_string()
_BOOLEAN, _BYTES = pa.bool_(), pa.binary()

COLUMNS = {
    "departure": Column(
        _TEXT, "settings other than those of the run that it is compared with, by name"
    ),
    "claim": Column(_TEXT, "name of a claim of the paper, or of its sequel on memorization"),
    "domain": Column(_TEXT, "rhm, text or image"),
    "statement": Column(_TEXT, "the claim in a sentence"),
    "v": Column(_INTEGER, "symbols at every level of the grammar"),
    "m": Column(_INTEGER, "synonyms: production rules of each symbol"),
    "s": Column(_INTEGER, "children of a node"),
    "L": Column(_INTEGER, "levels of rules; strings have s**L tokens"),
    "setting": Column(
        _TEXT,
        "tokenizer and context of a corpus of text; name and size of a set of images; of "
        "claims about grammars v, m, s and L; none for all settings together",
    ),
    "grammar_seed": Column(_INTEGER, "seed of the grammar"),
    "data_seed": Column(
        _INTEGER,
        "seed of the training set, i.e. of the choice and order of the grammar's strings",
    ),
    "network_seed": Column(_INTEGER, "seed of the network: weights, batches and noise"),
    "width": Column(_INTEGER, "channels of the network"),
    "dataset_size": Column(
        _TEXT,
        "training strings (blocks of text, images) P as text, or 'online' for new ones at"
        " every step until all were read; none where no training set matters",
    ),
    "replica": Column(_INTEGER, "place of the replica in its job, from 0"),
    "step": Column(_INTEGER, "training steps done"),
    "epoch": Column(_NUMBER, "passes through the training set"),
    "average": Column(
        _NUMBER,
        "decay of the averaged weights that were sampled; none for weights of the step",
    ),
    "best_checkpoint": Column(
        _BOOLEAN,
        "whether this is the checkpoint at which the validation loss of the replica is lowest, of "
        "the weights of the step",
    ),
    "process": Column(_TEXT, "forward process: uniform or absorbing noise"),
    "schedule": Column(_TEXT, "noise schedule: which reading of linear"),
    "noise_levels": Column(_INTEGER, "noise levels T of the forward process"),
    "sampling_levels": Column(_INTEGER, "reverse steps of the sampler (uniform noise)"),
    "configured": Column(_BOOLEAN, "whether noise and sampler are those of the config"),
    "control": Column(
        _TEXT,
        "what a control is: real data, real data in shuffled blocks, the reference that "
        "images are compared with, or white noise",
    ),
    "block_length": Column(
        _INTEGER,
        "tokens of the shuffled blocks that a control is made of, or pixels of their "
        "side; none where it is not made of blocks",
    ),
    "split": Column(_TEXT, "training, validation or test strings"),
    "sample": Column(_INTEGER, "number of the sample at its checkpoint, from 0"),
    "node": Column(_INTEGER, "place of a node in its level, from the left, from 0"),
    "criterion": Column(_TEXT, "quantity whose half-way points, or curves, it is about"),
    "law": Column(_TEXT, "power of m with which P*_l is to grow, times v and a fitted constant"),
    "factor": Column(_BOOLEAN, "whether the law has the factor 1 / (1 - m / v**(s-1))"),
    "quantity": Column(_TEXT, "what was measured"),
    "among": Column(
        _TEXT,
        "over which samples: all, novel_strings (not in the training set), novel_samples "
        "(of text and images: no closer to it than held-out ones are), "
        "novel_subtrees (nodes whose tokens occur nowhere in the training set); or "
        "test_strings, which are real",
    ),
    "level": Column(_INTEGER, "level of the grammar, 1 (pairs of tokens) to L (whole strings)"),
    "variable": Column(_TEXT, "what is varied: dataset_size or step"),
    "distance": Column(_NUMBER, "tokens between two positions; pixels, for images"),
    "context": Column(
        _INTEGER, "least number of tokens before the one that is judged; none for all"
    ),
    "window": Column(_INTEGER, "adjacent tokens of which some, or all, were masked"),
    "layer": Column(
        _INTEGER, "block of the encoder that features are of, counted from 0; none: pixels"
    ),
    "kernel": Column(
        _TEXT,
        "kernel of the maximum mean discrepancy: gaussian (median width), energy or cubic",
    ),
    "frequency": Column(_INTEGER, "spatial frequency, cycles per image width"),
    "fraction": Column(
        _NUMBER,
        "share of the distance of white noise below which a layer counts as converged, "
        "from then on",
    ),
    "block": Column(_TEXT, "block of the network: down1..downL, then upL..up1"),
    "noise_low": Column(_NUMBER, "lower end of the range of noise levels, as a fraction of T"),
    "noise_high": Column(_NUMBER, "upper end of the range of noise levels, as a fraction of T"),
    "relation": Column(_TEXT, "how the quantity is to compare with the prediction: =, > or <"),
    "prediction": Column(
        _NUMBER,
        "prediction of the theory, or what the claim is held against; none where there is none",
    ),
    "estimate": Column(
        _NUMBER,
        "value of the quantity; fractions in 0..1, correlations as probabilities squared "
        "(of image features: relative to real variance), divergences in nats, distances "
        "of features in units of their real spread, lengths in tokens or pixels, dataset "
        "sizes in strings, steps in training steps",
    ),
    "threshold": Column(
        _NUMBER,
        "value of `variable` at which `quantity` is half-way between chance and its top, of "
        "excess_loss between two plateaus; none"
        " unless inside the range studied",
    ),
    "loss": Column(
        _NUMBER,
        "mean of the training loss: nats per token, of a single reverse step if that is "
        "its divergence; of images, squared error of the noise plus the weighted bound",
    ),
    "low": Column(
        _NUMBER,
        "lower 95 % bound: of fits, over grammars and the seeds within them; of "
        "measurements, over generated strings or images",
    ),
    "high": Column(_NUMBER, "upper 95 % bound, likewise"),
    "standard_error": Column(
        _NUMBER,
        "standard error of the estimate over strings, one replica; 0 where exact",
    ),
    "count": Column(_INTEGER, "cases behind the estimate"),
    "status": Column(
        _TEXT,
        "of a half-way point or a time: inside the range studied, below it (the curve is past its "
        "middle throughout), or above it (it never is for good); not converged: it passes its "
        "middle, but the curve fitted to it levels off below `analysis.converged` of the way to "
        "the ceiling, or its last value is still far from where that levels off, so that half-way "
        "cannot be told; undecided: replicas differ, or both sides of a comparison are out of "
        "range. Of a length: resolved by the samples, or at least so long",
    ),
    "predicted": Column(
        _NUMBER,
        "prediction of the theory for the threshold, v m**(l+1) / (1 - m / v**(s-1))",
    ),
    "chance": Column(
        _NUMBER,
        "accuracy of uniformly random strings; 0 for copies and correlations; of losses, "
        "where a level is unknown",
    ),
    "ceiling": Column(
        _NUMBER,
        "what the exact denoiser reaches with the same sampler; 1 for copies and "
        "correlations; of losses, where a level is known",
    ),
    "top": Column(_NUMBER, "where the fitted curve levels off; of excess_loss, its last value"),
    "least": Column(_NUMBER, "smallest value of `variable` studied"),
    "most": Column(_NUMBER, "largest value of `variable` studied"),
    "error": Column(_NUMBER, "root mean square error of held-out settings, decades"),
    "error_low": Column(_NUMBER, "lower 95 % bound of the error"),
    "error_high": Column(_NUMBER, "upper 95 % bound of the error"),
    "difference": Column(
        _NUMBER,
        "error less that of v m**(l+1) / (1 - m / v**(s-1)); none where the settings cannot "
        "tell the two laws apart",
    ),
    "difference_low": Column(_NUMBER, "lower 95 % bound of the difference"),
    "difference_high": Column(_NUMBER, "upper 95 % bound of the difference"),
    "explained": Column(
        _NUMBER, "variance of held-out settings explained by one curve of P over the law"
    ),
    "explained_low": Column(_NUMBER, "lower 95 % bound of it"),
    "explained_high": Column(_NUMBER, "upper 95 % bound of it"),
    "lead": Column(_NUMBER, "explained less the largest of laws of another power"),
    "lead_low": Column(_NUMBER, "lower 95 % bound of it"),
    "lead_high": Column(_NUMBER, "upper 95 % bound of it"),
    "misfit": Column(
        _NUMBER, "probability that a line would miss the settings by more by chance, F test"
    ),
    "levels": Column(_INTEGER, "number of levels behind it"),
    "dataset_sizes": Column(_INTEGER, "number of dataset sizes behind it"),
    "settings": Column(_INTEGER, "number of sets of grammar parameters behind it"),
    "grammars": Column(_INTEGER, "number of grammars behind it"),
    "replicas": Column(_INTEGER, "number of replicas behind it"),
    "optimizer_learning_rate": Column(
        _NUMBER,
        "learning rate of the optimiser, i.e. the config's times its unit",
    ),
    "steps_per_second": Column(_NUMBER, "training steps per second since the checkpoint before"),
    "symbol": Column(
        _INTEGER, "symbol of a node, from 0; none where its tokens are no valid subtree"
    ),
    "novel": Column(_BOOLEAN, "whether the tokens below a node stand nowhere in the training set"),
    "text": Column(_TEXT, "a sample as text; an empty line ends a document"),
    "png": Column(_BYTES, "a sample as a PNG file"),
    "verdict": Column(
        _TEXT, "supported, contradicted, heterogeneous (settings differ), undecided or not run"
    ),
    "reason": Column(
        _TEXT, "why a verdict is not what the interval alone would say, and what was left out"
    ),
}
"""By name, in the order that they have in every table: of what it is, what was measured, values."""
