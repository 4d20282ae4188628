"""The benchmark of a GPU at tiny sizes on the CPU: that every line gives a row, and its table."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import gpu, gpu_table
from benchmarks.gpu_case import GpuCase, paper_settings
from benchmarks.gpu_lines import GROUPS, TINY, Row, timed
from pipeline.documents.paste import pasted

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("group", [group for group in GROUPS if group != "compiled"])
def test_every_line_gives_a_row(group, tmp_path, monkeypatch):
    output = tmp_path / "gpu.jsonl"
    lines = {group: lambda sizes: iter([*GROUPS[group](sizes)][-1 if group == "released" else 0 :])}
    monkeypatch.setattr(gpu, "GROUPS", lines)
    gpu.measure([group], TINY, output)
    found = [json.loads(line) for line in output.read_text().splitlines()]
    assert found
    for line in found:
        if "failure" in line:
            assert "CUDA" in line["failure"]  # of a graph
        else:
            assert len(line["seconds"]) >= TINY.rounds
            assert all(seconds > 0 for seconds in line["seconds"])


def test_a_line_that_fails_costs_no_other(tmp_path, monkeypatch):
    def fails():
        raise RuntimeError("out\nof order")

    row = Row("work", "things", 4, [1.0, 2.0, 3.0])
    monkeypatch.setattr(gpu, "GROUPS", {"group": lambda _: iter([fails, lambda: row])})
    gpu.measure(["group"], TINY, tmp_path / "found.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "found.jsonl").read_text().splitlines()]
    assert lines[0]["failure"] == "out of order"
    shown = gpu_table.markdown([{"machine": gpu.describe_machine()}, *lines])
    assert "| work | 2 things/s [1.33 things/s, 4 things/s] | 500 ms |" in shown
    assert "- group: out of order" in shown


def test_without_a_gpu_it_says_so_in_a_line(tmp_path):
    command = [sys.executable, "-m", "benchmarks.gpu", "--output", str(tmp_path / "gpu.jsonl")]
    result = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert result.stdout == "there is no GPU that this torch can use: nothing is measured\n"
    assert not (tmp_path / "gpu.jsonl").exists()


def test_groups_run_in_processes_of_their_own(tmp_path):
    output = tmp_path / "gpu.jsonl"
    arguments = ["wide", "--tiny", "--output", str(output)]
    subprocess.run([sys.executable, "-m", "benchmarks.gpu", *arguments], check=True, cwd=ROOT)
    machine, *rows = map(json.loads, output.read_text().splitlines())
    assert machine["machine"]["gpu"] == "no GPU"
    assert [row["unit"] for row in rows] == ["bytes", "FLOP", "FLOP", "steps", "steps"]


def test_bytes_and_products_are_those_of_the_papers_networks():
    case = GpuCase("rhm", paper_settings("rhm", network={"width": 64}))
    case.build()
    inner = 18 * 64**2  # docs/speed.md: weights of the U-Net but embedding, readout and LayerNorms
    assert inner < case.weights < 1.1 * inner
    assert case.settings.training.batch_size == 32
    products = 3 * 2 * 42 * 64**2 * 32
    assert case.flops() == pytest.approx(products, rel=0.15)


def test_what_does_not_count_is_not_timed():
    calls = []
    assert len(timed(lambda: calls.append(0), rounds=3, warm=2)) == 3
    assert len(calls) == 5


def test_the_table_has_its_place_in_the_page():
    assert "| what |" in pasted((ROOT / "docs/gpu.md").read_text(), "gpu", "| what |")
