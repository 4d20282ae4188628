"""Lines for jobs that end and for the grid, from the events that Snakemake sends."""

import logging

import pytest

from pipeline import progress
from pipeline.progress import GridProgress, Hush, PlannedJob, last_lines

JOBS = {
    1: PlannedJob("train", "v4/P8/g0", 1),
    2: PlannedJob("sample", "v4/P8/g0", "group"),
    3: PlannedJob("measure", "v4/P8/g0", "group"),
    4: PlannedJob("claims", "", 4),
}


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
    return GridProgress(JOBS, workers=2)


def send(handler, event, **values):
    record = logging.LogRecord("snakemake", logging.INFO, "", 0, "", None, None)
    vars(record).update(event=event, **values)
    handler.emit(record)


def test_a_job_that_ends_has_a_line(grid, clock, capsys):
    send(grid, "job_started", jobs=[1])
    clock.now = 120.0
    send(grid, "job_finished", job_id=1)
    assert capsys.readouterr().err == "done:   train v4/P8/g0 (2.0 min)\n"
    assert grid.line() == (
        "grid: 1 of 4 jobs done, 3 left; started: none; 2.0 min passed, about 26 s left"
    )


def test_jobs_of_a_group_start_together_and_end_one_by_one(grid, clock, capsys):
    send(grid, "job_started", jobs=["group"])
    assert "2 left; started: 1 sample, 1 measure;" in grid.line()
    clock.now = 5.0
    send(grid, "job_finished", job_id=2)
    send(grid, "job_finished", job_id=3)
    assert capsys.readouterr().err.count("done:   ") == 2


def test_a_failed_job_shows_the_end_of_its_log_and_may_be_tried_again(grid, tmp_path, capsys):
    rule, slurm = tmp_path / "train.log", tmp_path / "slurm.log"
    rule.write_text("".join(f"line {number}\n\n" for number in range(9)))
    slurm.write_text("noise\n")
    send(grid, "job_started", jobs=[1])
    send(grid, "job_error", jobid=1, rule_msg="status: 'FAILED'. More", log=[str(rule), str(slurm)])
    head, *lines = capsys.readouterr().err.splitlines()
    assert head == f"failed: train v4/P8/g0 (status: 'FAILED'); the end of {rule}, {slurm}:"
    assert [line.strip() for line in lines] == [f"line {number}" for number in range(4, 9)]
    assert "jobs done, 1 failed, 3 left" in grid.line()
    send(grid, "job_started", jobs=[1])
    assert "failed" not in grid.line()


def test_slurms_log_stands_in_for_one_that_was_never_written(grid, tmp_path, capsys):
    slurm = tmp_path / "slurm.log"
    slurm.write_text("no such node\n")
    send(grid, "job_started", jobs=[1])
    send(grid, "job_error", jobid=1, rule_msg=None, log=["absent.log", str(slurm)])
    assert capsys.readouterr().err.endswith("no such node\n")


def test_the_estimate_learns_from_jobs_that_ended(grid, clock):
    send(grid, "job_started", jobs=[1, "group"])
    clock.now = 100.0
    for number in (1, 2, 3):
        send(grid, "job_finished", job_id=number)
    assert grid.seconds_left() == pytest.approx(4.0 / 2)
    send(grid, "job_started", jobs=[4])
    assert grid.seconds_left() == pytest.approx(4.0)


def test_what_is_said_again_is_hushed():
    def heard(message, **values):
        record = logging.LogRecord("snakemake", logging.INFO, "", 0, message, None, None)
        vars(record).update(values)
        return Hush().filter(record)

    assert not heard("Finished jobid: 3", event="job_finished")
    assert not heard("Select jobs to execute...")
    assert heard("Trying to restart job 3.")
    assert heard("Error in rule train", event="job_error")


def test_the_last_lines_of_an_absent_file_are_none(tmp_path):
    assert last_lines(tmp_path / "absent") == []
