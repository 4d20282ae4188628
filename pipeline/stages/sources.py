"""Records of stages that get data: grammars, corpora, images, pretrained models, datasets."""

from pipeline.stages.paths import CELL, SETTING
from pipeline.stages.record import Files, Option, Rule, Stage

_GRAMMAR = f"{SETTING}/grammar_g{{grammar_seed}}.safetensors"
_RESOURCE = "resources/{resource}"
"""What was fetched, or made of what was."""
_SECTION = "section of the config, as JSON"

SOURCES = (
    Stage(
        "fetch",
        "pipeline.sources.fetch:fetch",
        None,
        options=(Option("source", _SECTION, "pipeline.sources.settings:Pinned"),),
        outputs=(Files("output", _RESOURCE),),
        rules=(Rule("fetch_package", ()), Rule("fetch_hub", ())),
    ),
    Stage(
        "prepare_judge",
        "pipeline.text.perplexity.language_model:prepare_model",
        None,
        options=(
            Option("model", _SECTION, "pipeline.text.settings:JudgeModel"),
            Option("longest", "tokens that it is to read"),
        ),
        inputs=(Files("archive", _RESOURCE, "optional"),),
        outputs=(Files("output", _RESOURCE),),
        rules=(Rule("prepare_judge", ()),),
    ),
    Stage(
        "prepare_encoder",
        "pipeline.image.features.encoder:prepare_encoder",
        None,
        options=(
            Option("model", _SECTION, "pipeline.image.settings:EncoderModel"),
            Option("size", "pixels of a side of images"),
            Option("layers", "those wanted", many=True),
        ),
        inputs=(Files("archive", _RESOURCE, "optional"),),
        outputs=(Files("output", _RESOURCE),),
        rules=(Rule("prepare_encoder", ()),),
    ),
    Stage(
        "grammar",
        "pipeline.rhm.grammar.rules:make_grammar",
        "pipeline.rhm.settings:RandomGrammar",
        outputs=(Files("output", _GRAMMAR),),
        rules=(Rule("grammar", ("rhm",)),),
        without=("torch", "pandas"),
    ),
    Stage(
        "corpus",
        "pipeline.text.corpus.build:make_corpus",
        "pipeline.text.settings:CorpusSettings",
        inputs=(Files("archives", _RESOURCE, "many"),),
        own_files="archives",
        outputs=(
            Files("tokens", f"{SETTING}/corpus.safetensors"),
            Files("tokenizer", f"{SETTING}/tokenizer.json"),
        ),
        rules=(Rule("corpus", ("text",), seconds=15),),
        without=("torch",),
    ),
    Stage(
        "images",
        "pipeline.image.dataset.build:make_images",
        "pipeline.image.settings:ImagesSettings",
        inputs=(Files("sources", _RESOURCE, "many"),),
        own_files="sources",
        outputs=(Files("output", f"{SETTING}/images.safetensors"),),
        rules=(Rule("images", ("image",), seconds=15),),
        without=("torch",),
    ),
    Stage(
        "dataset",
        "pipeline.datasets.build:make_dataset",
        "pipeline.{domain}.settings:DatasetSettings",
        parts={"data": "data"},
        inputs=(Files("sources", f"{SETTING}/{{source}}.safetensors", "many"),),
        outputs=(Files("output", f"{CELL}/dataset.safetensors"),),
        rules=(Rule("dataset"),),
        without=("torch",),
        until_then="waiting",
    ),
    Stage(
        "controls",
        "pipeline.measurement.controls:make_controls",
        "pipeline.{domain}.settings:ControlSettings",
        parts={"part": "controls"},
        inputs=(Files("source", f"{SETTING}/{{source}}.safetensors"),),
        outputs=(Files("controls", f"{SETTING}/controls/{{control}}.safetensors", "many"),),
        rules=(Rule("controls", ("text",)), Rule("controls_image", ("image",))),
        without=("torch",),
    ),
)
"""In the order in which data come about."""
