"""Every stage of grammars, on rules that are not equally likely."""

import numpy as np
import pytest

from pipeline.artifacts import tables
from pipeline.artifacts.tensors import read_tensors
from pipeline.datasets.build import make_dataset
from pipeline.measurement.measure import measure
from pipeline.measurement.probe import probe
from pipeline.rhm import data, model, sampler
from pipeline.rhm import measure as rhm_measure
from pipeline.rhm import probe as rhm_probe
from pipeline.rhm.ceiling import ceiling
from pipeline.rhm.grammar.parsing import parse
from pipeline.rhm.grammar.rules import load_grammar, make_grammar, sample_rules
from pipeline.rhm.settings import UnevenSynonyms
from pipeline.rhm.theory.tabulate import tabulate
from pipeline.sampling.generate import sample
from tests.unit import training_case
from tests.unit.settings_case import spec_of

SETTING = {"v": 6, "m": 3, "s": 2, "L": 2}
REPLICAS = [[0, 0, 0], [1, 0, 0]]
CELL = {"setting": SETTING, "dataset_size": "12", "replicas": REPLICAS}
HELD_OUT = {"validation_size": 8, "test_size": 8}
SAMPLING = {"samples": 128, "steps": 20, "spacing": "even", "seed": 0, "averages": [None]}
STEPS = [20, 60]
KINDS = {
    "zipf": {"kind": "zipf", "level": 1, "exponent": 1.0},
    "uneven": {"kind": "uneven_synonyms", "fewest": 2},
}


@pytest.fixture(scope="module", params=KINDS)
def frequencies(request):
    return KINDS[request.param]


@pytest.fixture(scope="module")
def made(frequencies, tmp_path_factory):
    """Directory with the grammars, the dataset, and a training with its samples."""
    home = tmp_path_factory.mktemp("unequal")
    for seed in (0, 1):
        settings = {**SETTING, "seed": seed, "rule_frequencies": frequencies}
        make_grammar(spec_of("grammar", "rhm", settings), home / f"grammar_g{seed}.safetensors")
    settings = {**HELD_OUT, "training_size": 12, "cell": CELL}
    spec = spec_of("dataset", "rhm", settings)
    make_dataset(spec, data, sources(home), home / "dataset.safetensors")
    settings = training_case.train_spec(REPLICAS).settings.plain() | {"cell": CELL}
    training_case.run(home, spec_of("train", "rhm", settings), STEPS)
    spec = spec_of("sample", "rhm", SAMPLING)
    sample(spec, model, sampler, files(home, "checkpoints"), files(home, "samples"))
    return home


def sources(home):
    return [home / f"grammar_g{seed}.safetensors" for seed in (0, 1)]


def files(home, kind):
    return [home / f"{kind}/step{step}.safetensors" for step in STEPS]


def undefined(frame):
    return set(frame.loc[frame["estimate"].isna(), "quantity"])


def scarce(frame):
    """Rows of what too few strings may not tell: the eight real ones, or fewer nodes than rules."""
    quantity = frame["quantity"]
    far = (quantity == "correlation_ratio") & (frame["distance"] > 1)
    few = (quantity == "rule_usage_divergence") & (frame["count"] < SETTING["v"] * SETTING["m"])
    return far | few | (quantity == "equivalent_block_length")


def test_a_saved_grammar_comes_back_with_its_probabilities(made, frequencies):
    grammar, _ = load_grammar(sources(made)[1])
    assert not grammar.has_equal_rules
    if frequencies["kind"] == "uneven_synonyms":
        drawn = sample_rules(**SETTING, seed=1, rule_frequencies=UnevenSynonyms(**frequencies))
        assert np.array_equal(grammar.probabilities, drawn.probabilities)


def test_datasets_are_of_distinct_strings_of_their_grammar(made):
    tensors = read_tensors(made / "dataset.safetensors", "dataset").tensors
    for replica, path in enumerate(sources(made)):
        strings = np.concatenate([tensors[name][replica] for name in sorted(tensors)])
        assert strings.shape == (28, 4)
        assert len(np.unique(strings, axis=0)) == 28
        assert parse(load_grammar(path)[0], strings).valid(2).all()


def test_samples_are_measured(made):
    settings = {"jackknife_blocks": 8, "random_halves": 2}
    settings |= {"bootstrap_samples": 100, "largest_error": 0.25}
    spec, output = spec_of("measure", "rhm", settings), made / "measurements.parquet"
    inputs = sources(made), made / "dataset.safetensors", files(made, "samples")
    measure(spec, rhm_measure, *inputs, output)
    frame = tables.read_table(output, "measurements")
    assert {"coverage", "copied_excess", "creativity_index"} <= set(frame["quantity"])
    assert undefined(frame[~scarce(frame)]) == set()
    assert not np.isinf(frame["estimate"]).any()
    shares = frame[frame["quantity"] == "unseen_share"]["estimate"]
    assert shares.between(0, 1).all()


def test_networks_are_probed(made):
    spec, output = spec_of("probe", "rhm", {"strings": 8}), made / "probes.parquet"
    inputs = sources(made), made / "dataset.safetensors", files(made, "checkpoints")
    probe(spec, model, rhm_probe, *inputs, output)
    frame = tables.read_table(output, "probes")
    assert undefined(frame) == set()
    excess = frame[
        (frame["quantity"] == "excess_loss") & (frame["noise_high"] - frame["noise_low"] == 1)
    ]
    assert (excess["estimate"] > 0).all()


def test_the_exact_denoiser_is_nearly_perfect(made):
    settings = {
        "setting": SETTING,
        "grammar_seeds": [0, 1],
        "noise": {"process": "absorbing", "noise_levels": 200, "mixture": "exact"},
        "sampling": SAMPLING | {"samples": 400},
        "ceiling": {"strings": 16, "noise_levels": [200]},
    }
    settings["noise"]["schedule"] = {"kind": "linear_alpha_bar"}
    ceiling(spec_of("ceiling", "rhm", settings), sources(made), made / "ceilings.parquet")
    frame = tables.read_table(made / "ceilings.parquet", "ceilings")
    strings = frame[frame["configured"] & (frame["quantity"] == "string_accuracy")]
    assert strings["estimate"].min() > 0.95


def test_theory_is_tabulated(made, frequencies):
    settings = {
        "grammar": {**SETTING, "dataset_sizes": [4, 12]},
        "grammar_seeds": [0, 1],
        "width": 8,
        "correlation_grammars": 3,
        **HELD_OUT,
        "data_seed": 0,
        "rule_frequencies": frequencies,
    }
    tabulate(spec_of("theory", "rhm", settings), sources(made), made / "theory.parquet")
    frame = tables.read_table(made / "theory.parquet", "theory")
    covered = frame[frame["quantity"] == "tuple_coverage"].drop_duplicates("grammar_seed")
    numbers = [load_grammar(path)[0].rule_counts[0].sum() for path in sources(made)]
    assert covered["count"].tolist() == numbers
    equal = settings | {"rule_frequencies": {"kind": "equal"}}
    tabulate(spec_of("theory", "rhm", equal), sources(made), made / "equal/theory.parquet")
    other = tables.read_table(made / "equal/theory.parquet", "theory")
    squares = [
        table[table["quantity"] == "squared_correlation"]["estimate"] for table in (frame, other)
    ]
    assert (squares[0].to_numpy() != squares[1].to_numpy()).any()
