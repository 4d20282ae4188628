"""What the site is made of: pages at their paths in the repository, and the files they link to.

So a link leads on the site where it leads on a forge, and no page is written for one of them.
Notebooks become pages, with the outputs that are kept in them.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

_ROOT = Path(__file__).parents[1]
_LINK = re.compile(r"\]\(([^)\s#]+)")
_NOTEBOOK = ".ipynb"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Put pages and what they link to in the place of the files of `docs_dir`."""
    for file in [file for file in files if file.src_dir == config.docs_dir]:
        files.remove(file)
    pages = {*_ROOT.glob("*.md"), *_ROOT.glob("docs/*.md")}
    for path in sorted({*pages, *_linked(pages)}):
        files.append(_file(path, config))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Links to notebooks lead to their pages."""
    return markdown.replace(f"{_NOTEBOOK})", ".md)")


def _linked(pages: set[Path]) -> set[Path]:
    """Files of the repository that pages link to."""
    found = {
        (page.parent / target).resolve()
        for page in pages
        for target in _LINK.findall(page.read_text())
    }
    return {path for path in found if path.is_file() and path.is_relative_to(_ROOT)}


def _file(path: Path, config: MkDocsConfig) -> File:
    source = path.relative_to(_ROOT)
    if path.suffix == _NOTEBOOK:
        content = "\n\n".join(_parts(nbformat.read(path, as_version=4)))
        return File.generated(config, source.with_suffix(".md").as_posix(), content=content)
    return File.generated(config, source.as_posix(), abs_src_path=str(path))


def _parts(notebook: nbformat.NotebookNode) -> Iterator[str]:
    """Text, code, and what the code has printed and drawn, as Markdown."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            yield cell.source
            continue
        yield f"```python\n{cell.source}\n```"
        for output in cell.outputs:
            if output.output_type == "stream":
                yield f"```text\n{output.text}```"
            elif "image/png" in output.data:
                picture = output.data["image/png"].replace("\n", "")
                yield f"![drawn by the code above](data:image/png;base64,{picture})"
