"""What Slurm says of the jobs of a run: its controller, and its accounts of what that forgets."""

import shlex
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from snakemake_executor_plugin_slurm.job_status_query import query_job_status_sacct

FAILED = {"BOOT_FAIL", "CANCELLED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY"}
FAILED |= {"PREEMPTED", "TIMEOUT"}
"""States in which a job has ended; of one that comes back, the controller says that it waits."""
FORGOTTEN = "UNKNOWN"
"""State of a job that neither the controller nor the accounts know; its outputs tell the rest."""
UNANSWERED = (OSError, subprocess.SubprocessError)
"""What is raised where Slurm does not answer."""
_PATIENCE = 60.0
"""Seconds that a question to Slurm may take."""
_DISABLED = "accounting storage is disabled"


class Answer(NamedTuple):
    """What Slurm says of one job: its state, and why it waits or failed."""

    state: str
    reason: str = "None"


def settle(queued: Answer | None, account: Answer | None) -> Answer:
    """What holds of a job, by the controller, which forgets it minutes after its end, and accounts.

    A job that only accounts take to be running has ended, in a way that nobody knows.
    """
    if queued is not None:
        return queued
    return account if account and has_ended(account.state) else Answer(FORGOTTEN)


def has_ended(state: str) -> bool:
    """Whether a job in this state is over for good."""
    return state in FAILED or state in ("COMPLETED", FORGOTTEN)


def describe_queue(answers: Iterable[Answer]) -> str:
    """How many jobs are in which state, and why those that wait do."""
    answers = list(answers)
    why = Counter(answer.reason for answer in answers if answer.state == "PENDING")
    reasons = ", ".join(f"{count} {reason}" for reason, count in why.most_common())
    states = Counter(answer.state.lower() for answer in answers).most_common()
    return ", ".join(
        f"{count} {state}" + (f" ({reasons})" if state == "pending" else "")
        for state, count in states
    )


def ask_controller(run_id: str) -> Mapping[str, Answer]:
    """Jobs of a run that the controller knows; raises OSError or SubprocessError if it is down."""
    shown = ["--all", "--states", "all", "--name", run_id, "--format", "%i|%T|%r"]
    return parse_answers(ask(["squeue", "--noheader", *shown]))


def ask_accounts(run_id: str) -> Mapping[str, Answer]:
    """Jobs of a run that are on account, none where the site keeps none; raises likewise."""
    try:
        return parse_answers(ask(shlex.split(query_job_status_sacct(run_id))))
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
    return subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=_PATIENCE
    ).stdout
