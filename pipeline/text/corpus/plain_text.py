"""Text of a document: which bytes are text, and which characters of it are none.

A byte order mark (U+FEFF) is dropped wherever it stands, as in files that were joined. Lines end in
a line feed, whether they came with one, with a carriage return, or with both. No text file in UTF-8
has a NUL: it is a sign of UTF-16 or UTF-32, whose bytes may happen to be valid UTF-8. Likewise an
escape is a sign of 7-bit encodings of Chinese, Japanese and Korean, which switch between alphabets
by it.
"""

from pipeline.base.errors import PipelineError
from pipeline.sources.placeholders import refuse_placeholder

_FOREIGN = {b"\0": "NUL, as in UTF-16 and UTF-32", b"\x1b": "an escape, as in ISO-2022"}
"""Bytes that no text in UTF-8 has, and which encodings have them."""
_PACKED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"PK\x03\x04": "zip"}
"""How files of these formats begin."""
_MOST_NULS = 0.1
"""Share of NULs that a row of a table may have, as some crawled texts do."""


def decode_text(content: bytes, name: str, key: str) -> str:
    """Text of a file.

    Args:
        content: of the file, in UTF-8 with or without a byte order mark.
        name: of the file, for messages.
        key: section of the config that chooses it.

    Raises:
        PipelineError: it is not in UTF-8, or a placeholder of Git LFS.
    """
    refuse_placeholder(name, content)
    _refuse_foreign(content, name, key)
    try:
        return _clean(content.decode())
    except UnicodeDecodeError as error:
        raise not_utf8(name, error, key) from error


def _refuse_foreign(content: bytes, name: str, key: str) -> None:
    """Raise PipelineError for a file that is packed, or in an encoding that passes for UTF-8."""
    for mark, packer in _PACKED.items():
        if content.startswith(mark):
            raise PipelineError(
                f"{name} is packed with {packer}; unpack it, or leave it out of {key}"
            )
    for byte, what in _FOREIGN.items():
        if (place := content.find(byte)) >= 0:
            raise PipelineError(
                f"{name}: byte {place} is {what}; convert the text to UTF-8, or leave it out "
                f"of {key}"
            )


def clean_row(text: str, name: str, key: str) -> str:
    """Text of a row of a table, which nobody can mend: a few NULs remain as they are."""
    if text.count("\0") > _MOST_NULS * len(text):
        raise PipelineError(
            f"{name} is full of NUL characters, as text in UTF-16 or UTF-32 would be; choose "
            f"another column or dataset in {key}"
        )
    return _clean(text)


def not_utf8(name: str, error: UnicodeDecodeError, key: str) -> PipelineError:
    """Error that names the place of a byte that is not UTF-8."""
    return PipelineError(
        f"{name}: byte {error.start} is not UTF-8 (0x{error.object[error.start]:02x}); "
        f"convert the text to UTF-8, or leave it out of {key}"
    )


def _clean(text: str) -> str:
    return text.replace("\ufeff", "").replace("\r\n", "\n").replace("\r", "\n")
