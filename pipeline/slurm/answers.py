"""What Slurm says of the jobs of a run: its controller, and its accounts of what that forgets."""

import os
import re
import subprocess
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from pipeline.slurm.environment import slurm_environment

FAILED = {"BOOT_FAIL", "CANCELLED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY"}
FAILED |= {"PREEMPTED", "TIMEOUT"}
"""States in which a job has ended; of one that comes back, the controller says that it waits."""
FORGOTTEN = "UNKNOWN"
"""State of a job that neither the controller nor the accounts know; its outputs tell the rest."""
_BY_ACCOUNTS = "by accounts alone, the controller does not know it"
"""Reason of a job that may have died with a node or the controller; the site can mend accounts."""
UNANSWERED = (OSError, subprocess.SubprocessError)
"""What is raised where Slurm does not answer."""
_PATIENCE = 60.0
"""Seconds that a question to Slurm may take."""
_DISABLED = "accounting storage is disabled"
_NO_SUCH_JOB = "Invalid job id"
_SHOWN = ["--noheader", "--all", "--states", "all", "--format", "%i|%T|%r"]
"""Options of squeue: every job, also of hidden partitions and just after its end."""


class Answer(NamedTuple):
    """What Slurm says of one job: its state, and why it waits or failed."""

    state: str
    reason: str = "None"


def has_ended(state: str) -> bool:
    """Whether a job in this state is over for good."""
    return state in FAILED or state in ("COMPLETED", FORGOTTEN)


def describe_queue(answers: Iterable[Answer]) -> str:
    """How many jobs are in which state, and why those that wait do."""
    answers = list(answers)
    told = [a for a in answers if a.state == "PENDING" or a.reason == _BY_ACCOUNTS]
    states, lines = Counter(answer.state for answer in answers), []
    for state, count in states.most_common():
        why = Counter(answer.reason for answer in told if answer.state == state).most_common()
        reasons = ", ".join(f"{number} {reason}" for reason, number in why)
        lines.append(f"{count} {state.lower()}" + (f" ({reasons})" if why else ""))
    return ", ".join(lines)


def look_up(run_id: str, jobs: Collection[str]) -> dict[str, Answer]:
    """What holds of every one of these jobs of a run.

    The controller decides. It forgets a job minutes after its end, which accounts remember. That a
    job is missing from a list says nothing: a job is forgotten only if the controller says so of
    this very job, and a job that accounts call running is running.

    Raises:
        OSError, SubprocessError: Slurm does not answer.
    """
    answers = {job: answer for job, answer in ask_controller(run_id).items() if job in jobs}
    missing = [job for job in jobs if job not in answers]
    accounts = ask_accounts(run_id) if missing else {}
    for job in missing:
        account = accounts.get(job)
        if account and has_ended(account.state):
            answers[job] = account
        else:
            claimed = Answer(account.state, _BY_ACCOUNTS) if account else Answer(FORGOTTEN)
            answers[job] = ask_about(job) or claimed
    return answers


def ask_controller(run_id: str) -> Mapping[str, Answer]:
    """Jobs of a run that the controller lists; raises OSError or SubprocessError if it is down."""
    return parse_answers(ask(["squeue", *_SHOWN, "--name", run_id]))


def ask_about(job: str) -> Answer | None:
    """What the controller says of one job; None if it says that it does not know it.

    Raises:
        OSError, SubprocessError: it does not answer, or with nothing.
    """
    try:
        answers = parse_answers(ask(["squeue", *_SHOWN, "--jobs", job]))
    except subprocess.CalledProcessError as error:
        if _NO_SUCH_JOB in error.stderr:
            return None
        raise
    if job not in answers:
        raise subprocess.SubprocessError(f"squeue says nothing of job {job}")
    return answers[job]


def cluster_name() -> str:
    """Name of the cluster that answers; raises OSError or SubprocessError if none does."""
    found = re.search(
        r"^ClusterName\s*=\s*(\S+)", ask(["scontrol", "show", "config"]), re.MULTILINE
    )
    return found[1] if found else ""


def ask_accounts(run_id: str) -> Mapping[str, Answer]:
    """Jobs of a run that are on account, none where the site keeps none; raises likewise."""
    shown = ["--allocations", "--noheader", "--parsable2", "--format", "JobIDRaw,State"]
    try:
        return parse_answers(ask(["sacct", *shown, "--starttime", "now-7days", "--name", run_id]))
    except FileNotFoundError:
        return {}
    except subprocess.CalledProcessError as error:
        if _DISABLED in error.stderr:
            return {}
        raise


def parse_answers(text: str) -> dict[str, Answer]:
    """Jobs by number from lines `number|state|reason`, of which accounts lack the reason."""
    rows = [line.split("|") for line in text.splitlines()]
    states = [row for row in rows if row[1:] and row[1].strip()]
    return {row[0]: Answer(row[1].split()[0], *row[2:3]) for row in states}  # "CANCELLED by 1000"


def error_text(error: Exception) -> str:
    """What a command of Slurm said, or what became of it, in one line."""
    return " ".join(str(getattr(error, "stderr", None) or error).split())


def ask(command: list[str]) -> str:
    """What a command of Slurm prints; raises one of UNANSWERED if it fails."""
    environment = slurm_environment(os.environ)
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        errors="replace",
        check=True,
        timeout=_PATIENCE,
        env=environment,
    ).stdout
