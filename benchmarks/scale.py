"""Stages that read the corpus or the images, on generated data of a tenth of the paper's size.

    python -m benchmarks.scale [--part 0.1] [--scratch DIRECTORY]

Writes a corpus of a billion tokens and 130,000 images of 64 x 64 pixels, 3.6 GB, with the settings
of config.yaml, and runs each case in a process of its own. Prints a table in Markdown: the peak of
the process's own memory; that peak with pages of mapped files, which the system takes back when it
needs them; processor time; and what this time is at the paper's size, where it grows with the data.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

from pipeline.artifacts import streams
from pipeline.artifacts.chosen_rows import map_dataset
from pipeline.artifacts.tensors import make_stamp
from pipeline.base.section import NoSettings, Section
from pipeline.base.spec import Spec
from pipeline.config.grid import cells
from pipeline.config.load import load_config
from pipeline.config.slices import SLICES
from pipeline.datasets.build import make_dataset
from pipeline.measurement.controls import make_controls
from pipeline.measurement.measure import measure
from pipeline.stages.parts import load_part
from pipeline.text.copied_spans import longest_shared_runs
from pipeline.training.batches import Batches

ROOT = Path(__file__).parents[1]
ROWS = {"text": 8_800_000, "image": 1_255_000}
"""Training rows at the paper's size: blocks of 1024 tokens, images."""
HELD_OUT = {"text": 20_000, "image": 8_000}
SOURCE = {"text": "corpus", "image": "images"}
STEPS, READ, DOCUMENT = 20, 4096, 800
"""Steps whose batches are made, rows that are searched for copies, tokens of a document."""
CONFIG = load_config(ROOT / "config.yaml", ROOT / "workflow/presets", {})


def rows_of(domain: str) -> Iterator[np.ndarray]:
    """Pieces of rows without end, of tokens whose frequencies fall as 1 / rank, or of pixels."""
    random = np.random.default_rng(0)
    if domain == "image":
        while True:
            yield random.integers(0, 256, (1000, 3 * 64**2), np.uint8)
    ranks = 50256.0 ** random.random(READ * 1024, np.float32)
    ranks[random.random(len(ranks), np.float32) < 1 / DOCUMENT] = 50256
    while True:
        yield np.roll(ranks.astype(np.uint16), random.integers(len(ranks))).reshape(READ, 1024)


def pieces(domain: str, count: int) -> Iterator[np.ndarray]:
    """So many rows."""
    for piece in rows_of(domain):
        yield piece[:count]
        count -= len(piece[:count])
        if not count:
            return


def write_source(domain: str, directory: Path, part: float) -> None:
    """The source of a domain at a part of the paper's size."""
    kind, counts = SOURCE[domain], {"training": int(part * ROWS[domain])}
    stamp = make_stamp(kind, spec_of(kind, domain, NoSettings()), {})
    facts = {"corpus": {"vocabulary_size": 50257, "end_of_document": 50256}}
    with streams.writing(directory / f"{kind}.safetensors", stamp | facts) as stream:
        for name, count in {**counts, "validation": HELD_OUT[domain]}.items():
            width = next(rows_of(domain)).shape[1]
            stream.add(name, pieces(domain, count), (-1, width))


def spec_of(stage: str, domain: str, settings: Section) -> Spec:
    """Spec of a job with some settings."""
    return Spec(stage, domain, settings, {"stage": stage, "settings": settings.plain()})


def planned(stage: str, domain: str) -> Spec:
    """Spec of a stage, as the paper's cell has it."""
    cell = cells(CONFIG.domain(domain), [])[0]
    return spec_of(stage, domain, SLICES[domain][stage](CONFIG.domain(domain), cell))


COLUMNS = (
    *("what", "peak memory, MB", "with mapped pages, MB"),
    *("processor, s", "at the paper's size, s"),
)


class Case:
    """Files of a domain in a directory, and what is done with them."""

    def __init__(self, domain: str, directory: Path) -> None:
        self.domain, self.directory = domain, directory
        self.source = directory / f"{SOURCE[domain]}.safetensors"
        self.data = directory / f"{domain}_dataset.safetensors"

    def check(self) -> None:
        """Hash the source, as every job does that reads its rows."""
        streams.map_tensors(self.source, SOURCE[self.domain])

    def dataset(self) -> None:
        """Number the rows of the source."""
        spec = planned("dataset", self.domain)
        make_dataset(spec, load_part(self.domain, "data"), [self.source], self.data)

    def batches(self) -> None:
        """Batches of training, the hash of the source included."""
        settings, model = planned("train", self.domain).settings, load_part(self.domain, "model")
        training, times = settings.training, model.build_noise(settings).times
        batches = Batches(
            map_dataset(self.data, [self.source]).strings["training"],
            model.replica_keys(settings),
            training.batch_size,
            training.trajectories,
            times,
            shuffle=False,
            low_discrepancy=training.low_discrepancy,
            first_step=0,
            device=torch.device("cpu"),
        )
        for step in range(STEPS):
            batches.batch(step)

    def controls(self) -> None:
        """Controls, the first of which stand for samples in `measure`."""
        domain = CONFIG.domain(self.domain)
        others = {"text": 1, "image": 3}[self.domain] + len(domain.measurement.block_lengths)
        outputs = [self.directory / f"{self.domain}{n}.safetensors" for n in range(others)]
        spec = planned("controls", self.domain)
        make_controls(spec, load_part(self.domain, "controls"), self.source, outputs)

    def measure(self) -> None:
        """Real text and the samples of one checkpoint."""
        samples, output = self.directory / "text0.safetensors", self.directory / "rows.parquet"
        part = load_part("text", "measure")
        measure(planned("measure", "text"), part, [self.source], None, [samples], output)

    def copies(self) -> None:
        """Longest runs that samples share with some of the training text."""
        training = streams.map_tensors(self.source, "corpus").tensors["training"][:READ]
        longest_shared_runs(next(rows_of("text"))[:1024], training)


CASES: dict[str, tuple[str, Callable[[Case], None], str]] = {
    "text: hash of the corpus": ("text", Case.check, "all"),
    "text: order of rows": ("text", Case.dataset, "all"),
    f"text: hash, and {STEPS} batches": ("text", Case.batches, ""),
    "text: controls": ("text", Case.controls, ""),
    "text: measure one checkpoint": ("text", Case.measure, ""),
    f"text: copies among {READ} blocks": ("text", Case.copies, "read"),
    "images: hash": ("image", Case.check, "all"),
    "images: order of rows": ("image", Case.dataset, "all"),
    f"images: hash, and {STEPS} batches": ("image", Case.batches, ""),
    "images: controls": ("image", Case.controls, ""),
}
"""Domain, what is done, and what its time grows with: all rows, those that were read, or none."""


class OwnMemory(threading.Thread):
    """The largest memory of this process, less pages of files, looked at every few milliseconds."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak = 0.0

    def run(self) -> None:
        """Look, as long as the process lives."""
        while True:
            resident, shared = map(int, Path("/proc/self/statm").read_text().split()[1:3])
            self.peak = max(self.peak, (resident - shared) * resource.getpagesize() / 1e6)
            time.sleep(0.005)


def run_case(name: str, directory: Path) -> dict[str, float]:
    """Processor seconds and peaks in MB of one case, in this process."""
    (domain, run, _), memory = CASES[name], OwnMemory()
    memory.start()
    start = time.process_time()
    run(Case(domain, directory))
    seconds = time.process_time() - start
    mapped = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    return {"seconds": seconds, "own": memory.peak, "mapped": mapped}


def row(name: str, directory: Path, part: float) -> str:
    """A row of the table: a case in a new process."""
    command = [sys.executable, "-m", "benchmarks.scale", "--case", name, directory]
    printed = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
    found, (domain, _, grows) = json.loads(printed), CASES[name]
    factor = {"all": 1 / part, "read": ROWS[domain] / READ, "": 1}[grows]
    seconds, peaks = found["seconds"], f"{found['own']:.0f} | {found['mapped']:.0f}"
    return f"| {name} | {peaks} | {seconds:.3g} | {seconds * factor:.3g} |"


def main() -> None:
    """Write the data, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", type=float, default=0.1, help="of the paper's size")
    parser.add_argument("--scratch", type=Path)
    parser.add_argument("--case", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.case:
        print(json.dumps(run_case(args.case[0], Path(args.case[1]))))
        return
    with tempfile.TemporaryDirectory(dir=args.scratch) as directory:
        for domain in SOURCE:
            write_source(domain, Path(directory), args.part)
        print(f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|", flush=True)
        for name in CASES:
            print(row(name, Path(directory), args.part), flush=True)


if __name__ == "__main__":
    main()
