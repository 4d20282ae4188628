"""The site is built without a warning, and shows of every page what a forge shows of it."""

import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from markdown_it import MarkdownIt

pytest.importorskip("mkdocs", reason="the site needs mkdocs: pip install -r requirements.lock")

ROOT = Path(__file__).parents[2]
PAGES = [str(path.relative_to(ROOT)) for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"))]
FORGE = MarkdownIt("commonmark").enable("table")
COUNTED = {"h1", "h2", "h3", "p", "li", "table", "tr", "pre", "img"}


class Elements(HTMLParser):
    """How many elements of each kind a page has; a diagram counts as the code that it is."""

    def __init__(self, page):
        super().__init__()
        self.counts = Counter()
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        name = "pre" if ("class", "mermaid") in attrs else tag
        self.counts.update({name} & COUNTED)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    home = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", home]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr  # a warning is an error in mkdocs.yml
    return home


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_on_the_site_what_it_has_on_a_forge(page, site):
    place = "" if page == "README.md" else page.removesuffix(".md")
    built = (site / place / "index.html").read_text()
    shown = built[built.index('role="main">') : built.index("<footer")]
    assert Elements(shown).counts == Elements(FORGE.render((ROOT / page).read_text())).counts


def test_files_that_pages_link_to_are_on_the_site(site):
    for name in ("CITATION.cff", "results/study_time/figures/rhm_accuracy_vs_dataset_size.png"):
        assert (site / name).read_bytes() == (ROOT / name).read_bytes()


@pytest.mark.parametrize("name", ["rhm", "text", "image"])
def test_a_notebook_is_a_page_with_its_pictures(name, site):
    cells = nbformat.read(ROOT / f"notebooks/{name}.ipynb", as_version=4).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    pictures = [out.data["image/png"] for cell in code for out in cell.outputs if "data" in out]
    page = (site / f"notebooks/{name}/index.html").read_text()
    assert page.count('class="highlight"') >= len(code)
    assert pictures != []
    assert all(picture.replace("\n", "") in page for picture in pictures)
