"""Documents of every kind of source: order, text, flat memory, and refusals."""

import gzip
import io
import random
import tarfile
import tracemalloc
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.base.errors import PipelineError
from pipeline.sources.archives import file_hash, read_members
from pipeline.text.corpus.documents import read_documents
from pipeline.text.corpus.tagged import untag
from pipeline.text.settings import DocumentSource
from tests.unit.settings_case import section_of

TEXTS = {"p/b.txt": "zweiter Text: ä", "p/a.txt": "first", "p/c.txt": " \n", "p/d.md": "other"}
DIRECTORY = {"kind": "directory", "path": "texts", "files": "**/*.txt"}
HUB = {"kind": "hub", "dataset": "owner/name", "files": "data/*.parquet", "column": "text"}
HUB |= {"revision": "0" * 40}


def documents(source, inputs):
    return read_documents(section_of(DocumentSource, source), inputs)


def write_tgz(path, texts):
    with tarfile.open(path, "w:gz") as archive:
        for name, text in texts.items():
            content = text if isinstance(text, bytes) else text.encode()
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def write_wheel(path, texts):
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in texts.items():
            archive.writestr(name, text)
    return path


def write_parquet(path, texts, column="text", **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"id": range(len(texts)), column: texts}), path, **options)


def packages(*formats, files="p/*.txt"):
    entry = {"registry": "npm", "name": "words", "version": "1", "sha256": "0" * 64, "files": files}
    return {"kind": "packages", "packages": [{**entry, "format": format} for format in formats]}


def refusal_of(source, *inputs):
    with pytest.raises(PipelineError) as refused:
        list(documents(source, inputs))
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize("write", [write_tgz, write_wheel])
def test_an_archive_is_read_in_the_order_of_names(tmp_path, write):
    path = write(tmp_path / "words", TEXTS)
    assert list(documents(packages("plain"), [path])) == ["first", "zweiter Text: ä"]
    more = write(tmp_path / "more", {"p/a.txt": "more"})
    both = documents(packages("plain", "plain", files="*"), [path, more])
    assert list(both) == ["first", "zweiter Text: ä", "other", "more"]


def test_directories_and_links_of_an_archive_are_no_documents(tmp_path):
    with tarfile.open(tmp_path / "words.tgz", "w:gz") as archive:
        for name, kind in [("p/a.txt", tarfile.DIRTYPE), ("p/b.txt", tarfile.SYMTYPE)]:
            member = tarfile.TarInfo(name)
            member.type = kind
            archive.addfile(member)
    assert "holds no file that matches" in refusal_of(packages("plain"), tmp_path / "words.tgz")


def test_tagged_words_lose_their_tags(tmp_path):
    path = write_tgz(tmp_path / "words.tgz", {"p/a.txt": "\n\n\tHe/pps ran/vbd ./.\n"})
    assert list(documents(packages("tagged"), [path])) == ["He ran."]


@pytest.mark.parametrize(
    ("tagged", "text"),
    [
        ("either/or/cc 1/2/cd untagged", "either/or 1/2 untagged"),
        ("He/x said/x ,/, ``/`` go/x ''/'' ./.", 'He said, "go."'),
        ("``/`` Why/x (/( now/x )/) ''/'' ?/. ?/.", '"Why (now)?"'),
        ("(/( ``/`` a/x ''/'' )/) ;/. ;/. b/x", '("a"); b'),
        ("Smith/np Jr./np ./.", "Smith Jr."),
        ("a/x --/-- .22/cd gun/x '/' x/x", "a -- .22 gun ' x"),
        (
            "Big/jj-hl news/nn-hl \nHe/x ran/x !/. !/.\nShe/x sat/x ./.",
            "Big news\nHe ran! She sat.",
        ),
        ("\n\n\tOne/cd ./.\n \n\n\tTwo/cd ./.\n", "One.\nTwo."),
    ],
)
def test_untagged_text_is_spaced_as_in_print(tagged, text):
    assert untag(tagged) == text


def test_files_of_a_directory_are_read_in_sorted_order(tmp_path):
    for name in ("b/2.txt", "b/10.txt", "a.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"text of {name}")
    inputs = list(tmp_path.rglob("*.txt"))
    expected = ["text of a.txt", "text of b/10.txt", "text of b/2.txt"]
    assert list(documents(DIRECTORY, inputs)) == expected
    assert list(documents(DIRECTORY, inputs[::-1])) == expected


@pytest.mark.parametrize("row_group_size", [1, 300, 10_000])
def test_rows_of_parquet_files_are_read_in_order(tmp_path, row_group_size):
    texts = [f"row {i}" if i % 7 else (None, "", " \n")[i % 3] for i in range(1000)]
    write_parquet(tmp_path / "data" / "1.parquet", texts, row_group_size=row_group_size)
    write_parquet(tmp_path / "data" / "0.parquet", ["first"])
    write_parquet(tmp_path / "else" / "0.parquet", ["of another pattern"])
    expected = ["first"] + [f"row {i}" for i in range(1000) if i % 7]
    assert list(documents(HUB, [tmp_path])) == expected


@pytest.mark.parametrize("kind", ["directory", "tgz", "wheel"])
def test_one_document_at_a_time_is_in_memory(tmp_path, kind):
    texts = {f"p/{i:02}.txt": "word " * 200_000 for i in range(24)}
    if kind == "directory":
        source, inputs = DIRECTORY, [tmp_path / name[2:] for name in texts]
        for path, text in zip(inputs, texts.values(), strict=True):
            path.write_text(text)
    else:
        write = write_tgz if kind == "tgz" else write_wheel
        source, inputs = packages("plain"), [write(tmp_path / "words", texts)]
    tracemalloc.start()
    size = sum(len(text) for text in documents(source, inputs))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size == 24_000_000
    assert peak < 6_000_000


def test_a_few_rows_of_a_parquet_file_are_in_memory(tmp_path):
    texts = [random.Random(row).randbytes(250).hex() for row in range(20_000)]
    write_parquet(tmp_path / "data" / "0.parquet", texts, row_group_size=len(texts))
    before = pa.total_allocated_bytes()
    peak = max(pa.total_allocated_bytes() for _ in documents(HUB, [tmp_path]))
    assert peak - before < 6_000_000


def test_bytes_that_are_no_utf8_are_named_with_their_place(tmp_path):
    (tmp_path / "bad.txt").write_bytes(b"caf\xe9")
    message = refusal_of(DIRECTORY, tmp_path / "bad.txt")
    assert f"{tmp_path / 'bad.txt'}: byte 3 is not UTF-8 (0xe9)" in message
    path = write_tgz(tmp_path / "words.tgz", {"p/a.txt": b"\xff"})
    assert f"{path}, p/a.txt: byte 0 " in refusal_of(packages("plain"), path)
    write_parquet(tmp_path / "data" / "0.parquet", pa.array([b"a", b"b\xff"]).view(pa.string()))
    message = refusal_of(HUB, tmp_path)
    assert f"{tmp_path / 'data' / '0.parquet'}, a value of 'text': byte 1 " in message


def test_a_source_without_documents_is_named(tmp_path):
    (tmp_path / "blank.txt").write_text(" \n\t")
    path = write_tgz(tmp_path / "words.tgz", {"p/a.txt": "\n"})
    assert "texts/**/*.txt has no document" in refusal_of(DIRECTORY, tmp_path / "blank.txt")
    assert "texts/**/*.txt has no document" in refusal_of(DIRECTORY)
    assert "words@1/p/*.txt has no document" in refusal_of(packages("plain"), path)
    assert "owner/name/data/*.parquet has no document" in refusal_of(HUB, tmp_path)


def test_a_pattern_that_matches_nothing_in_one_package_is_refused(tmp_path):
    path = write_tgz(tmp_path / "words.tgz", TEXTS)
    message = refusal_of(packages("plain", files="q/*.txt"), path)
    assert f"{path} holds no file that matches q/*.txt" in message


@pytest.mark.parametrize("damage", ["empty", "text", "no tar", "truncated", "missing"])
def test_a_damaged_archive_is_refused(tmp_path, damage):
    path = write_tgz(tmp_path / "words.tgz", {"p/a.txt": "words " * 1000})
    content = {"text": b"text", "no tar": gzip.compress(b"t"), "truncated": path.read_bytes()[:-9]}
    path.write_bytes(content.get(damage, b""))
    if damage == "missing":
        path.unlink()
    assert f"{path} cannot be read as an archive" in refusal_of(packages("plain"), path)


def test_parquet_files_without_the_column_of_texts_are_refused(tmp_path):
    write_parquet(tmp_path / "data" / "0.parquet", ["a"], column="content")
    message = refusal_of(HUB, tmp_path)
    assert "no column 'text' of texts" in message
    assert "domains.text.data.source.column to one of ['content']" in message
    assert "no column 'id' of texts" in refusal_of({**HUB, "column": "id"}, tmp_path)


def test_a_file_that_is_no_parquet_is_refused(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "0.parquet").write_text("text")
    assert "0.parquet cannot be read as Parquet" in refusal_of(HUB, tmp_path)


def test_members_come_with_their_bytes_and_the_hash_is_that_of_the_file(tmp_path):
    path = write_tgz(tmp_path / "words.tgz", TEXTS)
    assert dict(read_members(path, "*/d.*")) == {"p/d.md": b"other"}
    (tmp_path / "empty").touch()
    known = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert file_hash(tmp_path / "empty") == known


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("\ufeffmarked", "marked"),
        ("one\ufeff\ufefftwo", "onetwo"),
        ("a\r\nb\rc\nd\r\n", "a\nb\nc\nd\n"),
        ("\ufeff\r\n", None),
        ("\ufeff", None),
    ],
)
def test_byte_order_marks_and_carriage_returns_are_no_part_of_a_text(tmp_path, content, text):
    (tmp_path / "0.txt").write_text("first", newline="")
    (tmp_path / "1.txt").write_bytes(content.encode())
    expected = ["first"] if text is None else ["first", text]
    files = [tmp_path / "0.txt", tmp_path / "1.txt"]
    assert list(documents(DIRECTORY, files)) == expected
    path = write_tgz(tmp_path / "words.tgz", {"p/0.txt": "first", "p/1.txt": content})
    assert list(documents(packages("plain"), [path])) == expected
    write_parquet(tmp_path / "data" / "0.parquet", ["first", content])
    assert list(documents(HUB, [tmp_path])) == expected


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_text_of_another_encoding_is_refused_although_it_is_valid(tmp_path, encoding):
    content = "amber wizards".encode(encoding)
    assert content.decode()
    (tmp_path / "0.txt").write_bytes(content)
    message = refusal_of(DIRECTORY, tmp_path / "0.txt")
    assert f"{tmp_path / '0.txt'}: byte {content.index(0)} is NUL, as in UTF-16" in message
    path = write_tgz(tmp_path / "words.tgz", {"p/a.txt": content})
    assert "p/a.txt: byte" in refusal_of(packages("plain"), path)
    write_parquet(tmp_path / "data" / "0.parquet", [content.decode()])
    assert "a value of 'text' is full of NUL characters" in refusal_of(HUB, tmp_path)


def test_a_row_may_have_a_few_nuls(tmp_path):
    row = "words " * 10 + "\0"
    write_parquet(tmp_path / "data" / "0.parquet", [row])
    assert list(documents(HUB, [tmp_path])) == [row]


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"
ANNEX = b"/annex/objects/SHA256E-s12345--" + b"0" * 64 + b".txt\n"


@pytest.mark.parametrize(
    ("content", "remedy"),
    [
        (LFS, "of Git LFS, not the file itself; run `git lfs pull`"),
        (ANNEX, "run `git annex get .`"),
    ],
)
def test_placeholders_are_no_documents(tmp_path, content, remedy):
    (tmp_path / "0.txt").write_bytes(content)
    message = refusal_of(DIRECTORY, tmp_path / "0.txt")
    assert f"{tmp_path / '0.txt'} is a placeholder" in message and remedy in message
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "0.parquet").write_bytes(content)
    assert remedy in refusal_of(HUB, tmp_path)


def test_a_text_about_placeholders_is_a_document(tmp_path):
    (tmp_path / "0.txt").write_bytes(LFS + b"is how a pointer looks. " * 100)
    assert len(list(documents(DIRECTORY, [tmp_path / "0.txt"]))) == 1


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "zz.txt").symlink_to("/proc/self/mem")
    message = refusal_of(DIRECTORY, tmp_path / "zz.txt")
    assert f"{tmp_path / 'zz.txt'} cannot be read (Input/output error); mend it" in message


@pytest.mark.parametrize(
    "kind",
    [pa.string_view(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())],
    ids=["view", "large", "dictionary"],
)
def test_texts_of_all_types_are_read(tmp_path, kind):
    texts = ["one", None, "two", "one"]
    write_parquet(tmp_path / "data" / "1.parquet", pa.array(texts).cast(kind))
    write_parquet(tmp_path / "data" / "0.parquet", pa.nulls(3))
    assert list(documents(HUB, [tmp_path])) == ["one", "two", "one"]


def test_the_type_of_a_column_that_holds_no_texts_is_named(tmp_path):
    write_parquet(tmp_path / "data" / "0.parquet", pa.array([["a"], ["b"]]))
    message = refusal_of(HUB, tmp_path)
    assert "no column 'text' of texts but one of type list<" in message


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("日本語の".encode("iso2022_jp"), "byte 0 is an escape, as in ISO-2022; convert"),
        (gzip.compress(b"some text", mtime=0), "is packed with gzip; unpack it"),
        (b"\xef\xbb\xbfversion https://git-lfs.github.com/spec/v1\noid", "git lfs pull"),
        (b"../../.git/annex/objects/Xx/9q/SHA256E-s3--0.txt", "git annex get"),
    ],
)
def test_what_passes_for_text_and_is_none_is_refused(tmp_path, content, reason):
    path = tmp_path / "0.txt"
    path.write_bytes(content)
    source = {"kind": "directory", "path": str(tmp_path), "files": "*.txt"}
    with pytest.raises(PipelineError, match=reason) as refused:
        list(documents(source, [path]))
    assert str(path) in str(refused.value)
