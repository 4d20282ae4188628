"""Judges made ready from directories and the hub, and those that must be refused."""

import hashlib
import json
from contextlib import contextmanager

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BloomConfig,
    BloomForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    GPTNeoConfig,
    GPTNeoForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    MptConfig,
    MptForCausalLM,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForCausalLM,
    RobertaForMaskedLM,
    XLNetConfig,
    XLNetLMHeadModel,
)

from pipeline.artifacts.seals import read_sealed
from pipeline.base.errors import PipelineError
from pipeline.sources.settings import DirectoryModel, HubModel, RandomModel
from pipeline.text.perplexity import language_model
from pipeline.text.perplexity.language_model import load_model, prepare_model
from tests.unit.left_over import left_over

VOCABULARY = ["<unk>", "<s>", "</s>", *(f"word{number}" for number in range(61))]


@pytest.fixture(autouse=True)
def on_the_cpu(monkeypatch):
    monkeypatch.setattr(language_model, "choose_device", lambda: torch.device("cpu"))


def llama(seed=0, words=64):
    torch.manual_seed(seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=words,
            hidden_size=32,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=32,
            initializer_range=0.5,
        )
    ).eval()


def gpt2(seed=0):
    torch.manual_seed(seed)
    sizes = {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 32}
    return GPT2LMHeadModel(GPT2Config(vocab_size=len(VOCABULARY), **sizes)).eval()


def save(model, directory):
    vocabulary = {word: number for number, word in enumerate(VOCABULARY)}
    inner = Tokenizer(WordLevel(vocabulary, unk_token="<unk>"))
    special = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    PreTrainedTokenizerFast(tokenizer_object=inner, **special).save_pretrained(directory)
    model.save_pretrained(directory)
    return directory


@pytest.fixture
def source(tmp_path):
    return save(llama(), tmp_path / "source")


@pytest.fixture
def prepared(source, tmp_path):
    output = tmp_path / "resources" / "judge"
    prepare_model(DirectoryModel(kind="directory", path=str(source)), None, output)
    return output


def logits(model):
    with torch.inference_mode():
        return model(torch.tensor([[1, 5, 9, 3, 17]])).logits


@contextmanager
def refusing(*reasons):
    with pytest.raises(PipelineError) as refused:
        yield
    assert "\n" not in str(refused.value)
    for reason in reasons:
        assert reason in str(refused.value)


@pytest.mark.parametrize("architecture", [llama, gpt2])
def test_a_directory_gives_its_model_back(tmp_path, architecture):
    expected = architecture()
    path = save(expected, tmp_path / "source")
    prepare_model(DirectoryModel(kind="directory", path=str(path)), None, tmp_path / "judge")
    model, tokenizer = load_model(tmp_path / "judge")
    assert torch.equal(logits(model), logits(expected))
    assert not model.training and model.dtype == torch.float32
    assert tokenizer.convert_ids_to_tokens([1, 5]) == ["<s>", "word2"]


def test_the_record_names_the_model_and_its_files(prepared, source):
    names = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
    digests = {n: hashlib.sha256((source / n).read_bytes()).hexdigest() for n in names}
    assert read_sealed(prepared / "judge.json") == {
        "id": str(source),
        "revision": None,
        "parameters": sum(p.numel() for p in llama().parameters()),
        "dtype": "float32",
        "sha256": digests,
    }


def test_a_sharded_model_is_read_whole(tmp_path):
    path = save(llama(), tmp_path / "source")
    (path / "model.safetensors").unlink()
    llama().save_pretrained(path, max_shard_size="20KB")
    prepare_model(DirectoryModel(kind="directory", path=str(path)), None, tmp_path / "judge")
    record = json.loads((tmp_path / "judge" / "judge.json").read_text())
    assert len(record["sha256"]) > 1
    assert torch.equal(logits(load_model(tmp_path / "judge")[0]), logits(llama()))


def test_weights_of_half_precision_are_computed_with_in_single_precision(tmp_path):
    path = save(llama().to(torch.bfloat16), tmp_path / "source")
    prepare_model(DirectoryModel(kind="directory", path=str(path)), None, tmp_path / "judge")
    assert json.loads((tmp_path / "judge" / "judge.json").read_text())["dtype"] == "bfloat16"
    model, _ = load_model(tmp_path / "judge")
    expected = llama()
    rounded = {k: w.to(torch.bfloat16) for k, w in expected.state_dict().items()}
    expected.load_state_dict(rounded)
    assert torch.equal(logits(model), logits(expected))


HUB = HubModel(kind="hub", model="owner/name", revision="main")


def test_a_judge_of_the_hub_is_linked_from_where_it_was_fetched_to(tmp_path):
    fetched, snapshot = tmp_path / "fetched", save(llama(), tmp_path / "snapshots" / ("a" * 40))
    fetched.mkdir()
    (fetched / snapshot.name).symlink_to(snapshot)
    prepare_model(HUB, fetched, tmp_path / "judge")
    record = json.loads((tmp_path / "judge" / "judge.json").read_text())
    assert (record["id"], record["revision"]) == ("owner/name", "a" * 40)
    load_model(tmp_path / "judge")


def test_a_model_that_was_not_fetched_or_is_gone_is_told_in_a_line(tmp_path):
    with refusing("domains.text.judge.model: this kind is fetched", "--archive"):
        prepare_model(HUB, None, tmp_path / "judge")
    fetched = tmp_path / "fetched"
    fetched.mkdir()
    (fetched / ("a" * 40)).symlink_to(tmp_path / "nothing")
    with refusing("domains.text.judge.model", "a link to nothing", f"delete {fetched}"):
        prepare_model(HUB, fetched, tmp_path / "judge")
    assert list(tmp_path.iterdir()) == [fetched]


def edit(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def drop_a_tensor(source):
    weights = load_file(source / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, source / "model.safetensors", metadata={"format": "pt"})


def keep_pickles_only(source):
    torch.save(load_file(source / "model.safetensors"), source / "pytorch_model.bin")
    (source / "model.safetensors").unlink()


def cut_the_weights(source):
    content = (source / "model.safetensors").read_bytes()
    (source / "model.safetensors").write_bytes(content[: len(content) // 2])


DAMAGES = {
    "martian": lambda source: edit(source / "config.json", model_type="martian"),
    "custom code": lambda source: edit(
        source / "config.json", model_type="own", auto_map={"AutoConfig": "own.OwnConfig"}
    ),
    "lack model.layers.1.mlp.up_proj.weight": drop_a_tensor,
    "holds no model*.safetensors": keep_pickles_only,
    "deserializing": cut_the_weights,
    "slow tokenizer": lambda source: (source / "tokenizer.json").unlink(),
    "out of vocabulary": lambda source: edit(
        source / "tokenizer.json", model={"type": "BPE", "vocab": {}, "merges": [["a", "b"]]}
    ),
    "config.json": lambda source: (source / "config.json").unlink(),
    "at most 32 tokens": lambda source: llama(words=32).save_pretrained(source),
    "lack model.layers.0.mlp.down_proj.weight in": lambda source: edit(
        source / "config.json", intermediate_size=16
    ),
}


@pytest.mark.parametrize("reason", DAMAGES)
def test_a_model_that_cannot_be_loaded_is_refused_and_the_old_one_kept(source, tmp_path, reason):
    old = tmp_path / "old" / "judge"
    prepare_model(DirectoryModel(kind="directory", path=str(source)), None, old)
    record = (old / "judge.json").read_text()
    other = save(llama(1), tmp_path / "other")
    DAMAGES[reason](other)
    with refusing(reason, str(other), "domains.text.judge"):
        prepare_model(DirectoryModel(kind="directory", path=str(other)), None, old)
    assert (old / "judge.json").read_text() == record
    assert list(old.parent.iterdir()) == [old]
    load_model(old)


def test_a_full_disk_and_what_a_killed_attempt_left_over(tmp_path, monkeypatch):
    def fill(*_):
        raise Exception("No space left on device (os error 28)")

    (left_over(tmp_path / "judge") / "judge").mkdir(parents=True)
    with monkeypatch.context() as patch:
        patch.setattr("transformers.LlamaForCausalLM.save_pretrained", fill)
        with pytest.raises(PipelineError, match=f"{tmp_path}/judge cannot be written: disk full"):
            prepare_model(RandomModel(kind="random"), None, tmp_path / "judge")
    assert list(tmp_path.iterdir()) == []


def test_a_new_model_replaces_the_old_one(prepared, tmp_path):
    path = save(llama(1), tmp_path / "other")
    prepare_model(DirectoryModel(kind="directory", path=str(path)), None, prepared)
    assert torch.equal(logits(load_model(prepared)[0]), logits(llama(1)))


def alter_a_byte(source, judge):
    content = bytearray((source / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (source / "model.safetensors").write_bytes(content)


def append(path):
    path.write_text(path.read_text() + " ")


def rename(record):
    record.write_text(record.read_text().replace('"id": "', '"id": "x', 1))


LOSSES = {
    "not those that judge.json names": alter_a_byte,
    "No such file": lambda source, judge: (source / "model.safetensors").unlink(),
    "judge.json": lambda source, judge: (judge / "judge.json").unlink(),
    "judge.json has no seal": lambda source, judge: (judge / "judge.json").write_text(""),
    "judge.json does not hold": lambda source, judge: rename(judge / "judge.json"),
    "config.json": lambda source, judge: (judge / "config.json").unlink(),
    "names, config.json is another": lambda source, _: append(source / "config.json"),
    "names, tokenizer.json is another": lambda source, _: append(source / "tokenizer.json"),
    "names, merges.txt is another": lambda _, judge: (judge / "merges.txt").touch(),
}


@pytest.mark.parametrize("reason", LOSSES)
def test_a_directory_that_is_not_as_it_was_made_is_refused(source, prepared, reason):
    LOSSES[reason](source, prepared)
    with refusing(str(prepared), "domains.text.judge", reason):
        load_model(prepared)


def test_no_directory_is_refused(tmp_path):
    with refusing(str(tmp_path / "absent"), "judge.json", "domains.text.judge"):
        load_model(tmp_path / "absent")


SIZES = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2}
SIZES |= {"num_attention_heads": 2, "vocab_size": 64, "initializer_range": 0.5}


def bidirectional(kind):
    torch.manual_seed(0)
    if kind == "xlnet":
        return XLNetLMHeadModel(XLNetConfig(vocab_size=64, d_model=32, n_layer=2, n_head=2))
    config, model = {
        "roberta": (RobertaConfig, RobertaForMaskedLM),
        "bert": (BertConfig, BertForMaskedLM),
    }[kind]
    return model(config(**SIZES, max_position_embeddings=40))


@pytest.mark.parametrize("kind", ["roberta", "bert", "xlnet"])
def test_a_model_that_sees_later_tokens_is_no_judge(tmp_path, kind):
    path = save(bidirectional(kind), tmp_path / "source")
    settings = DirectoryModel(kind="directory", path=str(path))
    with refusing(str(path), "not autoregressive: later tokens change losses by up to"):
        prepare_model(settings, None, tmp_path / "judge", 16)
    assert not (tmp_path / "judge").exists()


def local(kind):
    """Models of one layer that see the last eight tokens alone."""
    torch.manual_seed(0)
    sizes = SIZES | {"num_hidden_layers": 1, "num_key_value_heads": 2}
    if kind == "mistral":
        return MistralForCausalLM(MistralConfig(**sizes, sliding_window=8))
    return GPTNeoForCausalLM(
        GPTNeoConfig(
            vocab_size=64, hidden_size=32, num_layers=1, num_heads=2, window_size=8,
            attention_types=[[["local"], 1]],
        )
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["mistral", "gpt_neo"])
def test_a_judge_that_sees_a_window_alone_is_refused(tmp_path, kind):
    path = save(local(kind), tmp_path / "source")
    settings = DirectoryModel(kind="directory", path=str(path))
    with refusing("judge.longest = 32", "does not depend on the first ones; lower it"):
        prepare_model(settings, None, tmp_path / "judge", 32)
    prepare_model(settings, None, tmp_path / "judge", 8)


def causal(kind):
    torch.manual_seed(0)
    if kind == "roberta":
        return RobertaForCausalLM(
            RobertaConfig(**SIZES, is_decoder=True, max_position_embeddings=40)
        )
    if kind == "bloom":
        return BloomForCausalLM(BloomConfig(vocab_size=64, hidden_size=32, n_layer=2, n_head=2))
    return {"llama": llama, "gpt2": gpt2}[kind]()


@pytest.mark.parametrize("kind", ["roberta", "bloom", "llama", "gpt2"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_models_that_read_from_left_to_right_are_taken(tmp_path, kind, dtype):
    path = save(causal(kind).to(dtype), tmp_path / "source")
    prepare_model(DirectoryModel(kind="directory", path=str(path)), None, tmp_path / "judge", 32)


def mpt():
    return MptForCausalLM(
        MptConfig(vocab_size=64, d_model=32, n_heads=2, n_layers=1, max_seq_len=8)
    )


@pytest.mark.parametrize(
    ("model", "longest", "reason"),
    [
        (llama, 33, "reads at most 32 tokens"),
        (gpt2, 33, "reads at most 32 tokens"),
        (mpt, 9, "reads at most 8 tokens"),
        (lambda: causal("roberta"), 40, "fails to read as many tokens (index"),
    ],
    ids=["llama", "gpt2", "mpt", "roberta"],
)
def test_a_judge_that_cannot_read_as_far_is_refused_before_it_is_needed(
    tmp_path, model, longest, reason
):
    path = save(model(), tmp_path / "source")
    settings = DirectoryModel(kind="directory", path=str(path))
    with refusing(f"domains.text.judge.longest = {longest}", reason, "lower it"):
        prepare_model(settings, None, tmp_path / "judge", longest)
    prepare_model(settings, None, tmp_path / "judge", 8)


def test_a_judge_without_a_token_to_begin_with_is_refused_before_it_is_needed(source, tmp_path):
    config = json.loads((source / "tokenizer_config.json").read_text())
    kept = {name: value for name, value in config.items() if name not in ("bos_token", "eos_token")}
    (source / "tokenizer_config.json").write_text(json.dumps(kept))
    with refusing("domains.text.judge: its tokenizer has neither bos_token nor eos_token"):
        prepare_model(DirectoryModel(kind="directory", path=str(source)), None, tmp_path / "judge")


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json"])
def test_a_judge_that_was_not_fetched_is_named_with_the_remedy(source, tmp_path, name):
    (source / name).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    with refusing(f"{source / name} is a placeholder of Git LFS", "git lfs pull"):
        prepare_model(DirectoryModel(kind="directory", path=str(source)), None, tmp_path / "judge")


@pytest.mark.parametrize(
    ("index", "reason"),
    [
        ({"weight_map": {"x": "../elsewhere.safetensors"}}, "names '../elsewhere.safetensors'"),
        ({"weight_map": {"x": "/etc/model.safetensors"}}, "names '/etc/model.safetensors'"),
        ({"weight_map": {"x": "model-2.safetensors"}}, "which is no model*.safetensors beside it"),
        ({"weight_map": {"x": "model.safetensors", "y": ["z"]}}, "cannot be read"),
        ([], "cannot be read"),
    ],
)
def test_an_index_that_names_weights_elsewhere_is_refused(source, tmp_path, index, reason):
    (source / "model.safetensors.index.json").write_text(json.dumps(index))
    with refusing("domains.text.judge.model: ", f"{source}/model.safetensors.index.json", reason):
        prepare_model(DirectoryModel(kind="directory", path=str(source)), None, tmp_path / "judge")
