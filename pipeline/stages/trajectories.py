"""Records of stages of a trajectory: training, sampling, and what is measured of its samples."""

from pipeline.stages.paths import CELL, SETTING
from pipeline.stages.record import Files, Option, Rule, Stage

_SOURCES = f"{SETTING}/{{source}}.safetensors"
_REFERENCES = f"{SETTING}/{{reference}}.safetensors"
_DATASET = f"{CELL}/dataset.safetensors"
_CHECKPOINTS = f"{CELL}/checkpoints/step{{step}}.safetensors"
_SAMPLES = f"{CELL}/samples/step{{step}}.safetensors"
_CONTROLS = f"{SETTING}/controls/{{control}}.safetensors"
_TOKENIZER = f"{SETTING}/tokenizer.json"
_MODEL = "resources/{resource}"


def _flag(text: str) -> bool:
    return bool(int(text))


_COMPARED = (
    Files("sources", _REFERENCES, "many"),
    Files("dataset", f"{CELL}/{{training_data}}.safetensors", "optional"),
    Files("samples", f"{CELL}/{{measured}}/step{{step}}.safetensors", "many"),
)

TRAJECTORIES = (
    Stage(
        "train",
        "pipeline.training.train:train",
        "pipeline.{domain}.settings:TrainSettings",
        parts={"model": "model"},
        options=(
            Option("keep_work", "1: keep resumable states", _flag),
            Option("processes", "how many train together"),
            Option("accumulation", "parts of each one's share"),
        ),
        inputs=(Files("sources", _SOURCES, "many"), Files("dataset", _DATASET)),
        outputs=(
            Files("checkpoints", _CHECKPOINTS, "many"),
            Files("losses", f"{CELL}/losses.parquet"),
        ),
        rules=(
            Rule("train", ("rhm",), {"sources": ""}, seconds=120),
            Rule("train_text", ("text",), seconds=360),
            Rule("train_image", ("image",), seconds=400),
        ),
        resumable=True,
        until_then="ready",
    ),
    Stage(
        "sample",
        "pipeline.sampling.generate:sample",
        "pipeline.{domain}.settings:Sampling",
        parts={"model": "model", "sampler": "sampler"},
        carried="train",
        inputs=(Files("checkpoints", _CHECKPOINTS, "many"),),
        outputs=(Files("samples", _SAMPLES, "many"),),
        rules=(
            Rule("sample", ("rhm",), seconds=40),
            Rule("sample_text", ("text",), seconds=240),
            Rule("sample_image", ("image",), seconds=150),
        ),
        resumable=True,
        until_then="trained",
    ),
    Stage(
        "encode",
        "pipeline.image.features.encode:encode",
        "pipeline.image.settings:Encoding",
        inputs=(Files("encoder", _MODEL), Files("samples", _SAMPLES, "many")),
        outputs=(Files("features", f"{CELL}/features/step{{step}}.safetensors", "many"),),
        rules=(
            Rule("encode", ("image",), seconds=30),
            Rule(
                "encode_controls",
                ("image",),
                {
                    "samples": _CONTROLS,
                    "features": f"{SETTING}/control_features/{{control}}.safetensors",
                },
            ),
        ),
        resumable=True,
        until_then="sampled",
    ),
    Stage(
        "encode_training",
        "pipeline.image.features.encode:encode_training",
        "pipeline.image.settings:Encoding",
        inputs=(
            Files("encoder", _MODEL),
            Files("sources", _SOURCES, "many"),
            Files("dataset", _DATASET),
        ),
        outputs=(Files("output", f"{CELL}/training_features.safetensors"),),
        rules=(Rule("encode_training", ("image",)),),
    ),
    Stage(
        "measure",
        "pipeline.measurement.measure:measure",
        "pipeline.{domain}.settings:Measurement",
        parts={"measures": "measure"},
        inputs=_COMPARED,
        outputs=(Files("output", f"{CELL}/measurements.parquet"),),
        rules=(
            Rule("measure", seconds=8),
            Rule(
                "measure_controls",
                ("text", "image"),
                {
                    "dataset": "",
                    "samples": f"{SETTING}/{{measured_controls}}/{{control}}.safetensors",
                    "output": f"{SETTING}/tables/calibration.parquet",
                },
            ),
        ),
        without=("torch",),
        until_then="sampled",
    ),
    Stage(
        "trees",
        "pipeline.measurement.measure:measure",
        "pipeline.rhm.settings:ShownStrings",
        parts={"measures": "trees"},
        inputs=_COMPARED,
        outputs=(Files("output", f"{CELL}/trees.parquet"),),
        rules=(Rule("trees", ("rhm",)),),
        without=("torch",),
    ),
    Stage(
        "probe",
        "pipeline.measurement.probe:probe",
        "pipeline.{domain}.settings:Probe",
        parts={"model": "model", "probes": "probe"},
        carried="train",
        inputs=(
            Files("sources", _SOURCES, "many"),
            Files("dataset", _DATASET),
            Files("checkpoints", _CHECKPOINTS, "many"),
        ),
        outputs=(Files("output", f"{CELL}/probes.parquet"),),
        rules=(Rule("probe", ("rhm",)), Rule("probe_text", ("text",))),
        until_then="measured",
    ),
    Stage(
        "decode",
        "pipeline.text.perplexity.texts:decode_samples",
        "pipeline.text.settings:ShownTexts",
        inputs=(Files("tokenizer", _TOKENIZER), Files("samples", _SAMPLES, "many")),
        outputs=(Files("output", f"{CELL}/texts.parquet"),),
        rules=(Rule("decode", ("text",)),),
        without=("torch",),
    ),
    Stage(
        "judge",
        "pipeline.text.perplexity.judge:judge",
        "pipeline.text.settings:Judge",
        inputs=(
            Files("model", _MODEL),
            Files("tokenizer", _TOKENIZER),
            Files("samples", _SAMPLES, "many"),
        ),
        outputs=(Files("output", f"{CELL}/judgements.parquet"),),
        rules=(
            Rule("judge", ("text",), seconds=60),
            Rule(
                "judge_controls",
                ("text",),
                {
                    "samples": _CONTROLS,
                    "output": f"{SETTING}/tables/control_judgements.parquet",
                },
                seconds=60,
            ),
        ),
        until_then="measured",
    ),
    Stage(
        "pictures",
        "pipeline.image.pictures:keep_pictures",
        "pipeline.image.settings:ShownImages",
        inputs=(Files("samples", _SAMPLES, "many"),),
        outputs=(Files("output", f"{CELL}/pictures.parquet"),),
        rules=(
            Rule("pictures", ("image",)),
            Rule(
                "pictures_controls",
                ("image",),
                {
                    "samples": _CONTROLS,
                    "output": f"{SETTING}/tables/control_pictures.parquet",
                },
            ),
        ),
        without=("torch",),
        until_then="measured",
    ),
)
"""In the order in which a trajectory goes through them."""
