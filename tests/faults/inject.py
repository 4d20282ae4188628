"""Run `python -m pipeline <stage> ...` with the fault that the environment variable FAULT asks for.

FAULT is `<name>[:<argument>]`, a function of this module and its argument; several are joined with
commas. Faults happen within the process of the stage, so that signals and exit codes are its own.
"""

import atexit
import hashlib
import itertools
import json
import os
import random
import resource
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from pipeline.stages.catalogue import STAGES

ROOT = Path(__file__).parents[2]
BIN = Path(__file__).with_name("bin")


class Job(NamedTuple):
    """The stage that runs, its outputs, and where a test keeps what it has to remember."""

    stage: str
    outputs: list[Path]

    def attempt(self) -> int:
        """How often this job was started, this time included."""
        name = hashlib.sha256(f"{self}".encode()).hexdigest()[:16]
        memory = Path(os.environ["FAULT_MEMORY"], name)
        memory.parent.mkdir(exist_ok=True)
        with memory.open("a") as file:
            file.write(f"{self.stage}\n")
        return len(memory.read_text().splitlines())

    def randomness(self, seed: str) -> random.Random:
        """Numbers of this job's own, the same in every run of a test."""
        return random.Random(f"{seed} {self.stage} {self.outputs}")


def environment(fault: str, memory: Path) -> dict[str, str]:
    """What a test adds to the environment of snakemake; `memory` is a directory for the faults."""
    path = f"{BIN}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    real = {"REAL_PYTHON": sys.executable, "PYTHONPATH": str(ROOT), "PATH": path}
    return real | {"FAULT": fault, "FAULT_MEMORY": str(memory)}


def slurm_environment(fault: str, memory: Path, path: str) -> dict[str, str]:
    """What a test adds for a fault of Slurm's commands, see `slurm/command`; `path` is PATH."""
    path = f"{Path(__file__).with_name('slurm')}:{path}"
    return {"FAULT_SLURM": fault, "FAULT_MEMORY": str(memory), "PATH": path}


def nan(job: Job, place: str) -> None:
    """The training of one cell gets a learning rate that it cannot stand."""
    if job.stage == "train" and f"/{place}/" in str(job.outputs[0]):
        at = sys.argv.index("--spec") + 1
        spec = json.loads(sys.argv[at])
        spec["settings"]["training"]["learning_rate"] = 1e20
        sys.argv[at] = json.dumps(spec)


def pace(job: Job, seconds: str) -> None:
    """Every training step takes so much longer, so that a test has time to act."""
    if job.stage == "train":
        from pipeline.training.module import Denoising

        original = Denoising.training_step

        def training_step(self, batch, index):
            time.sleep(float(seconds))
            return original(self, batch, index)

        Denoising.training_step = training_step


def slow(_job: Job, seconds: str) -> None:
    """A stage starts so much later."""
    time.sleep(float(seconds))


def heavy(job: Job, seconds: str) -> None:
    """Once it was told to end, training takes so long to save."""
    if job.stage == "train":
        from pipeline.artifacts import tensors
        from pipeline.training.stopping import Stopping

        terminate, save_file = Stopping._terminate, tensors.save_file

        def slowly(*arguments, **options):
            time.sleep(float(seconds))
            save_file(*arguments, **options)

        def told(self, *arguments):
            tensors.save_file = slowly
            terminate(self, *arguments)

        Stopping._terminate = told


def late(job: Job, seconds: str) -> None:
    """Outputs appear that much after the stage has ended, as on a slow shared file system."""

    def hide() -> None:
        for path in filter(Path.exists, job.outputs):
            hidden = path.with_name(f".{path.name}.late")
            path.rename(hidden)
            command = ["sh", "-c", f"sleep {seconds}; mv '{hidden}' '{path}'"]
            subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)

    atexit.register(hide)


def skew(job: Job, seconds: str) -> None:
    """Outputs carry the time of a node whose clock is wrong by that much, to either side."""
    shift = float(seconds) * job.randomness("skew").choice([-1, 1])

    def shift_times() -> None:
        for path in filter(Path.exists, job.outputs):
            os.utime(path, (time.time() + shift,) * 2)

    atexit.register(shift_times)


def chaos(job: Job, seed: str) -> None:
    """A random fault in the first attempt of every third job."""
    draws = job.randomness(seed)
    if draws.randrange(3) == 0 and job.attempt() == 1:
        draws.choice([killed, told_to_end, no_memory, no_space, rotten])(job, draws)


def killed(job: Job, draws: random.Random) -> None:
    """SIGKILL in the middle of a write."""
    _in_a_write(job, draws, lambda: os.kill(os.getpid(), signal.SIGKILL))


def told_to_end(job: Job, draws: random.Random) -> None:
    """SIGTERM in the middle of a write."""
    _in_a_write(job, draws, lambda: os.kill(os.getpid(), signal.SIGTERM))


def rotten(job: Job, draws: random.Random) -> None:
    """Killed in the middle of a write, with the last file of the workspace cut short."""

    def spoil() -> None:
        kept = {
            path
            for output in job.outputs
            for path in output.parent.glob(".work/**/[!.]*.safetensors")
        }
        for path in sorted(kept, key=lambda path: path.stat().st_mtime)[-1:]:
            os.truncate(path, path.stat().st_size // 2)
        os.kill(os.getpid(), signal.SIGKILL)

    _in_a_write(job, draws, spoil)


def no_memory(_job: Job, _draws: random.Random) -> None:
    """What is left of a job that the kernel killed for its memory."""
    sys.exit(137)


def no_space(_job: Job, draws: random.Random) -> None:
    """No file may grow beyond a few kilobytes."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (draws.randrange(1, 4000),) * 2)


_WRITES = {"train": 10, "sample": 3}
"""Artifacts that a stage writes in the smoke preset; others write one."""


def _in_a_write(job: Job, draws: random.Random, strike: Callable[[], None]) -> None:
    """Strike when an artifact, drawn at random, is written but has not yet got its name."""
    original, chosen = os.fsync, draws.randrange(_WRITES.get(job.stage, 1))
    count = itertools.count()

    def fsync(file: int) -> None:
        if next(count) == chosen:
            strike()
        original(file)

    os.fsync = fsync


FAULTS: dict[str, Callable[[Job, str], None]] = {
    f.__name__: f for f in (nan, pace, slow, heavy, late, skew, chaos)
}


def _job(arguments: list[str]) -> Job:
    """The stage and its outputs, read off the command line."""
    stage, outputs, option = arguments[0], [], ""
    made = {file.option for file in STAGES[stage].outputs}
    for argument in arguments[1:]:
        if argument.startswith("--"):
            option = argument.removeprefix("--")
        elif option in made:
            outputs.append(Path(argument))
    return Job(stage, outputs)


if __name__ == "__main__":
    del sys.argv[0]  # now as in: python -m pipeline <stage> ...
    assert sys.argv.pop(0) == "-m"
    for fault in os.environ["FAULT"].split(","):
        name, _, argument = fault.partition(":")
        FAULTS[name](_job(sys.argv[1:]), argument)
    runpy.run_module("pipeline", run_name="__main__", alter_sys=True)
