"""Option `--estimate` of the command `run`: what a run would take, instead of making it."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.config.load import load_configs, read_overrides
from pipeline.run.command import PRESETS
from pipeline.run.disk import describe_disk
from pipeline.run.duration import describe_times
from pipeline.run.launch import snakemake_command
from pipeline.run.present import Present
from pipeline.stages.domains import DOMAINS


def estimate(options: Mapping[str, Any]) -> None:
    """Print disk and time of a run and of its departures, as if nothing of them was made.

    Times of training and sampling are measured here, on the device that this process would use.

    Raises:
        PipelineError: a figure, the preset or a key does not exist, or a value is not allowed.
    """
    command = list(snakemake_command(options))
    end = command.index("--config")
    files = [Path(command[end - 1])] if "--configfile" in command else []
    overrides = read_overrides(files, command[end + 1 :])
    configs = load_configs(PRESETS.parents[1] / "config.yaml", PRESETS, overrides)
    present, (unit, together) = Present(configs, Path("results")), _device()
    jobs = options["slurm"] or together
    for run, config in configs.items():
        chosen = options["domain"] or [name for name in DOMAINS if config.domain(name).enabled]
        cells = {name: present.cells(run, name) for name in chosen}
        for line in describe_disk(config, cells, jobs):
            print(f"{run}: {line}", flush=True)
        for line in describe_times(config, cells, jobs, unit):
            print(f"{run}: {line}", flush=True)


def _device() -> tuple[str, int]:
    """What one training takes, and how many of these there are here."""
    import torch  # which takes seconds to import

    from pipeline.base.device import choose_device

    if choose_device().type == "cuda":
        return "GPU", torch.cuda.device_count()
    return "core", len(os.sched_getaffinity(0))
