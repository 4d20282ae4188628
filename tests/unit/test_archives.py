"""Archives from outside: what they claim or turn out to hold is bounded, and told in one line."""

import gzip
import io
import struct
import tarfile
import zipfile

import pytest

from pipeline.base.errors import PipelineError
from pipeline.sources import archives
from pipeline.sources.archives import read_members


def zipped(path, **files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def tarred(path, *members):
    with tarfile.open(path, "w:gz") as archive:
        for member, content in members:
            archive.addfile(member, io.BytesIO(content))
    return path


def member(name, size):
    found = tarfile.TarInfo(name)
    found.size = size
    return found


def refusal(path):
    with pytest.raises(PipelineError) as refused:
        list(read_members(path, "*"))
    assert "\n" not in f"{refused.value}"
    assert f"{refused.value}".startswith(f"{path} cannot be read as an archive (")
    assert f"{refused.value}".endswith("); delete it, to be fetched anew")
    return f"{refused.value}"


def test_no_more_is_unpacked_than_is_sensible(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "_MOST_BYTES", 1 << 20)
    bombs = [
        zipped(tmp_path / "a.whl", x=bytes(2 << 20)),
        zipped(tmp_path / "b.whl", x=bytes(700_000), y=bytes(700_000)),
        tarred(tmp_path / "c.tgz", (member("x", 2 << 20), bytes(2 << 20))),
    ]
    (tmp_path / "d.tgz").write_bytes(gzip.compress(bytes(2 << 20)))
    for path in [*bombs, tmp_path / "d.tgz"]:
        assert path.stat().st_size < 10_000
        assert "it holds more than 0 GiB" in refusal(path)


def test_a_sparse_file_does_not_become_large(tmp_path, monkeypatch):
    """GNU tar keeps holes by their sizes alone."""
    monkeypatch.setattr(archives, "_MOST_BYTES", 1 << 20)
    sparse = member("x", 0)
    sparse.type = tarfile.GNUTYPE_SPARSE
    header = bytearray(sparse.tobuf(tarfile.GNU_FORMAT))
    header[386:398] = header[398:410] = b"%011o\0" % 0
    header[483:495] = b"%011o\0" % (4 << 20)  # the real size
    header[148:156] = b"%06o\0 " % (sum(header[:148]) + 8 * 32 + sum(header[156:]))
    (tmp_path / "x.tgz").write_bytes(gzip.compress(bytes(header) + bytes(1024)))
    assert "it holds more than" in refusal(tmp_path / "x.tgz")


def test_many_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "_MOST_MEMBERS", 3)
    files = {f"{number}": b"" for number in range(4)}
    members = [(member(name, 0), b"") for name in files]
    for path in (zipped(tmp_path / "a.whl", **files), tarred(tmp_path / "b.tgz", *members)):
        assert "it holds more than 3 files" in refusal(path)


@pytest.mark.parametrize("method", [1, 9, 12, 14, 93, 98, 99])
def test_zip_methods_that_are_unknown_or_lie_are_told(tmp_path, method):
    path = zipped(tmp_path / "a.whl", x="words" * 20)
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        struct.pack_into("<H", content, content.index(mark) + offset, method)
    path.write_bytes(content)
    refusal(path)


def test_an_encrypted_zip_is_told(tmp_path):
    path = zipped(tmp_path / "a.whl", x="words")
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + offset] |= 1
    path.write_bytes(content)
    assert "password" in refusal(path) or "encrypted" in refusal(path)
