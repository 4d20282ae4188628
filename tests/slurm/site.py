"""A checkout set up for the test cluster as docs/cluster.md tells users to set it up for theirs."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.artifacts.tensors import read_tensors
from tests.faults.inject import environment, slurm_environment
from tests.workflow.checkout import SMOKE, SNAKEMAKE, Checkout

ARGUMENTS = ("--profile", "slurm", "-j", "64", "--config", "preset=smoke")
CELL = "results/smoke/rhm/v4_m2_s2_L2/P8/g0d0n0+g1d0n0"
TRAINED = f"{CELL}/losses.parquet"
STEPS = 3000
CHECKPOINTS = list(range(250, STEPS + 1, 250))
PROFILE = "workflow/profiles/slurm/config.yaml"
PACE = "pace:0.006"
"""A fault that leaves time for others."""
FILTERS = {"SQUEUE_PARTITION": "rush", "SQUEUE_USERS": "nobody", "SQUEUE_ACCOUNT": "none"}
FILTERS |= {"SQUEUE_LICENSES": "none", "SQUEUE_STATES": "FAILED", "SACCT_LOCAL": "1"}
FILTERS |= {"SCANCEL_PARTITION": "rush", "SCANCEL_STATE": "PENDING", "SBATCH_TIMELIMIT": "1"}
FILTERS |= {"SBATCH_ARRAY_INX": "1-2", "SLURM_MEM_PER_CPU": "10", "SLURM_CPUS_PER_TASK": "4"}
"""What a user may have set to see fewer jobs, and to submit others."""


class Site(Checkout):
    """One long training, and snakemake in the background."""

    @classmethod
    def set_up(cls, path: Path, partition: str = "main", **train: str) -> "Site":
        """A checkout for a partition without GPUs; `train` are resources of the rule."""
        site = cls.of_sources(path)
        site.edit_preset(_lengthen)
        gpu = re.compile(r"^    gpu: 1\n|^  ceiling:\n", re.MULTILINE)
        profile = (path / PROFILE).read_text()
        (path / PROFILE).write_text(gpu.sub("", profile))
        site.edit_profile("slurm_partition", partition)
        site.edit_profile("lasting-slurm-init-seconds-before-status-checks", "1")
        site.edit_profile("cpus_per_task", "1")
        for resource, value in train.items():
            site.edit_profile(resource, value, after="  train:")
        return site

    def edit_profile(self, key: str, value: str, after: str = "") -> None:
        """Set the first occurrence of a key, as a user would in an editor."""
        path = self.path / PROFILE
        head, mark, tail = (
            path.read_text().partition(after) if after else ("", "", path.read_text())
        )
        tail, count = re.subn(rf"(?m)^( *){key}: .*$", rf"\g<1>{key}: {value}", tail, count=1)
        assert count == 1, key
        path.write_text(head + mark + tail)

    def launch(
        self,
        *targets: str,
        fault: str = "",
        slurm: str = "",
        command: Sequence[str] = (SNAKEMAKE,),
        **variables: str,
    ) -> subprocess.Popen:
        """Start snakemake on the cluster, with faults in it; its messages go to `log`."""
        variables |= self.faults(fault, slurm)
        with (self.path / "log").open("a") as log:
            arguments = (*(targets or (TRAINED,)), *ARGUMENTS)
            return super().start(*arguments, output=log, command=command, **variables)

    def submit_driver(self, *options: str, fault: str = "") -> str:
        """Let snakemake run in a Slurm job, as docs/cluster.md says; returns the job's number."""
        command = ["sbatch", "--parsable", "--output", "log", "--open-mode", "append", *options]
        result = subprocess.run(
            [*command, "workflow/driver.sh", TRAINED, "--config", "preset=smoke"],
            cwd=self.path, env=self.environment() | self.faults(fault, ""), check=True,
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        return result.stdout.strip()

    def faults(self, fault: str, slurm: str) -> dict[str, str]:
        """Environment with a fault of stages and one of Slurm's commands, or without."""
        memory = self.path / "faults"
        variables = environment(fault, memory) if fault else {}
        path = variables.get("PATH", self.environment()["PATH"])
        return variables | (slurm_environment(slurm, memory, path) if slurm else {})

    @property
    def log(self) -> str:
        return (self.path / "log").read_text()

    @property
    def history(self) -> str:
        """Starts and stops of all attempts to train."""
        (path,) = (self.path / CELL).glob(".work/*/history.txt")
        return path.read_text()

    def jobs(self, *states: str) -> list[str]:
        """Slurm's numbers of the jobs that were submitted here."""
        chosen = ["--states", ",".join(states or ("all",))]
        command = ["squeue", "--noheader", *chosen, "--format", "%i|%Z"]
        result = subprocess.run(command, capture_output=True, text=True, check=True)
        lines = result.stdout.splitlines()
        return [line.partition("|")[0] for line in lines if line.endswith(f"|{self.path}")]

    def training_processes(self) -> list[str]:
        """Processes of this checkout that train."""
        command = ["pgrep", "--full", r"python\S* -m \S+( -m pipeline)? train"]
        found = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        return [pid for pid in found.split() if Path(f"/proc/{pid}/cwd").resolve() == self.path]

    def wait_for_step(self, step: int) -> None:
        """Wait until training has passed a step."""
        name = f".work/*/checkpoints/step{step}.safetensors"
        wait_for(lambda: list((self.path / CELL).glob(name)), f"step {step}")

    def finish(self, process: subprocess.Popen, seconds: float = 400) -> int:
        """Wait for snakemake to end, and return how."""
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise AssertionError(f"snakemake did not end:\n{self.log}") from None

    def run_undisturbed(self) -> None:
        """The same training on this machine, without Slurm."""
        result = self.snakemake(*SMOKE, TRAINED)
        assert result.returncode == 0, result.stderr


def weights(site: Site, step: int) -> dict[str, np.ndarray]:
    """Weights after so many steps of the training."""
    path = site.path / CELL / f"checkpoints/step{step}.safetensors"
    return read_tensors(path, "checkpoint").tensors


def assert_same_training(site: Site, other: Site) -> None:
    """Bit by bit the same weights and losses."""
    for step in CHECKPOINTS:
        one, two = weights(site, step), weights(other, step)
        assert all(np.array_equal(one[name], two[name]) for name in one)
    losses = [pd.read_parquet(s.path / CELL / "losses.parquet") for s in (site, other)]
    pd.testing.assert_frame_equal(*(frame.drop(columns="steps_per_second") for frame in losses))


def recover(
    site: Site, *arguments: str, expected: int = 0, slurm: str = "", **variables: str
) -> str:
    """Run the script for what a killed snakemake leaves behind, and return what it says."""
    result = subprocess.run(
        ["workflow/recover.sh", *arguments],
        cwd=site.path, capture_output=True, text=True, check=False,
        env=site.environment() | variables | site.faults("", slurm),
    )  # fmt: skip
    assert result.returncode == expected, result.stderr
    return result.stderr


def starts(site: Site) -> list[int]:
    """Steps at which attempts to train started."""
    return [int(step) for step in re.findall(r" from step (\d+) to", site.history)]


def show(job: str, key: str) -> str:
    """One value of what Slurm knows about a job."""
    command = ["scontrol", "show", "job", job]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return re.search(rf"\b{key}=(\S*)", text)[1]


def wait_for(condition: Callable[[], object], what: str, seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"no {what} within {seconds} s"
        time.sleep(0.2)


def _lengthen(rhm: dict, _content: dict) -> None:
    rhm["training"].update(steps=STEPS, checkpoints=CHECKPOINTS)
    rhm["grid"]["grammars"][0]["dataset_sizes"] = [8, "online"]
