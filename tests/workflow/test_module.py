"""Another workflow imports this one, and uses what it makes."""

import json
import re
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from pipeline.artifacts.tensors import read_stamp
from pipeline.stages.figures import FIGURES
from tests.workflow.checkout import DRAWN, ROOT, Checkout

GRAMMAR = "results/mine/rhm/v4_m2_s2_L2/grammar_g0.safetensors"
COMPARED = [name for name, figure in FIGURES.items() if figure.references]
TEXTS = {"data": {"source": {"path": str(ROOT / "workflow/report")}}}
CONFIG = {"preset": "smoke", "run": "mine", "figures": [*DRAWN, *COMPARED]}
CONFIG["domains"] = {"text": TEXTS}  # whose path is else one from the directory of a run
IMPORT = """
rule size_of_grammar:
    input:
        "{grammar}",
    output:
        "size.txt",
    shell:
        "wc -c < {{input:q}} > {{output:q}}"


module diffusion:
    snakefile:
        "{snakefile}"
    config:
        {config}
    {more}


use rule * from diffusion as diffusion_*
"""


def importing(path, config, more="", grammar=GRAMMAR, snakefile="Snakefile"):
    """A workflow in a directory of its own, that makes one thing from a grammar of ours."""
    text = IMPORT.format(
        grammar=grammar, snakefile=ROOT / snakefile, config=json.dumps(config), more=more
    )
    (path / "Snakefile").write_text(text)
    return Checkout(path)


def test_figures_of_an_import_are_planned_below_its_prefix(tmp_path):
    importer = importing(tmp_path, CONFIG, 'prefix: "theirs"')
    result = importer.snakemake("--dry-run", "--quiet", "host", "--", "diffusion_all")
    assert result.returncode == 0, result.stderr
    said = result.stdout + result.stderr
    fields = re.findall(r"^    (input|output|log|benchmark): (.*)$", said, re.MULTILINE)
    paths = {path for _, line in fields for path in line.split(", ")}
    references = {path for path in paths if "/references/" in path}
    assert {path for path in paths if not path.startswith("theirs/")} == references
    assert {path.rpartition("/workflow/")[0] for path in references} == {str(ROOT)}
    home = "theirs/results/mine/figures"
    assert {f"{home}/{name}.pdf" for name in (*DRAWN, *COMPARED)} <= paths
    assert not (tmp_path / "theirs").exists()


def test_what_an_import_makes_is_used(tmp_path):
    importer = importing(tmp_path, CONFIG, 'prefix: "theirs"', f"theirs/{GRAMMAR}")
    result = importer.snakemake("--cores", "1")
    assert result.returncode == 0, result.stderr
    grammar = tmp_path / "theirs" / GRAMMAR
    assert int((tmp_path / "size.txt").read_text()) == grammar.stat().st_size
    assert read_stamp(grammar, "grammar")["place"] == GRAMMAR.removeprefix("results/mine/")
    kept = json.loads((tmp_path / "theirs/results/mine/config.json").read_text())
    assert kept["run"] == "mine"
    assert kept["domains"]["rhm"]["network"]["width"] == 16
    assert {path.name for path in tmp_path.iterdir()} - {".snakemake"} == {
        "Snakefile",
        "size.txt",
        "theirs",
    }


@pytest.mark.parametrize("snakefile", ["Snakefile", "workflow/Snakefile"])
def test_without_a_prefix_results_are_where_they_always_are(tmp_path, snakefile):
    result = importing(tmp_path, CONFIG, snakefile=snakefile).snakemake("--dry-run")
    assert result.returncode == 0, result.stderr
    assert f"output: {GRAMMAR}" in result.stdout + result.stderr


@pytest.mark.parametrize(
    "target", ["theory.csv", "diffusion/results/mine/figures/rhm_loss_curves.pdf"]
)
def test_the_import_that_the_page_shows_plans_its_jobs(tmp_path, target):
    page = (ROOT / "docs/running.md").read_text()
    (shown,) = re.findall(r"```python\n(module .*?)```", page, re.DOTALL)
    (tmp_path / "Snakefile").write_text(shown.replace("path/to/clone", str(ROOT)))
    result = Checkout(tmp_path).snakemake("--dry-run", target)
    assert result.returncode == 0, result.stderr


def test_an_import_over_the_network_is_told_that_it_needs_a_clone(tmp_path):
    handler = partial(SimpleHTTPRequestHandler, directory=ROOT)
    with ThreadingHTTPServer(("localhost", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        importer = importing(tmp_path, CONFIG)
        remote = (
            (tmp_path / "Snakefile")
            .read_text()
            .replace(str(ROOT / "Snakefile"), f"http://localhost:{server.server_port}/Snakefile")
        )
        (tmp_path / "Snakefile").write_text(remote)
        result = importer.snakemake("--dry-run", NO_PROXY="localhost")
        server.shutdown()
    assert result.returncode != 0
    assert "is no directory; import the Snakefile of a clone on this disk" in result.stderr


@pytest.mark.parametrize(
    ("config", "more", "reason"),
    [
        ({"run": "mine"}, "", "config: the module names no preset; give it one"),
        (CONFIG | {"colour": 1}, "", "config: colour = 1: there is no such key"),
        (CONFIG, 'replace_prefix: {"results/": "theirs/"}', "replace_prefix would rename results/"),
    ],
)
def test_an_import_that_cannot_work_is_refused_in_a_line(tmp_path, config, more, reason):
    result = importing(tmp_path, config, more).snakemake("--dry-run")
    assert result.returncode != 0
    assert "Traceback" not in result.stderr
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert line.startswith(f"error: {reason}")


def test_settings_for_rules_by_the_names_of_the_clone_are_told_to_be_lost(tmp_path):
    importer = importing(tmp_path, CONFIG)
    result = importer.snakemake(
        "--dry-run", "--set-resources", "train:gpu=1", "diffusion_probe:gpu=1"
    )
    assert result.returncode == 0, result.stderr
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("warning: ")]
    assert line.startswith("warning: set-resources or groups: train: no rule has this name here")
    assert "diffusion_train" in line


REPORTED = """

rule own:
    output:
        report("own.png"),
    shell:
        "touch {output:q}"
"""


def test_a_report_of_an_import_does_without_figures_that_are_not_there(tmp_path):
    importer = importing(tmp_path, CONFIG, 'prefix: "theirs"', f"theirs/{GRAMMAR}")
    with (tmp_path / "Snakefile").open("a") as snakefile:
        snakefile.write(REPORTED)
    figure = "theirs/results/mine/figures/rhm_loss_curves.png"
    result = importer.snakemake("--report", "report.html", figure)
    assert result.returncode == 0, result.stderr
    assert f"warning: report: {figure} is not there, so it is left out" in result.stderr
    assert (tmp_path / "report.html").exists()
    result = importer.snakemake("--report", "other.html", figure, "own.png")
    assert result.returncode != 0
    assert "own.png marked for report but does not exist" in result.stderr
