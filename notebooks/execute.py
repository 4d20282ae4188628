"""Run the cells of notebooks in order, as Jupyter does, and keep what they show.

    python -m notebooks.execute notebooks/text.ipynb

runs all cells; with `--without-run` only those whose tag says that all they read is in this
repository, so that the others lose what they have shown.
"""

import argparse
import ast
import base64
import io
from collections.abc import Sequence
from contextlib import chdir, redirect_stdout
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import nbformat
from nbformat.v4 import new_output

from pipeline.artifacts.files import replacing

WITHOUT_RUN = "without-run"
"""Tag of cells that need no run."""


def execute(path: Path, without_run: bool) -> None:
    """Run the cells of a notebook in its own directory, and write their outputs into it.

    Args:
        path: a notebook of Jupyter, format 4.5.
        without_run: whether to leave out cells without the tag.

    Raises:
        nbformat.ValidationError: the file is no notebook.
        Exception: that of a cell.
    """
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    names: dict[str, Any] = {"__name__": "__main__"}
    cells = (cell for cell in notebook.cells if cell.cell_type == "code")
    for number, cell in enumerate(cells, start=1):
        cell.outputs, cell.execution_count = [], None
        if not without_run or WITHOUT_RUN in cell.metadata.get("tags", []):
            with chdir(path.parent):
                cell.outputs = _outputs(cell.source, names, number)
            cell.execution_count = number
    with replacing(path) as temporary:
        temporary.write_text(nbformat.writes(notebook) + "\n")


def _outputs(source: str, names: dict[str, Any], number: int) -> list[nbformat.NotebookNode]:
    """What a cell prints, then its pictures, then the value of its last line if that has one."""
    with redirect_stdout(io.StringIO()) as printed:
        value = _value(source, names, f"cell {number}")
    outputs = []
    if printed.getvalue():
        outputs.append(new_output("stream", name="stdout", text=printed.getvalue()))
    outputs += [new_output("display_data", data={"image/png": p}) for p in _pictures()]
    if value is not None:
        data = {"text/plain": repr(value)}
        outputs.append(new_output("execute_result", data=data, execution_count=number))
    return outputs


def _value(source: str, names: dict[str, Any], place: str) -> object:
    """Run a cell; the value of its last line if that is an expression."""
    statements = ast.parse(source, place).body
    last = statements.pop() if isinstance(statements[-1], ast.Expr) else None
    exec(compile(ast.Module(statements, []), place, "exec"), names)
    if isinstance(last, ast.Expr):
        return eval(compile(ast.Expression(last.value), place, "eval"), names)
    return None


def _pictures() -> list[str]:
    """All open figures as PNG files, base64; they are closed."""
    pictures = []
    for number in plt.get_fignums():
        file = io.BytesIO()
        plt.figure(number).savefig(file, bbox_inches="tight", metadata={"Software": None})
        pictures.append(base64.b64encode(file.getvalue()).decode())
    plt.close("all")
    return pictures


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the notebooks that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebooks", nargs="+", type=Path)
    parser.add_argument("--without-run", action="store_true")
    options = parser.parse_args(arguments)
    mpl.use("Agg")
    for path in options.notebooks:
        execute(path, options.without_run)


if __name__ == "__main__":
    main()
