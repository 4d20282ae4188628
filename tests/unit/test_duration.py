"""How long trainings take: reckoned from parts, and measured on a network that takes seconds."""

import pytest

from pipeline.config.grid import cells
from pipeline.config.load import load_config
from pipeline.run import duration, estimate
from pipeline.run.duration import Cost, describe_trainings, training_cost
from tests.workflow.checkout import ROOT

COST = Cost(start=5.0, checkpoint=2.0, step=0.5)


def smoke(**domains):
    overrides = {"preset": "smoke", "domains": domains}
    return load_config(ROOT / "config.yaml", ROOT / "workflow/presets", overrides)


def test_a_training_is_its_start_its_checkpoints_and_its_steps():
    assert COST.of([1]) == 5 + 2
    assert COST.of([10, 20, 41]) == 5 + 3 * 2 + 40 * 0.5


@pytest.mark.parametrize(
    ("jobs", "together"), [(1, "2.0 min"), (2, "61 s"), (4, "30 s"), (64, "30 s")]
)
def test_jobs_share_trainings_and_wait_for_the_longest(monkeypatch, jobs, together):
    config = smoke()
    monkeypatch.setattr(duration, "training_cost", lambda *_: COST)
    grid = {"rhm": cells(config.domain("rhm"), [])}
    assert [len(of_domain) for of_domain in grid.values()] == [4]
    assert COST.of([10, 20, 40]) == 30.5
    assert describe_trainings(config, grid, jobs, "core") == [
        "training for rhm: 4 trainings, 160 steps: about 2.0 min on one core; "
        f"{together} with {jobs} at a time"
    ]


def test_every_shape_of_network_is_timed_once(monkeypatch):
    grammar = {"v": 4, "m": 2, "s": 2, "L": 2, "dataset_sizes": [4, 8]}
    config = smoke(rhm={"grid": {"grammars": [grammar, grammar | {"L": 3}]}})
    timed = []
    monkeypatch.setattr(duration, "training_cost", lambda *place: timed.append(place[2]) or COST)
    found = duration.trainings_seconds(config, "rhm", cells(config.domain("rhm"), []))
    assert len(found) == 4
    assert [cell.setting for cell in timed] == ["v4_m2_s2_L2", "v4_m2_s2_L3"]


@pytest.mark.parametrize("domain", ["rhm", "text", "image"])
def test_the_network_of_every_domain_is_trained_and_leaves_nothing(
    domain, monkeypatch, tmp_path, capsys
):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(duration.tempfile, "tempdir", None)
    monkeypatch.setattr(duration, "_MEASURED", 0.05)
    monkeypatch.setattr(duration, "_start", lambda: 0.0)
    config = smoke()
    cost = training_cost(config, domain, cells(config.domain(domain), [])[0])
    assert cost.step > 0
    assert cost.start > 0
    assert cost.checkpoint >= 0
    assert [path for path in tmp_path.iterdir() if "torchinductor" not in path.name] == []
    assert capsys.readouterr().err == ""


def test_the_command_tells_disk_and_time_of_the_chosen_domains(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(duration, "training_cost", lambda *_: COST)
    nothing = {"figure": [], "set": [], "profile": None, "dry_run": False}
    options = {"name": "mine", "preset": "smoke", "domain": ["text"], "slurm": 3, **nothing}
    options["set"] = ["domains.text.training.checkpoints=[10,20]"]
    estimate.estimate(options)
    disk, time = capsys.readouterr().out.splitlines()
    assert disk.startswith("mine: disk for text: checkpoints of 1 trajectories x 2 steps")
    assert time.startswith("mine: training for text: 1 trainings, 20 steps: about 18 s on one ")
    assert time.endswith("; 18 s with 3 at a time")
