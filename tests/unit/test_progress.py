"""Lines for jobs that end and for the grid, from the events that Snakemake sends."""

import io
import logging
import os
from pathlib import Path

import pytest

from pipeline.run import progress
from pipeline.run.curves import last_point
from pipeline.run.job_logs import error_line, last_lines
from pipeline.run.progress import CHATTER, STOPPING, SUBMITTED, GridProgress, PlannedJob
from pipeline.training.names import CURVE, CURVE_COLUMNS

JOBS = {
    1: PlannedJob("train", "v4/P8/g0", 1),
    2: PlannedJob("sample", "v4/P8/g0", "group"),
    3: PlannedJob("measure", "v4/P8/g0", "group"),
    4: PlannedJob("claims", "", 4),
}


FAILURE = (
    "status: 'FAILED'. Reason: x\n  more\n sbatch call: sbatch ... For further error details see"
)


class Clock:
    now = 0.0

    def monotonic(self):
        return self.now


class NoThread:
    def __init__(self, target, daemon):
        pass

    def start(self):
        pass


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    monkeypatch.setattr(progress.threading, "Thread", NoThread)
    return clock


@pytest.fixture
def grid(clock):
    return GridProgress(JOBS, local=2)


def send(display, event=None, message="", **values):
    """Log an event; returns whether Snakemake shall show it."""
    record = logging.LogRecord("snakemake", logging.INFO, "", 0, message, None, None)
    vars(record).update(event=event, **values)
    return display.hear(record)


def test_a_job_that_ends_has_a_line(grid, clock, capsys):
    send(grid, "job_started", jobs=[1])
    clock.now = 120.0
    send(grid, "job_finished", job_id=1)
    assert capsys.readouterr().err == "done:   train v4/P8/g0 (2.0 min)\n"
    assert grid.line() == (
        "grid: 1 of 4 jobs done, 3 left; started: none; 2.0 min passed, about 26 s left"
    )


def test_a_line_is_written_in_one_piece(grid, monkeypatch):
    """Else another thread's message comes between a line and its end."""
    pieces = []

    class Errors(io.StringIO):
        def write(self, piece):
            pieces.append(piece)
            return len(piece)

    monkeypatch.setattr("sys.stderr", Errors())
    send(grid, "job_started", jobs=[1])
    send(grid, "job_finished", job_id=1)
    assert pieces == ["done:   train v4/P8/g0 (0 s)\n"]


def test_jobs_of_a_group_start_together_and_end_one_by_one(grid, clock, capsys):
    send(grid, "job_started", jobs=["group"])
    assert "2 left; started: 1 sample, 1 measure;" in grid.line()
    clock.now = 5.0
    send(grid, "job_finished", job_id=2)
    send(grid, "job_finished", job_id=3)
    assert capsys.readouterr().err.count("done:   ") == 2


@pytest.fixture
def logs(tmp_path):
    """Logs of a rule and of Slurm."""
    rule, slurm = tmp_path / "train.log", tmp_path / "slurm.log"
    rule.write_text("".join(f"line {number}\n\n" for number in range(9)))
    slurm.write_text("Exceeded job memory limit\n")
    return [str(rule), str(slurm)]


def test_a_failed_job_tells_why_and_may_be_tried_again(grid, logs, capsys):
    send(grid, "job_started", jobs=[1])
    send(grid, "job_error", jobid=1, rule_msg=FAILURE, log=logs)
    lines = [line.strip() for line in capsys.readouterr().err.splitlines()]
    assert lines == [
        "failed: train v4/P8/g0 (status: 'FAILED'. Reason: x more)",
        f"the end of {logs[0]}:", *(f"line {number}" for number in range(4, 9)),
        f"the end of {logs[1]}:", "Exceeded job memory limit",
    ]  # fmt: skip
    assert error_line(logs[0]) == "error: status: 'FAILED'. Reason: x more"
    assert "jobs done, 1 failed, 3 left" in grid.line()
    send(grid, "job_started", jobs=[1])
    assert "failed" not in grid.line()


def test_an_error_in_the_log_of_the_rule_is_enough(grid, logs, capsys):
    with Path(logs[0]).open("a") as file:
        file.write("error: it broke\n")
    send(grid, "job_started", jobs=[1])
    send(grid, "job_error", jobid=1, rule_msg=None, log=logs)
    assert capsys.readouterr().err.endswith("error: it broke\n")


def test_jobs_of_a_failed_group_show_slurms_log(grid, logs, tmp_path, capsys):
    send(grid, "job_started", jobs=["group"])
    infos = [{"jobid": 2, "aux": {"reason": "Slurm job 5 ended as FAILED\n"}}]
    infos.append({"jobid": 3, "aux": {}})
    send(grid, "group_error", groupid="evaluate", aux_logs=logs[1:], job_error_info=infos)
    absent = [str(tmp_path / f"logs/{name}.log") for name in ("sample", "measure")]
    for number, log in zip((2, 3), absent, strict=True):
        send(grid, "job_error", jobid=number, rule_msg=None, log=[log])
    said = capsys.readouterr().err
    assert "failed: sample v4/P8/g0 (Slurm job 5 ended as FAILED)" in said
    assert said.count("Exceeded job memory limit") == 2
    assert error_line(absent[0]) == "error: Slurm job 5 ended as FAILED"
    assert error_line(absent[1]) == "error: the job ended without an error of its own"
    assert "2 failed" in grid.line()


def test_the_estimate_learns_from_jobs_that_ended(grid, clock):
    send(grid, "job_started", jobs=[1, "group"])
    clock.now = 100.0
    for number in (1, 2, 3):
        send(grid, "job_finished", job_id=number)
    pace = 300.0 / (120.0 + 40.0 + 8.0)
    assert grid.seconds_left() == pytest.approx(4.0 * pace / 2)
    send(grid, "job_started", jobs=[4])
    assert grid.seconds_left() == pytest.approx(4.0 * pace)


FIGURES = {number: PlannedJob("rhm_loss_curves", "", number) for number in range(10, 30)}


def test_what_has_not_run_yet_is_reckoned_at_the_pace_of_what_has(clock):
    grid = GridProgress({1: JOBS[1], **FIGURES}, local=2)
    assert grid.seconds_left() == pytest.approx((120.0 + 20 * 4.0) / 2)
    send(grid, "job_started", jobs=[1])
    clock.now = 360.0
    send(grid, "job_finished", job_id=1)
    assert grid.seconds_left() == pytest.approx(20 * 12.0 / 2)


def test_a_job_that_is_overdue_tells_the_pace_before_it_ends(clock):
    trainings = {n: PlannedJob("train", f"v4/P8/g{n}", n) for n in range(5)}
    grid = GridProgress(trainings, local=1)
    send(grid, "job_started", jobs=[0])
    clock.now = 60.0
    assert grid.seconds_left() == pytest.approx(60.0 + 4 * 120.0)
    clock.now = 360.0
    assert grid.seconds_left() == pytest.approx(1.0 + 4 * 360.0)


def test_a_training_tells_its_step_and_how_long_it_will_take(clock, tmp_path):
    logs = [tmp_path / name for name in "ab"]
    trainings = {
        number: PlannedJob("train", f"v4/P8/g{number}", number, logs=str(logs[number % 2]))
        for number in range(4)
    }
    grid = GridProgress(trainings, local=2)
    send(grid, "job_started", jobs=[0, 1])
    clock.now = 20.0
    for home, step in zip(logs, (100, 300), strict=True):
        home.mkdir()
        lines = ",".join(CURVE_COLUMNS), f"2026-01-01T00:00:00+00:00,{step},1000,0.5,0.1,10"
        (home / CURVE).write_text("\n".join(lines) + "\n")
    assert "started: 2 train (step 100 of 1000, 300 of 1000); " in grid.line()
    # 90 s and 70 s are left of those that run, and two more as long as these are shared by two.
    assert grid.seconds_left() == pytest.approx((90 + 70 + 2 * (20 + 80)) / 2, abs=2)


@pytest.mark.parametrize("line", ["", "spoilt", "2026,1,2,nan,0.1,0", "a,b,c,d,e,f"])
def test_a_curve_that_says_nothing_is_passed_over(tmp_path, line):
    (tmp_path / CURVE).write_text(f"{','.join(CURVE_COLUMNS)}\n{line}\n")
    assert last_point(tmp_path, 1e9) is None
    assert last_point(tmp_path / "absent", 1e9) is None


def test_a_curve_of_an_earlier_attempt_is_passed_over(tmp_path):
    path = tmp_path / CURVE
    path.write_text("2026,10,20,0.5,0.1,1\n")
    os.utime(path, (1, 1))
    assert last_point(tmp_path, 60.0) is None


def test_nothing_is_guessed_of_jobs_that_run_elsewhere(clock):
    jobs = {n: PlannedJob("train", f"v4/P8/g{n}", n, local=False) for n in (1, 2)}
    grid = GridProgress(jobs, local=2, elsewhere=64)
    send(grid, "job_started", jobs=[1, 2])
    assert grid.line().endswith("0 s passed, time left not known yet")
    clock.now = 100.0
    send(grid, "job_finished", job_id=1)
    clock.now = 130.0
    assert grid.line().endswith("2.2 min passed, about 1 s left")


def test_local_jobs_do_not_share_the_slots_of_the_cluster(clock):
    jobs = {n: PlannedJob("rhm_loss_curves", "", n) for n in range(20)}
    jobs[20] = PlannedJob("train", "v4/P8/g0", 20, local=False)
    grid = GridProgress(jobs, local=2, elsewhere=64)
    send(grid, "job_started", jobs=[20])
    clock.now = 64.0
    send(grid, "job_finished", job_id=20)
    assert grid.seconds_left() == pytest.approx(20 * 4.0 / 2)


def test_a_submission_is_told_by_what_was_submitted(grid, capsys):
    for name, slurm in ((1, 7), ("group", 8)):
        assert not send(grid, SUBMITTED, jobid=name, external_jobid=str(slurm))
    assert capsys.readouterr().err.splitlines() == [
        "queued: train v4/P8/g0 (Slurm job 7)",
        "queued: sample v4/P8/g0 and measure v4/P8/g0 (Slurm job 8)",
    ]


def test_what_is_told_here_is_not_shown_again(grid):
    assert not send(grid, "job_started", jobs=[1])
    assert not send(grid, "job_finished", job_id=1)
    assert not send(grid, "progress", done=1, total=4)
    assert not any(send(grid, message=f"Job 3 {sentence} 5 (log: x).") for sentence in CHATTER)
    assert send(grid, message="Trying to restart job 3.")
    assert send(grid, "job_error", jobid=2, rule_msg=None, log=[])


def test_the_last_lines_of_an_absent_file_are_none(tmp_path):
    assert last_lines(tmp_path / "absent") == []


def test_jobs_that_the_user_ended_have_not_failed(grid, logs, capsys):
    send(grid, "job_started", jobs=[1])
    assert send(grid, STOPPING, "Terminating processes on user request")
    assert not send(grid, "job_error", jobid=1, rule_msg=None, log=logs)
    assert not send(grid, "error", "RuleException in rule train", exception="RuleException")
    assert send(grid, "error", "WorkflowError: x", exception="WorkflowError")
    assert capsys.readouterr().err == ""
    assert error_line(logs[0]) == ""


def test_a_log_that_cannot_be_written_does_not_end_the_run(grid, tmp_path, capsys):
    (tmp_path / "logs").write_text("a file")
    send(grid, "job_started", jobs=[1])
    log = str(tmp_path / "logs/train.log")
    send(grid, "job_error", jobid=1, rule_msg="x", log=[log])
    assert capsys.readouterr().err == "failed: train v4/P8/g0 (x)\n"
