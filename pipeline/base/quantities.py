"""What the values of the column `quantity` stand for."""

from collections.abc import Iterator
from typing import NamedTuple


class Quantity(NamedTuple):
    """A value of the column `quantity`.

    Attributes:
        name: the value.
        home: the module that computes it, below `pipeline`.
        tables: that have rows of it, `<domain>_<table>`; the same name may mean something else in
            another table.
        whose: where it is from: `paper`, `released code`, `fork of MD4`, `recalled`, `ours`, as in
            `pipeline.documents.origins`, or who defined it.
        meaning: what it is, with its unit or range.
    """

    name: str
    home: str
    tables: tuple[str, ...]
    whose: str
    meaning: str


def _made_in(
    home: str, tables: tuple[str, ...], whose: str = "ours", **meanings: str
) -> Iterator[Quantity]:
    """Quantities of one module, their meanings by their names."""
    for name, meaning in meanings.items():
        yield Quantity(name, home, tables, whose, meaning)


_RHM, _TEXT = ("rhm_measurements",), ("text_measurements",)
_TEXTS = (*_TEXT, "text_calibration")
_IMAGE = ("image_measurements",)
_IMAGES = (*_IMAGE, "image_calibration")
_JUDGED = ("text_judgements", "text_control_judgements")
_PROBES, _THEORY = ("rhm_probes",), ("rhm_theory",)
_HALF_WAY, _TIMES = ("rhm_sample_complexity",), ("rhm_memorization",)
_ACCURACIES = (*_RHM, "rhm_ceilings", *_HALF_WAY)
_SLOPES, _DEPARTURES = ("rhm_exponents",), ("rhm_departures",)
_DISTANCES = (*_IMAGES, "image_convergence")

QUANTITIES = (
    *_made_in(
        "rhm/estimators/accuracy.py", (*_ACCURACIES, *_TIMES), "released code",
        node_accuracy="share of level-l nodes whose whole subtree obeys the rules, 0 to 1",
    ),
    *_made_in(
        "rhm/estimators/accuracy.py", _ACCURACIES,
        string_accuracy="share of strings all of whose level-l nodes obey the rules, 0 to 1",
        conditional_accuracy="share of level-l tuples that some rule makes, of those whose symbols "
        "could all be inferred, 0 to 1",
    ),
    *_made_in(
        "rhm/estimators/creativity.py", _RHM,
        creativity_index="share of the valid level-l nodes that the training set does not have, "
        "over `unseen_share`: 1 for who draws by the rules, 0 for who puts together what was seen",
        unseen_share="share of all level-l nodes that the rules allow whose tokens occur nowhere "
        "in the training set, 0 to 1, exact",
    ),
    *_made_in(
        "rhm/estimators/novelty.py", _RHM,
        copied_fraction="share of generated strings that are in the training set, 0 to 1",
    ),
    *_made_in(
        "rhm/estimators/novelty.py", (*_RHM, *_TIMES),
        copied_excess="share of copies beyond chance, (c - q w) / (1 - q) with c the share of "
        "copies, w of valid strings, and q of draws of the grammar that are in the training set: 0 "
        "for a perfect sampler, 1 for copies only",
    ),
    *_made_in(
        "rhm/estimators/novelty.py", _RHM,
        valid_and_novel_fraction="share of generated strings that the grammar derives and the "
        "training set does not have, 0 to 1",
        distinct_fraction="number of distinct generated strings over the number of all, 0 to 1; it "
        "depends on how many there are",
    ),
    *_made_in(
        "rhm/estimators/collapse.py", _RHM,
        coverage="number of distinct valid and novel samples, over that expected of as many "
        "draws of the grammar: 1 for a perfect sampler, less where strings come up again and again",
        rule_usage_divergence="how far the use of the synonyms of level l is from the grammar's, "
        "nats: 0 as there, ln m where one of m equally likely ones is always used; a mean over "
        "symbols as often as used, debiased by the jackknife",
        training_rule_usage_divergence="the same of the training set, nats, which copies of it "
        "have, too; not debiased",
    ),
    *_made_in(
        "rhm/measure.py", _RHM, "recalled",
        squared_correlation="mean over pairs of symbols of (p(a,b) - p(a) p(b))^2, of tokens that "
        "meet at a level or stand at a distance, probability squared; unbiased, so it may be "
        "below 0 (tables of `results/` in this repository were made without a factor n / (n - 1) "
        "for each half of n samples, and are low by 4 / N of themselves for N samples)",
        exact_squared_correlation="the same of the grammar, by its rules",
    ),
    *_made_in(
        "rhm/measure.py", (*_RHM, *_HALF_WAY),
        correlation_ratio="correlations of tokens that meet at level l, projected on those of the "
        "grammar: 1 where they are the grammar's, 0 where there are none; at a `distance` without "
        "a level, as for text, on held-out strings",
    ),
    *_made_in(
        "rhm/measure.py", _RHM,
        coherence_length="1 + sum over levels of `correlation_ratio` times the tokens that a level "
        "adds, tokens: 1 for independent tokens, s^L where all correlate as in the grammar",
    ),
    *_made_in(
        "measurement/coherence.py", _RHM,
        equivalent_block_length="length of the blocks that held-out strings would have to be "
        "shuffled in to correlate as samples do, tokens",
    ),
    *_made_in(
        "rhm/probe.py", _PROBES,
        bayes_loss="training loss of the exact denoiser on test strings, nats per token, by range "
        "of noise levels",
    ),
    *_made_in(
        "rhm/probe.py", (*_PROBES, *_HALF_WAY),
        excess_loss="training loss of the network beyond `bayes_loss` on the same corrupted "
        "strings, nats per token, 0 or more up to noise",
    ),
    *_made_in(
        "rhm/probe.py", _PROBES,
        plateau_excess_loss="`excess_loss` of who knows the rules up to `level`, and how "
        "frequent its symbols are, nats per token",
        latent_divergence="Kullback-Leibler divergence of the symbols of a level that the "
        "network's tokens imply from the exact ones, nats per node, 0 or more",
        latent_divergence_floor="what is left of `latent_divergence` for the exact denoiser's "
        "tokens, by the way of implying symbols, nats per node",
        synonym_sensitivity="mean squared change of a block's output when a tuple of a level gives "
        "way to a synonym, over that by a tuple of another symbol: 0 for who sees the symbol "
        "alone, about 1 for who sees no synonyms",
    ),
    *_made_in(
        "rhm/theory/tabulate.py", _THEORY,
        class_accuracy="share of level-l nodes of test strings whose class, found by clustering "
        "tuples by their contexts, is the right one, 0 to 1; rules of level l + 1 need it",
        tuple_coverage="share of the v m tuples of level 1 that the training set has, 0 to 1",
        synonym_update_similarity="mean cosine of the centred updates that one gradient step gives "
        "to two synonyms of level 1, -1 to 1",
        other_update_similarity="the same of two tuples that are not synonyms, -1 to 1",
    ),
    *_made_in(
        "rhm/theory/tabulate.py", _THEORY, "recalled",
        squared_correlation="mean over pairs of symbols of (p(a,b) - p(a) p(b))^2, of all tokens "
        "that meet at a level, exact, probability squared; of grammars 0 to "
        "`theory.correlation_grammars` - 1, without data seed or dataset size",
    ),
    *_made_in(
        "analysis/exponents.py", _SLOPES,
        law_exponent="power of the prediction v m^(l+1) / (1 - m / v^(s-1)) with which P*_l grows, "
        "with a constant for every level, over all levels (no `level`) or at one: 1 if the law "
        "holds",
        level_exponent="power of m^l with which P*_l (or the step at which the level is learnt) "
        "grows with the level: 1 if the law holds",
        m_exponent="power of m with which P*_l grows at one level: l + 1 if the law holds",
        v_exponent="power of v with which P*_l grows at one level: 1 if the law holds",
        m_exponent_adjusted="`m_exponent` of P*_l times (1 - m / v^(s-1)), as that factor also "
        "grows with m",
        v_exponent_adjusted="`v_exponent` of P*_l times (1 - m / v^(s-1)), as that factor also "
        "falls with v",
    ),
    *_made_in(
        "analysis/memorization.py", ("rhm_memorization_exponents",),
        memorization_exponent="power of P with which the step grows at which half of the samples "
        "are copies: 1 if copying starts after a time in proportion to P",
    ),
    *_made_in(
        "analysis/departures.py", _DEPARTURES,
        half_way_dataset_size="dataset size at which a level is half learnt, strings, geometric "
        "mean over grammars",
        half_way_step="step at which a level is half learnt at the largest dataset size, geometric "
        "mean over grammars",
        final_accuracy="accuracy of all samples at the best checkpoint of the largest dataset "
        "size, 0 to 1, mean over grammars",
        half_way_dataset_size_ratio="`half_way_dataset_size` of a departure over the run's, "
        "replica by replica: 1 if nothing changes",
        half_way_step_ratio="`half_way_step` of a departure over the run's, likewise",
        final_accuracy_difference="`final_accuracy` of a departure less the run's, -1 to 1",
    ),
    *_made_in(
        "text/measure.py", _TEXTS, "recalled",
        squared_correlation="sum over pairs of tokens of (p(a,b) - p(a) p(b))^2 at a `distance`, "
        "C(t)^2, probability squared; nearly unbiased, so it may be below 0",
    ),
    *_made_in(
        "measurement/coherence.py", (*_TEXTS, *_IMAGES),
        correlation_ratio="correlations of samples at a `distance` over those of real data, both "
        "projected on further real data, R(t): 1 where they are alike, 0 where samples have none; "
        "it may be below 0 or above 1",
        equivalent_block_length="length of the blocks that real data would have to be shuffled in "
        "to correlate as samples do, tokens; of images the side of the blocks, pixels, and of a "
        "`layer` to be read beside that of controls, as features see beyond their place",
    ),
    *_made_in(
        "measurement/diversity.py", _TEXTS,
        unigram_entropy="entropy of the tokens of all samples, nats, 0 to ln of the vocabulary, "
        "debiased by the jackknife",
        sample_entropy="mean over samples of the entropy of a sample's own tokens, nats, 0 to ln "
        "of its length",
    ),
    *_made_in(
        "measurement/diversity.py", _TEXTS, "Li et al. 2016",
        distinct_1="distinct tokens of all samples over all of them, 0 to 1; it falls with the "
        "number of samples, so compare equal ones",
        distinct_2="distinct pairs of adjacent tokens of all samples over all of them, 0 to 1; it "
        "falls with the number of samples, so compare equal ones",
        distinct_3="distinct triples of adjacent tokens of all samples over all of them, 0 to 1; "
        "it falls with the number of samples, so compare equal ones",
    ),
    *_made_in(
        "text/copied_spans.py", _TEXT,
        longest_copied_span="mean over samples of the longest run of tokens that a sample shares "
        "with the training set, tokens, 0 to `context`",
        usual_copied_span="longest run that is usual, tokens: all but `measurement.real_copies` of "
        "held-out text share no longer one with all text that there is to train on",
        copied_fraction="share of samples whose longest run is above `usual_copied_span`, 0 to 1",
    ),
    *_made_in(
        "text/perplexity/context_losses.py", _JUDGED, "paper",
        judge_loss="loss of the judge, a pretrained language model, nats per token of its own: of "
        "all tokens, or of those before which there are `context` tokens or more, up to the next "
        "larger `context`",
    ),
    *_made_in(
        "text/perplexity/context_losses.py", _JUDGED,
        judge_loss_per_character="the same over all tokens, nats per character, so that tokenizers "
        "make no difference",
    ),
    *_made_in(
        "text/probe.py", ("text_probes",), "fork of MD4",
        window_loss="loss of the network on masked tokens of a `window` of adjacent ones in "
        "held-out blocks, nats per token",
    ),
    *_made_in(
        "image/estimators/feature_distance.py", _DISTANCES, "Gretton et al. 2012",
        mmd="squared maximum mean discrepancy of the features of a `layer` from those of real "
        "images, one for each `kernel`; unbiased, so 0 on average for real images and sometimes "
        "below",
    ),
    *_made_in(
        "image/estimators/feature_distance.py", _DISTANCES, "Dowson & Landau 1982",
        frechet="Frechet distance of the same features in the first `measurement.components` "
        "principal components of the reference, units of their real spread squared; biased "
        "upwards",
    ),
    *_made_in(
        "image/estimators/feature_correlation.py", _IMAGES,
        feature_correlation="covariance of features (or pixels, where there is no `layer`) at "
        "places `distance` pixels apart, over their variance in real images: 1 for real ones at "
        "distance 0",
    ),
    *_made_in(
        "image/estimators/power_spectrum.py", _IMAGES,
        power="mean square of the Fourier coefficients of pixels in [-1, 1] by spatial "
        "`frequency`, as large as the variance for white noise",
    ),
    *_made_in(
        "image/estimators/nearest_images.py", _IMAGE,
        nearest_training_ratio="mean over samples of the distance to the nearest training image, "
        "over that to the nearest held-out one, in features of a `layer`: near 0 for copies, "
        "about 1 for new images where both sets are as large",
        real_nearest_training_ratio="the same of held-out images, with which it is to be compared",
        copied_fraction="share of samples with a smaller ratio than all but "
        "`measurement.real_copies` of held-out images, 0 to 1",
    ),
)  # fmt: skip
"""Every quantity, but for those of claims, which are sentences (`pipeline.claims.claims`)."""
