"""Thousands of spoilt files of every kind: each is refused in one line that names it."""

import faulthandler
import io
import json
import os
import random
import re
import struct
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image, PngImagePlugin
from safetensors.numpy import load_file, save_file

from pipeline.artifacts import seals, stamps, streams, tables
from pipeline.artifacts.tensors import STAMP, make_stamp, read_tensors, write_tensors
from pipeline.base.errors import PipelineError
from pipeline.sources.archives import check_pin, file_hash, read_members
from pipeline.sources.pretrained import Role
from pipeline.text.corpus.tokenizer import build_tokenizer, load_tokenizer, save_tokenizer
from pipeline.text.settings import Characters
from tests.unit.settings_case import BARE

MUTANTS = 150
"""Of every kind of artifact."""
HANGS = 900
"""Seconds after which a reader has hung, on however slow a machine."""
SPEC = {"stage": "sample", "settings": {"seed": 3}, "code": "abc"}
ROLE = Role("encoder", "an", "domains.image.encoder.model", ())
RNG = np.random.default_rng(0)
WEIGHTS = {
    "weight/a": RNG.normal(size=(3, 4)).astype(np.float32),
    "weight/b": np.arange(5, dtype=np.int64),
    "mask": np.array([True, False]),
}
FRAME = pd.DataFrame(
    {
        "quantity": ["a", "b", "b"] * 300,
        "level": [1.0, None, 3.0] * 300,
        "v": range(900),
    }
)


class Kind(NamedTuple):
    """A kind of artifact: how one is written, and how it is read for its whole content."""

    name: str
    write: Callable[[Path], None]
    read: Callable[[Path], object]


def stamp(kind: str) -> dict[str, Any]:
    return make_stamp(kind, replace(BARE, plain=SPEC), {"checkpoint": "f" * 64}) | {"step": 1024}


def stream(path: Path, kind: str) -> None:
    with streams.writing(path, stamp(kind)) as tensors:
        tensors.add("training", [np.arange(60, dtype=np.uint16)], (-1, 6))
        tensors.add("map1", [RNG.normal(size=24).astype(np.float16)], (-1, 2, 3))
        tensors.add("mask", [np.array([True, False])], (-1,))


def whole(artifact: Any) -> object:
    return artifact.stamp, {name: (x.dtype, x.tobytes()) for name, x in artifact.tensors.items()}


def tensors_of(kind: str) -> Kind:
    read = {"checkpoint": read_tensors, "samples": streams.map_tensors}.get(kind, read_tensors)
    return Kind(
        kind, lambda p: write_tensors(p, WEIGHTS, stamp(kind)), lambda p: whole(read(p, kind))
    )


def stream_of(kind: str) -> Kind:
    return Kind(kind, lambda p: stream(p, kind), lambda p: whole(streams.map_tensors(p, kind)))


def table_of(kind: str, quantities: list[str] | None) -> Kind:
    def read(path: Path) -> object:
        rows, found = tables.read_arrow(path, kind, quantities)
        return rows.to_pydict(), found, tables.read_table_stamp(path)

    return Kind(kind, lambda p: tables.write_table(p, FRAME, stamp(kind)), read)


def write_tokenizer(path: Path) -> None:
    coder = build_tokenizer(Characters(kind="characters", alphabet="abc "), lambda: iter(()), [])
    save_tokenizer(coder, path, stamp("tokenizer"))


def write_model(path: Path) -> None:
    """A prepared model, of which `path` is a file beside its record."""
    with ROLE.preparing(path.parent / "model") as (directory, facts):
        (directory / path.name).write_bytes(b'{"layers": 2}')
        facts.update(id="x", revision=None, layers=2)
    (path.parent / "model" / path.name).replace(path)


def read_model(path: Path) -> object:
    """With the file in its place, whose directory is then named."""
    (path.parent / "model" / path.name).write_bytes(path.read_bytes())
    with ROLE.refusing(path, "delete it, or choose another"):
        return ROLE.read_record(path.parent / "model")


def write_record(path: Path) -> None:
    write_model(path.with_name("config.json"))
    path.with_name("config.json").replace(path.parent / "model/config.json")
    (path.parent / "model" / ROLE.record).replace(path)


def read_record(path: Path) -> object:
    (path.parent / "model" / ROLE.record).write_bytes(path.read_bytes())
    with ROLE.refusing(path, "delete it, or choose another"):
        return ROLE.read_record(path.parent / "model")


def write_tgz(path: Path) -> None:
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo("package/a.txt")
        member.size = 5
        archive.addfile(member, io.BytesIO(b"words"))


def write_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("package/a.txt", "words" * 20)
        archive.writestr("package/b.txt", "others")


def members(path: Path) -> object:
    return dict(read_members(path, "*"))


KINDS = [
    *map(tensors_of, ("grammar", "checkpoint", "training state", "samples")),
    *map(stream_of, ("dataset", "corpus", "images", "features")),
    table_of("losses", None),
    table_of("measurements", ["b"]),
    Kind("tokenizer", write_tokenizer, lambda p: load_tokenizer(p).to_str()),
    Kind("file of a model", write_model, read_model),
    Kind("record of a model", write_record, read_record),
]


def flip(content: bytearray, draw: random.Random) -> None:
    content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)


def flip_at_an_end(content: bytearray, draw: random.Random) -> None:
    place = draw.randrange(min(300, len(content)))
    content[draw.choice((place, -1 - place))] ^= 1 << draw.randrange(8)


def truncate(content: bytearray, draw: random.Random) -> None:
    del content[draw.randrange(len(content)) :]


def cut_out(content: bytearray, draw: random.Random) -> None:
    start = draw.randrange(len(content))
    del content[start : start + draw.randrange(1, 100)]


def append(content: bytearray, draw: random.Random) -> None:
    content += draw.randbytes(draw.randrange(1, 100))


def overwrite(content: bytearray, draw: random.Random) -> None:
    start = draw.randrange(len(content))
    filling = draw.choice((b"\0", b"\xff", b'[{"', draw.randbytes(1)))
    content[start : start + 8] = (filling * 8)[: len(content[start : start + 8])]


def garble(content: bytearray, draw: random.Random) -> None:
    content[:] = draw.randbytes(len(content))


def edit_a_number(content: bytearray, draw: random.Random) -> None:
    """In a text, such as a stamp: the file stays one that every library can read."""
    places = [found.start() for found in re.finditer(rb"(?<=[ ,:\[])\d", bytes(content))]
    if places:
        place = draw.choice(places)
        content[place] = ord("0") + (content[place] - ord("0") + draw.randrange(1, 10)) % 10


def drop_the_seal(content: bytearray, _: random.Random) -> None:
    """As it was in an older version, of the same length."""
    content[:] = content.replace(b"seal", b"sael")


MUTATIONS = [flip, flip_at_an_end, truncate, cut_out, append, overwrite, garble, edit_a_number]
MUTATIONS += [drop_the_seal]


@pytest.fixture(autouse=True)
def watchdog():
    faulthandler.dump_traceback_later(HANGS, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


def refused(read, path):
    """The one line that names the file, or nothing if it is read."""
    try:
        read(path)
    except PipelineError as error:
        assert "\n" not in f"{error}"
        assert f"{path}" in f"{error}"
        return f"{error}"
    return None


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_no_spoilt_artifact_is_read(tmp_path, kind):
    path, draw = tmp_path / "artifact", random.Random(kind.name)
    kind.write(path)
    good = path.read_bytes()
    known, done = kind.read(path), 0
    for number in range(MUTANTS):
        content = bytearray(good)
        MUTATIONS[number % len(MUTATIONS)](content, draw)
        if content != good:
            path.write_bytes(content)
            assert refused(kind.read, path), f"mutant {number} is read"
            done += 1
    assert done > MUTANTS / 2
    path.unlink()
    if kind.name != "file of a model":
        with pytest.raises((PipelineError, FileNotFoundError)):
            kind.read(path)
    path.write_bytes(good)
    assert kind.read(path) == known


@pytest.mark.parametrize("kind", KINDS[:-2], ids=lambda kind: kind.name)
def test_a_whole_artifact_in_the_place_of_another_is_refused(tmp_path, kind):
    here, there = (tmp_path / f"results/run/{name}/artifact" for name in ("P8", "P16"))
    here.parent.mkdir(parents=True)
    kind.write(here)
    kind.read(here)
    there.parent.mkdir()
    here.rename(there)
    assert "was made as P8/artifact and put in another place" in refused(kind.read, there)


STAMPED = {".safetensors": "grammar", ".parquet": "losses"}


@pytest.mark.parametrize("suffix", [*STAMPED, ".png"])
def test_stamps_of_spoilt_artifacts_are_told_to_be_stale(tmp_path, suffix):
    path, draw = tmp_path / f"artifact{suffix}", random.Random(suffix)
    if suffix == ".png":
        text = PngImagePlugin.PngInfo()
        stamped = {"kind": "figure", "spec": SPEC}
        text.add_text(STAMP, seals.seal(seals.with_blank_seal(stamped).encode()).decode())
        Image.new("L", (2, 2)).save(path, pnginfo=text)
    else:
        next(kind for kind in KINDS if kind.name == STAMPED[suffix]).write(path)
    good, spec = path.read_bytes(), json.dumps(SPEC)
    assert not stamps.is_stale(path, spec)
    assert stamps.is_stale(path, json.dumps(SPEC | {"code": "other"}))
    for number in range(2 * MUTANTS):
        content = bytearray(good)
        MUTATIONS[number % len(MUTATIONS)](content, draw)
        path.write_bytes(content)
        if not stamps.is_stale(path, spec):
            assert stamps.stamped_spec(path) == SPEC
        assert isinstance(stamps.stamped_spec(path), dict | None)


@pytest.mark.parametrize("write", [write_tgz, write_zip], ids=["tgz", "whl"])
def test_archives_are_as_pinned_and_others_are_told_in_one_line(tmp_path, write):
    path, draw = tmp_path / "archive", random.Random(write.__name__)
    write(path)
    good, pinned = path.read_bytes(), file_hash(path)
    for number in range(MUTANTS):
        content = bytearray(good)
        MUTATIONS[number % len(MUTATIONS)](content, draw)
        path.write_bytes(content)
        if content != good:
            assert refused(lambda path: check_pin(path, pinned), path)
        refused(members, path)  # were one pinned like this


class Forgery(NamedTuple):
    """Content with a right seal that no writer of ours makes, and what is said of it."""

    stamp: object
    reason: str


DEEP = '{"a":' * 30_000  # Python 3.13 reads 10,000
FORGERIES = {
    "list": Forgery("[1]", "is a list"),
    "number": Forgery("5", "is a int"),
    "none": Forgery("{}", "but foreign"),
    "deep": Forgery(DEEP, "nested too deeply"),
    "no JSON": Forgery("{", "cannot be read"),
}


def forged_tensors(path: Path, text: str) -> None:
    """`text` and a seal beside it, which is checked wherever it stands."""
    save_file({"a": np.zeros(2)}, path, metadata={STAMP: text, "by": seals.with_blank_seal({})})
    content = path.read_bytes()
    size = 8 + struct.unpack("<Q", content[:8])[0]
    path.write_bytes(seals.seal(content[:size]) + content[size:])


def forged_table(path: Path, text: str) -> None:
    with pq.ParquetWriter(path, pa.schema([("v", pa.int64())])) as writer:
        writer.write_table(pa.table({"v": [1]}))
        writer.add_key_value_metadata({STAMP: text, "by": seals.with_blank_seal({})})
    content = path.read_bytes()
    size = 8 + struct.unpack("<I", content[-8:-4])[0]
    path.write_bytes(content[:-size] + seals.seal(content[-size:]))


@pytest.mark.parametrize("name", FORGERIES)
@pytest.mark.parametrize("suffix", STAMPED)
def test_stamps_that_are_none_are_told_in_one_line(tmp_path, name, suffix):
    path, (text, reason) = tmp_path / f"x{suffix}", FORGERIES[name]
    if suffix == ".safetensors":
        forged_tensors(path, text)
        for read in (read_tensors, streams.map_tensors):
            assert reason in refused(lambda path, read=read: read(path, "grammar"), path)
    else:
        forged_table(path, text)
        assert reason in refused(lambda path: tables.read_arrow(path, "losses"), path)
    assert stamps.is_stale(path, json.dumps(SPEC))
    stamps.stamped_spec(path)


@pytest.mark.parametrize("code", ["BF16", "F8_E4M3", "C64"])
def test_numbers_of_a_type_that_is_unknown_are_told_in_one_line(tmp_path, code):
    path, size = tmp_path / "x", {"BF16": 4, "F8_E4M3": 2, "C64": 16}[code]
    entry = {"dtype": code, "shape": [2], "data_offsets": [0, size]}
    metadata = {STAMP: seals.with_blank_seal(stamp("grammar") | {"sha256": "0" * 64})}
    text = json.dumps({"__metadata__": metadata, "a": entry}).encode()
    path.write_bytes(seals.seal(len(text).to_bytes(8, "little") + text) + bytes(size))
    for read in (read_tensors, streams.map_tensors):
        assert refused(lambda path, read=read: read(path, "grammar"), path)


@pytest.mark.parametrize("suffix", STAMPED)
def test_a_stamp_that_a_library_rewrote_is_refused(tmp_path, suffix):
    path = tmp_path / f"x{suffix}"
    if suffix == ".safetensors":
        write_tensors(path, WEIGHTS, stamp("samples"))
        edited = json.dumps({**read_tensors(path, "samples").stamp, "step": 5})
        save_file(load_file(path), path, metadata={STAMP: edited})
        assert "has no seal" in refused(lambda path: read_tensors(path, "samples"), path)
    else:
        tables.write_table(path, FRAME, stamp("losses"))
        table = pq.read_table(path)
        edited = json.dumps({**tables.read_table_stamp(path), "step": 5})
        pq.write_table(table.replace_schema_metadata({STAMP: edited}), path)
        assert "has no seal" in refused(lambda path: tables.read_arrow(path, "losses"), path)
    assert stamps.stamped_spec(path) == SPEC, "for messages, older versions count"


def test_a_working_copy_that_was_altered_where_it_is_published_is_made_anew(tmp_path):
    path, published = tmp_path / "work", tmp_path / "published"
    expected = {"spec": SPEC, "step": 1024}
    for spoil in (
        lambda: edit(published, b"1024", b"1025"),
        lambda: write_over(published, stamp("samples") | {"step": 2048}),
        lambda: write_over(published, stamp("samples") | {"spec": {**SPEC, "code": "other"}}),
        lambda: write_over(published, stamp("checkpoint")),
    ):
        write_tensors(path, WEIGHTS, stamp("samples"))
        assert streams.is_whole(path, "samples", expected)
        os.link(path, published)
        spoil()
        assert path.samefile(published)
        assert not streams.is_whole(path, "samples", expected)
        assert not path.exists()
        published.unlink()


def edit(path: Path, old: bytes, new: bytes) -> None:
    content = path.read_bytes()
    assert old in content
    with path.open("r+b") as file:
        file.write(content.replace(old, new))


def write_over(path: Path, other: dict[str, Any]) -> None:
    """Another whole artifact, written into the very same file as `cp` does it."""
    beside = path.with_name("beside")
    write_tensors(beside, WEIGHTS, other)
    with path.open("r+b") as file:
        file.truncate()
        file.write(beside.read_bytes())


def test_foreign_files_among_snakemakes_records_are_passed_over(tmp_path):
    draw = random.Random(0)
    (tmp_path / "cmVzdWx0cy9h").write_text("{}")
    for _ in range(MUTANTS):
        name = "".join(draw.choices("abcXYZ019-_=@~ é", k=draw.randrange(1, 20)))
        (tmp_path / name).write_bytes(b"")
    assert "results/a" in stamps.recorded_paths(tmp_path)
