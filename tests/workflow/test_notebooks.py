"""Notebooks run from their first cell to their last, and show what they are meant to show."""

import base64
import io
import re
import subprocess
import sys

import nbformat
import numpy as np
import pytest
from PIL import Image

from notebooks.execute import WITHOUT_RUN
from tests.workflow.checkout import ROOT

NOTEBOOKS = {path.stem: path for path in sorted((ROOT / "notebooks").glob("*.ipynb"))}
LARGEST = 60_000
"""Bytes of a picture that is kept in the repository."""
RUN = 'RUN = "demo"'

every_notebook = pytest.mark.parametrize("name", NOTEBOOKS)


def code_cells(path):
    notebook = nbformat.read(path, as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def pictures(cell):
    """Pictures that a cell has shown, as arrays, and the bytes of their files."""
    files = [
        output.data["image/png"] for output in cell.outputs if "image/png" in output.get("data", {})
    ]
    content = [base64.b64decode(file) for file in files]
    return [
        (np.array(Image.open(io.BytesIO(file)).convert("L"), float), len(file)) for file in content
    ]


def words(cell):
    """What a cell has printed, and the value of its last line."""
    return [output.get("text") or output.data.get("text/plain") for output in cell.outputs]


def executed(name, room, runs, *options, run="demo"):
    """Cells of a notebook that ran beside a directory of results, which has these runs."""
    for folder in ("notebooks", "results"):
        (room / folder).mkdir()
    for path in runs:
        (room / "results" / path.name).symlink_to(path)
    copy = room / "notebooks" / f"{name}.ipynb"
    notebook = nbformat.read(NOTEBOOKS[name], as_version=4)
    for cell in notebook.cells:
        cell.source = cell.source.replace(RUN, f'RUN = "{run}"')
    nbformat.write(notebook, copy)
    command = [sys.executable, "-m", "notebooks.execute", *options, copy]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    return code_cells(copy)


def in_repository(name):
    """Directories of the runs in this repository whose tables a notebook reads."""
    named = re.findall(r'pipeline\.table\(\\"(\w+)\\"', NOTEBOOKS[name].read_text())
    return [ROOT / "results" / run for run in dict.fromkeys(named)]


@every_notebook
def test_every_cell_runs_and_the_outputs_that_are_kept_are_as_new(name, smoke_run, tmp_path):
    runs = [smoke_run.path / "results/smoke", *in_repository(name)]
    cells = executed(name, tmp_path, runs, run="smoke")
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    for kept, made in zip(code_cells(NOTEBOOKS[name]), cells, strict=True):
        shown = pictures(made)
        assert len(shown) == made.source.count("plt.subplots(")
        assert all(picture.std() > 1 for picture, _ in shown)  # none is blank
        if WITHOUT_RUN in made.metadata.get("tags", []):
            compare(kept, made)
        else:
            assert kept.outputs == []
    assert sum(len(pictures(cell)) for cell in cells) >= 3


def compare(kept, made):
    """Hold what a cell has shown against what it shows now."""
    assert words(kept) == words(made), "make notebooks"
    for (old, size), (new, _) in zip(pictures(kept), pictures(made), strict=True):
        assert size < LARGEST
        assert old.shape == new.shape
        assert np.abs(old - new).mean() < 0.1, "make notebooks"


def test_cells_that_need_a_run_can_be_left_out(tmp_path):
    cells = executed("text", tmp_path, in_repository("text"), "--without-run")
    assert [len(cell.outputs) for cell in cells] == [0, 1, 1, 0, 0, 0, 0]
    assert [cell.execution_count for cell in cells] == [1, 2, 3, None, None, None, None]


@every_notebook
def test_a_notebook_names_its_run_once_and_no_machine(name):
    notebook = nbformat.read(NOTEBOOKS[name], as_version=4)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert set(notebook.metadata.language_info) == {"name"}  # no version
    assert RUN in code_cells(NOTEBOOKS[name])[0].source
    assert sum(cell.source.count("demo") for cell in notebook.cells) == 1


@every_notebook
def test_links_of_a_notebook_lead_somewhere(name):
    for target in re.findall(r"\]\(([^)\s#]+)", NOTEBOOKS[name].read_text()):
        assert (NOTEBOOKS[name].parent / target).is_file(), target
