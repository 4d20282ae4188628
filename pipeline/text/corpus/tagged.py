"""Text of files of word/tag pairs, as in the Brown corpus (Francis & Kucera 1964)."""

import re

_RULES = (
    (re.compile(r"([,.;:?!]) \1(?!\S)"), r"\1"),  # Brown writes ? ? for ?, and Jr. . for Jr.
    (re.compile(r" ''(?!\S)"), '"'),
    (re.compile(r"(?<!\S)``( |$)"), '"'),
    (re.compile(r" ([,.;:?!)\]])(?![^\s\"])"), r"\1"),
    (re.compile(r"(?<![^\s\"])([(\[]) "), r"\1"),
    (re.compile(r'"([,.?!])'), r'\1"'),  # Brown's printers put these inside, its tags outside
)


def untag(text: str) -> str:
    """Readable text of word/tag pairs: a line per paragraph and heading, usual spacing and quotes.

    Paragraphs stand between blank lines, one sentence a line. Tags of headings end in -hl. A lone
    ' keeps its blanks, since nothing says whether it opens or closes.
    """
    paragraphs = (_paragraph(part) for part in re.split(r"\n\s*\n", text))
    return "\n".join(filter(None, paragraphs))


def _paragraph(pairs: str) -> str:
    lines = (_words(line) + ("\n" if _is_heading(line) else " ") for line in pairs.splitlines())
    text = "".join(lines).strip()
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def _words(line: str) -> str:
    return " ".join(pair.rsplit("/", 1)[0] for pair in line.split())


def _is_heading(line: str) -> bool:
    return line.rstrip().endswith("-hl")
