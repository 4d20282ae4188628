"""Each edit makes exactly the stages stale that depend on it."""

import re
import shutil
from collections import Counter

import pytest

from pipeline.stages.catalogue import STAGES, TABLES
from tests.workflow.checkout import DRAWN, SMOKE

EDITED = ("workflow", "pipeline", ".snakemake")
CELLS = 4
GRAMMARS = 2
FIGURE_JOBS = Counter(dict.fromkeys(DRAWN, 1))


def _together(*parts):
    """Jobs after an edit that several domains depend on, whose claims come into one table."""
    whole = sum(parts, Counter())
    return whole - Counter(verdicts=whole["verdicts"] - 1)


def _shown(domain, *tables):
    """Figures of a domain that show any of the tables."""
    return Counter(
        name
        for name, source in DRAWN.items()
        if source.domain == domain and set(source.tables) & set(tables)
    )


THEORY_ALONE = Counter(
    rhm_correlation_law=1, rhm_one_step_gradient=1, theory=1, concatenate=1
)  # what depends on no network
CEILING_ALONE = Counter(rhm_sampling_ceiling=1, ceiling=1, concatenate=1)
THEORY = THEORY_ALONE + Counter(rhm_clustering=1, claims=1, verdicts=1)
DECIDED = Counter(claims=1, verdicts=1)
COMPARE = Counter(exponents=1) + _shown("rhm", "exponents", "laws") + DECIDED
RESAMPLED = COMPARE + _shown("rhm", "memorization") + Counter(memorize=1, concatenate=2)
ANALYSE = Counter(rhm_accuracy_vs_training_step=1, rhm_clustering=1, analyse=1, concatenate=1)
ANALYSE += COMPARE
FOLLOWING = Counter(analyse=1, memorize=1, exponents=1) + DECIDED
MEASURED = Counter(aggregate=1, concatenate=4) + FOLLOWING
MEASURED += _shown(
    "rhm", "measurements", "sample_complexity", "exponents", "laws",
    "memorization", "memorization_exponents",
)  # fmt: skip
PROBED = Counter(aggregate=1, concatenate=2, analyse=1) + COMPARE
PROBED |= _shown("rhm", "probes", "sample_complexity", "exponents", "laws")
TREES = Counter(trees=CELLS, aggregate=1, concatenate=1, rhm_samples=1)
OTHER_FIGURES = _shown("text", *TABLES["text"]) + _shown("image", *TABLES["image"])
AGGREGATE = FIGURE_JOBS - THEORY_ALONE - CEILING_ALONE + Counter(aggregate=4, concatenate=7)
AGGREGATE = Counter({k: n for k, n in AGGREGATE.items() if k not in OTHER_FIGURES}) + FOLLOWING
MEASURE = MEASURED + Counter(measure=CELLS)
SAMPLE = MEASURE + TREES + Counter(sample=CELLS)
PROBE = PROBED + Counter(probe=CELLS)
COMPARED = (MEASURED | PROBED) + Counter(aggregate=1, concatenate=1)
EVALUATE = COMPARED + TREES + Counter(measure=CELLS, sample=CELLS, probe=CELLS)
TRAIN = AGGREGATE + Counter(train=CELLS, measure=CELLS, sample=CELLS, probe=CELLS, trees=CELLS)
DATASET = TRAIN + Counter(dataset=CELLS)
ONE_CELL = AGGREGATE + Counter(dataset=1, train=1, sample=1, measure=1, probe=1, trees=1)
NOTHING = Counter()

TEXT_JUDGE = Counter(judge=1, aggregate=1, concatenate=1, text_perplexity_vs_context=1)
TEXT_MEASURE = Counter(measure=1, aggregate=1, concatenate=1) + _shown("text", "measurements")
TEXT_MEASURE += DECIDED
TEXT_SAMPLE = Counter(sample_text=1, measure=1, decode=1, judge=1, aggregate=3, concatenate=3)
TEXT_SAMPLE += _shown("text", "measurements", "judgements", "texts") + DECIDED
TEXT_PROBE = Counter(probe_text=1, aggregate=1, concatenate=1, text_window_loss=1)
TEXT_TRAIN = TEXT_SAMPLE + TEXT_PROBE + Counter(train_text=1, aggregate=1, concatenate=1)
TEXT_CALIBRATE = Counter(measure_controls=1, concatenate=1) + _shown("text", "calibration")
TEXT_CONTROLS = TEXT_CALIBRATE | Counter(controls=1, judge_controls=1, concatenate=2)
TEXT_CORPUS = TEXT_TRAIN | TEXT_CONTROLS
TEXT_CORPUS += Counter(corpus=1, dataset=1, concatenate=2)

IMAGE_CONVERGE = Counter(converge=1, concatenate=1) + _shown("image", "convergence") + DECIDED
IMAGE_MEASURE = IMAGE_CONVERGE | _shown("image", "measurements")
IMAGE_MEASURE += Counter(measure=1, aggregate=1, concatenate=1)
IMAGE_SAMPLE = IMAGE_MEASURE | _shown("image", "pictures")
IMAGE_SAMPLE += Counter(sample_image=1, pictures=1, encode=1, aggregate=1, concatenate=1)
IMAGE_TRAIN = IMAGE_SAMPLE + Counter(train_image=1, aggregate=1, concatenate=1)
IMAGE_CALIBRATE = Counter(measure_controls=1, concatenate=1)
IMAGE_ENCODE = IMAGE_MEASURE + IMAGE_CALIBRATE + Counter(encode=1, encode_controls=1)
IMAGE_DATA = IMAGE_TRAIN + IMAGE_CALIBRATE
IMAGE_DATA += Counter(images=1, dataset=1, controls_image=1, encode_controls=1)
IMAGE_DATA += Counter(pictures_controls=1, concatenate=1)
ENCODER_TRIED = Counter(prepare_encoder=1)  # a model is tried with what is wanted of it


def _set(section, **values):
    return lambda rhm, _: rhm.setdefault(section, {}).update(values)


def _claims(**values):
    return lambda _, content: content.setdefault("claims", {}).update(values)


def _text(section, **values):
    return lambda _, content: content["domains"]["text"][section].update(values)


def _image(section, **values):
    return lambda _, content: content["domains"]["image"].setdefault(section, {}).update(values)


def _sizes(*sizes):
    return lambda rhm, _: rhm["grid"]["grammars"][0].update(dataset_sizes=list(sizes))


def _reordered(rhm, content):
    for section in rhm.values():
        items = list(section.items())
        section.clear()
        section.update(reversed(items))
    content["domains"]["rhm"] = dict(reversed(rhm.items()))


CONFIG_EDITS = {
    "nothing": (lambda *_: None, NOTHING),
    "keys reordered": (_reordered, NOTHING),
    "figure colours": (lambda _, c: c.update(style={"palette": "mako"}), FIGURE_JOBS),
    "reading rule": (_set("analysis", among="novel_strings"), ANALYSE),
    "resamples": (_set("analysis", bootstrap_samples=50), RESAMPLED),
    "margin": (_claims(margin=0.5), Counter(claims=3, verdicts=1)),
    "two values swapped": (
        _set("measurement", random_halves=32, jackknife_blocks=20),
        MEASURE,
    ),
    "sampling count": (_set("sampling", samples=128), SAMPLE + CEILING_ALONE),
    "strings of the probes": (_set("probe", strings=7), PROBE),
    "noise levels of the ceiling": (
        _set("ceiling", noise_levels=[4, 20]),
        MEASURED + CEILING_ALONE,
    ),
    "learning rate": (_set("training", learning_rate=0.5), TRAIN),
    "held-out size": (_set("data", validation_size=7), DATASET + THEORY_ALONE),
    "width of the network of one step": (_set("theory", width=32), THEORY),
    "a new dataset size": (_sizes(4, 8, 12, 16, "online"), ONE_CELL),
    "a dataset size removed": (_sizes(4, 8, "online"), AGGREGATE),
    "a new checkpoint": (_set("training", checkpoints=[10, 20, 30, 40]), TRAIN),
    # sample runs because its set of inputs changed, but finds its samples made
    "a checkpoint removed": (
        _set("training", checkpoints=[10, 40]),
        EVALUATE,
    ),
    "a grammar seed": (
        _set("grid", grammar_seeds=[0, 2]),
        DATASET + CEILING_ALONE + Counter(grammar=1),
    ),
    "seed of text samples": (_text("sampling", seed=1), TEXT_SAMPLE),
    "resamples of text": (
        _text("measurement", bootstrap_samples=200),
        TEXT_MEASURE | TEXT_CALIBRATE | Counter(concatenate=2),
    ),
    "learning rate of text": (_text("training", learning_rate=0.5), TEXT_TRAIN),
    "context of text": (_text("data", context=12), TEXT_CORPUS),
    "length that is judged": (
        _text("judge", longest=8),
        TEXT_JUDGE + Counter(prepare_judge=1, judge_controls=1, concatenate=1),
    ),
    "fractions of convergence": (_image("analysis", fractions=[0.4]), IMAGE_CONVERGE),
    "resamples of images": (
        _image("measurement", bootstrap_samples=200),
        IMAGE_MEASURE + IMAGE_CALIBRATE,
    ),
    "layers of the encoder": (_image("encoder", layers=[0, 1]), IMAGE_ENCODE + ENCODER_TRIED),
    "seed of image samples": (_image("sampling", seed=1), IMAGE_SAMPLE),
    "learning rate of images": (_image("training", learning_rate=0.5), IMAGE_TRAIN),
    "split of images": (_image("data", split_seed=1), IMAGE_DATA),
    "a figure less": (lambda _, c: c.update(figures=["rhm_loss_curves"]), NOTHING),
}

SOURCE_EDITS = {
    "a docstring of the sampler": (
        ("pipeline/sampling/generate.py", '"""Stage `sample`:', '"""The stage `sample`:'),
        NOTHING,
    ),
    "a comment": (("pipeline/noise/base.py", "import torch\n", "import torch  # !\n"), NOTHING),
    "a type": (("pipeline/noise/schedules.py", "(levels: int,", "(levels: float,"), NOTHING),
    "an import that nobody uses": (
        (
            "pipeline/noise/schedules.py",
            "import numpy as np\n",
            "import math\n\nimport numpy as np\n",
        ),
        NOTHING,
    ),
    "a schedule more": (
        ("pipeline/noise/schedules.py", '"cosine": _cosine,', '"cosine": _cosine, "new": _cosine,'),
        NOTHING,
    ),
    "a schedule that only ceilings are of": (
        ("pipeline/noise/schedules.py", "np.linspace(0.02, 1.0,", "np.linspace(0.03, 1.0,"),
        MEASURED + CEILING_ALONE,
    ),
    "the schedule of grammars": (
        (
            "pipeline/noise/schedules.py",
            "np.cumprod(1 - beta)",
            "np.exp(np.log(1 - beta).cumsum())",
        ),
        TRAIN + CEILING_ALONE,
    ),
    "the schedule of images": (
        ("pipeline/noise/schedules.py", "/ levels + 0.008)", "/ levels + 0.009)"),
        IMAGE_TRAIN,
    ),
    "a loss that nobody uses": (
        ("pipeline/noise/losses.py", "_HYBRID_WEIGHT = 0.001", "_HYBRID_WEIGHT = 0.002"),
        NOTHING,
    ),
    "a loss of two domains": (
        ("pipeline/noise/losses.py", "noise.levels * step_div", "-noise.levels * step_div"),
        _together(TEXT_TRAIN, IMAGE_TRAIN),
    ),
    "a network that nobody uses": (
        ("pipeline/networks/unet1d.py", "self.readout(last) +", "self.readout(last) -"),
        NOTHING,
    ),
    "the network of grammars": (
        ("pipeline/networks/normed_unet1d.py", "cat([last, embedded]", "cat([embedded, last]"),
        TRAIN,
    ),
    "an input of networks that nobody uses": (
        (
            "pipeline/networks/token_inputs.py",
            "one_hot(xt, self.channels).float",
            "one_hot(xt).float",
        ),
        NOTHING,
    ),
    "an optimiser of two domains": (
        ("pipeline/training/optimizers.py", "betas=(beta1, beta2)", "betas=(beta2, beta1)"),
        _together(TEXT_TRAIN, IMAGE_TRAIN),
    ),
    "the optimiser of grammars": (
        ("pipeline/training/optimizers.py", "momentum=momentum, fused=True", "momentum=momentum"),
        TRAIN,
    ),
    "a process that only ceilings are of": (
        (
            "pipeline/rhm/model.py",
            "AbsorbingNoise(symbols, values)",
            "AbsorbingNoise(values, symbols)",
        ),
        MEASURED + CEILING_ALONE,
    ),
    "the sampler of grammars": (
        ("pipeline/sampling/uniform.py", "categorical(step, draw(below))", "categorical(step, 0)"),
        SAMPLE + CEILING_ALONE,
    ),
    "a sampler of text and ceilings": (
        (
            "pipeline/sampling/absorbing.py",
            "noise.reveal_times(draw(0)), draw(1)",
            "noise.reveal_times(draw(0)), draw(2)",
        ),
        _together(MEASURED + CEILING_ALONE, TEXT_SAMPLE),
    ),
    "a source of images that nobody has": (
        ("pipeline/image/dataset/sources.py", 'data = batch["data"]', 'data = batch["pixels"]'),
        NOTHING,
    ),
    "a tokenizer that nobody has": (
        ("pipeline/text/corpus/tokenizer.py", "show_progress=False", "show_progress=True"),
        NOTHING,
    ),
    "a domain": (
        ("pipeline/image/model.py", 'key("image", ', 'key("images", '),
        IMAGE_TRAIN,
    ),
    "a figure that nobody draws": (
        ("pipeline/figures/rhm/choices.py", '"undecided": (0.5', '"undecided": (0.4'),
        NOTHING,
    ),
    "a line of the sampling stage": (
        (
            "pipeline/sampling/generate.py",
            "BATCH = 2048",
            "BATCH = 1024",
        ),
        _together(SAMPLE, CEILING_ALONE, TEXT_SAMPLE, IMAGE_SAMPLE),
    ),
    "the range and the description of a key": (
        (
            "pipeline/noise/settings.py",
            'process: Literal["uniform", "absorbing"]\n    """Uniform',
            'process: Literal["uniform", "absorbing", "other"]\n    """Other',
        ),
        NOTHING,
    ),
    "a range of keys of several sections": (
        ("pipeline/base/section.py", "le=65536)]", "le=65537)]"),
        NOTHING,
    ),
    "what refuses values": (
        ("pipeline/training/settings.py", "self.checkpoints[-1] > self.steps", "False"),
        NOTHING,
    ),
    "what settings of two domains compute": (
        ("pipeline/training/settings.py", "return self.gradient_clip", "return None"),
        # what reads samples, or controls in their place, reads how they were trained
        _together(TEXT_TRAIN, IMAGE_TRAIN)
        + Counter(measure_controls=2, judge_controls=1, pictures_controls=1, concatenate=4),
    ),
    "a line of the grammar": (
        ("pipeline/rhm/grammar/rules.py", "range(s - 1, -1, -1)", "range(s)"),
        DATASET + THEORY_ALONE + CEILING_ALONE + Counter(grammar=GRAMMARS),
    ),
    "a line of the oracle": (
        ("pipeline/rhm/oracle.py", '{"cpu": 2**16', '{"cpu": 2**15'),
        COMPARED + Counter(probe=CELLS) + CEILING_ALONE,
    ),
    "a line of the training loop": (
        ("pipeline/training/train.py", "model_summary=False", "model_summary=True"),
        _together(TRAIN, TEXT_TRAIN, IMAGE_TRAIN),
    ),
    "a line of one figure": (
        ("pipeline/figures/rhm/loss_curves.py", "nats per token", "nats"),
        Counter(rhm_loss_curves=1),
    ),
    "a line of the judge": (
        (
            "pipeline/text/perplexity/context_losses.py",
            "tokens_per_call: int = 2048",
            "tokens_per_call: int = 1",
        ),
        TEXT_JUDGE + Counter(judge_controls=1, concatenate=1),
    ),
    "a caption, which smoke reads as text": (
        ("workflow/report/text_samples.rst", "first samples", "first few samples"),
        TEXT_CORPUS,
    ),
    "a line of the U-Net of images": (
        ("pipeline/networks/unet2d.py", "_LONGEST_PERIOD = 1e4", "_LONGEST_PERIOD = 1e3"),
        IMAGE_TRAIN,
    ),
    "a line of the encoder": (
        ("pipeline/image/features/encode.py", "_BATCH = 32", "_BATCH = 16"),
        IMAGE_ENCODE,
    ),
}


@pytest.fixture(scope="module")
def copy(smoke_run, tmp_path_factory):
    return smoke_run.copy(tmp_path_factory.mktemp("staleness") / "checkout")


@pytest.fixture
def restored(copy):
    """The copy; its sources and Snakemake's record are put back after the test."""
    saved = copy.path.parent / "saved"
    for part in EDITED:
        shutil.copytree(copy.path / part, saved / part)
    yield copy
    for part in EDITED:
        shutil.rmtree(copy.path / part, ignore_errors=True)
        shutil.move(saved / part, copy.path / part)
    shutil.rmtree(saved)


@pytest.mark.parametrize(("edit", "expected"), CONFIG_EDITS.values(), ids=CONFIG_EDITS)
def test_a_config_edit_makes_stale(restored, edit, expected):
    restored.edit_preset(edit)
    assert restored.stale() == expected


@pytest.mark.parametrize(("edit", "expected"), SOURCE_EDITS.values(), ids=SOURCE_EDITS)
def test_a_source_edit_makes_stale(restored, edit, expected):
    restored.edit_source(*edit)
    assert restored.stale() == expected


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        ("the schedule of grammars", (CELLS, "pipeline.noise.schedules.linear_beta")),
        ("a line of the grammar", (CELLS, "pipeline.rhm.grammar.rules.sample_rules")),
        ("the sampler of grammars", None),
    ],
)
def test_trainings_that_are_made_anew_because_of_code_are_told(restored, edit, expected):
    restored.edit_source(*SOURCE_EDITS[edit][0])
    pattern = (
        r"warning: (\d+) trainings \(about [\d.]+ min by their benchmarks\) are to be made anew "
    )
    pattern += r"because of code: (.*) changed"
    found = re.findall(pattern, restored.snakemake(*SMOKE, "--dry-run").stderr)
    assert found == ([(str(expected[0]), expected[1])] if expected else [])


def test_trainings_that_are_made_anew_because_of_settings_are_not_told(restored):
    restored.edit_preset(_set("training", learning_rate=0.5))
    restored.edit_source(*SOURCE_EDITS["the schedule of grammars"][0])
    assert "because of code" not in restored.snakemake(*SMOKE, "--dry-run").stderr


def test_without_snakemakes_record_nothing_is_stale(restored):
    shutil.rmtree(restored.path / ".snakemake")
    assert restored.stale() == NOTHING


STAMPED = {
    "train": (_set("training", learning_rate=0.5), TRAIN),
    "probe": (_set("probe", strings=7), PROBE),
    "ceiling": (_set("ceiling", noise_levels=[4, 20]), MEASURED + CEILING_ALONE),
    # Forced by its rule's name, `claims` runs for every domain.
    "memorize exponents claims": (
        _set("analysis", bootstrap_samples=50),
        RESAMPLED + Counter(claims=2),
    ),
    "claims": (_claims(margin=0.5), Counter(claims=3, verdicts=1)),
    "train_text": (_text("training", learning_rate=0.5), TEXT_TRAIN),
    "sample_text": (_text("sampling", seed=1), TEXT_SAMPLE),
    "corpus": (_text("data", split_seed=1), TEXT_CORPUS),
    "train_image": (_image("training", learning_rate=0.5), IMAGE_TRAIN),
    "encode encode_controls": (_image("encoder", layers=[0, 1]), IMAGE_ENCODE + ENCODER_TRIED),
    "images": (_image("data", split_seed=1), IMAGE_DATA),
    "converge": (_image("analysis", fractions=[0.4]), IMAGE_CONVERGE),
    "judge judge_controls": (
        _text("judge", longest=8),
        TEXT_JUDGE + Counter(prepare_judge=1, judge_controls=1, concatenate=1),
    ),
}


@pytest.mark.parametrize(("stages", "edit", "expected"), [(k, *v) for k, v in STAMPED.items()])
def test_without_snakemakes_record_stamps_tell_what_is_stale(restored, stages, edit, expected):
    shutil.rmtree(restored.path / ".snakemake")
    restored.edit_preset(edit)
    stale, messages = restored.plan()
    assert stale == NOTHING
    assert f"run once with: --forcerun {stages}\n" in messages
    assert restored.stale("--forcerun", *stages.split()) == expected


SPECLESS = {rule.name for stage in STAGES.values() if not stage.settings for rule in stage.rules}
"""Rules whose outputs are below `resources`, with records of their own of what made them."""
SALT = ("hashlib.sha256(text.encode())", 'hashlib.sha256(b"!" + text.encode())')


def test_without_snakemakes_record_stamps_of_every_rule_are_looked_at(restored):
    rules = set(restored.stale("--forceall")) - SPECLESS
    assert {"grammar", "concatenate", "rhm_samples", "verdicts"} < rules
    shutil.rmtree(restored.path / ".snakemake")
    restored.edit_source("pipeline/stages/syntax.py", *SALT)
    message = restored.snakemake(*SMOKE, "--dry-run").stderr
    (named,) = re.findall(r"run once with: --forcerun (.*)$", message, re.MULTILINE)
    assert set(named.split()) == rules


def test_a_file_that_is_missing_although_nobody_needs_it_is_told(restored):
    kept = "results/smoke/rhm/v4_m2_s2_L2/P8/g0d0n0+g1d0n0/checkpoints/step20.safetensors"
    (restored.path / kept).unlink()
    result = restored.snakemake(*SMOKE)
    assert "Nothing to be done" in result.stdout + result.stderr
    (remedy,) = re.findall(
        rf"warning: missing: {re.escape(kept)}; .* by: (.*) \(and", result.stderr
    )
    assert restored.snakemake(*SMOKE, *remedy.split()[1:]).returncode == 0
    assert (restored.path / kept).exists()
    assert "warning" not in restored.snakemake(*SMOKE, "--dry-run").stderr


def test_a_new_checkpoint_extends_training(smoke_run, tmp_path):
    checkout = smoke_run.copy(tmp_path / "checkout")
    checkout.edit_preset(_set("training", checkpoints=[10, 20, 40, 50]))
    cell = "results/smoke/rhm/v4_m2_s2_L2/P8/g0d0n0+g1d0n0"
    result = checkout.snakemake(*SMOKE, f"{cell}/measurements.parquet")
    assert result.returncode == 0, result.stderr
    log = (checkout.path / cell / "logs/train.log").read_text()
    assert "training: from step 40 to 50" in log
