"""How long a run takes, told from what the jobs of a cell cost."""

import pytest

from pipeline.config.grid import cells
from pipeline.config.load import load_config
from pipeline.run import duration, estimate
from pipeline.run.cost import Cost, Costs
from pipeline.run.duration import describe_times
from tests.workflow.checkout import ROOT

COSTS = Costs(Cost(start=5.0, checkpoint=2.0, step=0.5), Cost(start=4.0, checkpoint=3.0))


def smoke(**domains):
    overrides = {"preset": "smoke", "domains": domains}
    return load_config(ROOT / "config.yaml", ROOT / "workflow/presets", overrides)


def test_a_job_is_its_start_its_checkpoints_and_its_steps():
    assert COSTS.training.of([1]) == 5 + 2
    assert COSTS.training.of([10, 20, 41]) == 5 + 3 * 2 + 40 * 0.5
    assert COSTS.sampling.of([10, 20, 41]) == 4 + 3 * 3


@pytest.mark.parametrize(
    ("jobs", "training", "sampling", "both"),
    [
        (1, "2.0 min", "52 s", "2.9 min"),
        (2, "61 s", "26 s", "87 s"),
        (4, "30 s", "13 s", "44 s"),
        (64, "30 s", "13 s", "44 s"),
    ],
)
def test_jobs_share_trainings_and_wait_for_the_longest(monkeypatch, jobs, training, sampling, both):
    config = smoke()
    monkeypatch.setattr(duration, "measure_costs", lambda *_: COSTS)
    grid = {"rhm": cells(config.domain("rhm"), [])}
    assert [len(of_domain) for of_domain in grid.values()] == [4]
    assert [cost.of([10, 20, 40]) for cost in COSTS] == [30.5, 13]
    assert config.domain("rhm").sampling.samples == 256
    assert list(describe_times(config, grid, jobs, "core")) == [
        "training for rhm: 4 trainings, 160 steps: about 2.0 min on one core; "
        f"{training} with {jobs} at a time",
        f"sampling for rhm: 4 jobs, {4 * 2 * 3 * 256:,} samples: about 52 s on one core; "
        f"{sampling} with {jobs} at a time",
        f"training and sampling in all: about 2.9 min on one core; {both} with {jobs} at a time",
    ]


def test_samples_of_all_replicas_and_kinds_of_weights_are_counted(monkeypatch):
    config = smoke(
        text={
            "grid": {"network_seeds": [0, 1, 2]},
            "training": {"average_decays": [0.9], "checkpoints": [10, 20]},
            "sampling": {"samples": 200, "averages": [0.9, None]},
        }
    )
    monkeypatch.setattr(duration, "measure_costs", lambda *_: COSTS)
    grid = {"text": cells(config.domain("text"), [])}
    _, sampling, _ = describe_times(config, grid, 1, "core")
    assert sampling.startswith(f"sampling for text: 3 jobs, {3 * 2 * 2 * 200:,} samples: ")


def test_every_shape_of_network_is_timed_once(monkeypatch):
    grammar = {"v": 4, "m": 2, "s": 2, "L": 2, "dataset_sizes": [4, 8]}
    config = smoke(rhm={"grid": {"grammars": [grammar, grammar | {"L": 3}]}})
    timed = []
    monkeypatch.setattr(duration, "measure_costs", lambda *place: timed.append(place[2]) or COSTS)
    training, sampling = duration.job_seconds(config, "rhm", cells(config.domain("rhm"), []))
    assert (training, sampling) == ([30.5] * 4, [13] * 4)
    assert [cell.setting for cell in timed] == ["v4_m2_s2_L2", "v4_m2_s2_L3"]


def test_the_command_tells_disk_and_time_of_the_chosen_domains(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(duration, "measure_costs", lambda *_: COSTS)
    nothing = {"figure": [], "set": [], "profile": None, "dry_run": False}
    options = {"name": "mine", "preset": "smoke", "domain": ["text"], "slurm": 3, **nothing}
    options["set"] = ["domains.text.training.checkpoints=[10,20]"]
    estimate.estimate(options)
    disk, training, sampling, both = capsys.readouterr().out.splitlines()
    assert disk.startswith("mine: disk for text: checkpoints of 1 trajectories x 2 steps")
    assert training.startswith("mine: training for text: 1 trainings, 20 steps: about 18 s on one ")
    assert training.endswith("; 18 s with 3 at a time")
    assert sampling.startswith("mine: sampling for text: 1 jobs, ")
    assert sampling.endswith("; 10 s with 3 at a time")
    assert both.startswith("mine: training and sampling in all: about 28 s on one ")
    assert both.endswith("; 28 s with 3 at a time")
