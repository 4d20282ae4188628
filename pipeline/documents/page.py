"""Command `page`: what a run found, claims first, on one page that needs no other file."""

import base64
import html
from collections.abc import Iterator
from pathlib import Path

from pipeline.artifacts.files import replacing
from pipeline.artifacts.tables import read_table
from pipeline.base.errors import PipelineError
from pipeline.claims import render
from pipeline.config.recorded import recorded_config
from pipeline.stages.domains import DOMAINS
from pipeline.stages.figures import FIGURES

NAME = "index.html"
"""The page, in the directory of a run."""
_CAPTIONS = Path(__file__).parents[2] / "workflow/report"
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{run}</title>
<style>
body {{font: 15px/1.5 sans-serif; color: #222}}
body {{max-width: 76rem; margin: 0 auto; padding: 0 1.5rem 4rem}}
nav a {{margin-right: 1.2em}}
.wide {{overflow-x: auto}}
figure {{margin: 2.5rem 0}}
figure img {{max-width: 100%; border: 1px solid #ddd}}
figcaption {{max-width: 60rem}}
.origin {{color: #666; font-size: 13px}}
code {{background: #f4f4f4; padding: 0 .2em; overflow-wrap: anywhere}}
</style>
<h1>{run}</h1>
<nav>{links}</nav>
{parts}
</html>
"""


def write_page(root: Path, run: str) -> Path:
    """Write the page of a run from its claims and figures; its path.

    Args:
        root: directory that has `results`.
        run: its name.

    Raises:
        PipelineError: the run was never started, or has no claims yet.
    """
    home = root / "results" / run
    config = recorded_config(home)
    claims = home / "tables/claims.parquet"
    if not claims.is_file():
        raise PipelineError(f"{claims} is not there; let the run end first, or give it all targets")
    parts = {"claims": _claims(claims)}
    for domain in DOMAINS:
        names = [name for name in config.shown_figures if FIGURES[name].domain == domain]
        if figures := "".join(_figures(home, names)):
            parts[domain] = figures
    parts["left out"] = _missing(home, config.shown_figures, config.left_out)
    sections = (
        f'<section id="{_id(name)}"><h2>{name}</h2>{part}</section>'
        for name, part in parts.items()
        if part
    )
    links = "".join(f'<a href="#{_id(name)}">{name}</a>' for name, part in parts.items() if part)
    output = home / NAME
    with replacing(output) as temporary:
        temporary.write_text(
            _PAGE.format(run=html.escape(run), links=links, parts="\n".join(sections))
        )
    return output


def _claims(path: Path) -> str:
    table = render.html(read_table(path, "claims"), "")
    return f'<div class="wide">{table}</div><p class="origin">From tables/{path.name}.</p>'


def _figures(home: Path, names: list[str]) -> Iterator[str]:
    """Every figure that was drawn, with its caption, its tables, and how to draw it again."""
    for name in names:
        picture = home / f"figures/{name}.png"
        if picture.is_file():
            data = base64.b64encode(picture.read_bytes()).decode()
            title = html.escape(FIGURES[name].subject.replace("_", " "))
            yield (
                f'<figure id="{name}"><h3>{title}</h3>'
                f'<img alt="{title}" src="data:image/png;base64,{data}">'
                f"<figcaption>{_caption(name)}{_origin(home.name, name)}</figcaption></figure>"
            )


def _caption(name: str) -> str:
    text = (_CAPTIONS / f"{name}.rst").read_text()
    return "".join(f"<p>{html.escape(part)}</p>" for part in text.split("\n\n"))


def _origin(run: str, name: str) -> str:
    tables = ", ".join(f"<code>{table}</code>" for table in FIGURES[name].tables)
    return (
        f'<p class="origin">From the tables {tables}. <a href="figures/{name}.pdf">PDF</a>. It is '
        f"drawn again by <code>snakemake results/{html.escape(run)}/figures/{name}.pdf --forcerun "
        f"{name}</code> with the profile or config of the run.</p>"
    )


def _missing(home: Path, names: list[str], left_out: list[str]) -> str:
    """Figures of the config that are not on the page, and why."""
    missing = [name for name in names if not (home / f"figures/{name}.png").is_file()]
    lines = [f"not drawn yet: {', '.join(missing)}"] * bool(missing) + left_out
    return "".join(f"<p>{html.escape(line)}</p>" for line in lines)


def _id(name: str) -> str:
    return name.replace(" ", "-")
