"""A Slurm of one file: commands that list and cancel the jobs in it, with Slurm's own filters."""

import os
import sys
from pathlib import Path

COMMAND = """#!{python} -IS
import os, sys
from pathlib import Path

name, *words = [Path(sys.argv[0]).name, *sys.argv[1:]]
options = dict(zip(words, words[1:]))
hidden = any(v.startswith(("SQUEUE_", "SACCT_", "SCANCEL_", "SLURM_JOB")) for v in os.environ)
file = Path({jobs!r})
rows = [line.split("|") for line in file.read_text().splitlines()]
keys = ["%i", "%j", "%T", "%L", "%Z"]
jobs = [dict(zip(keys, row)) | {{"%r": "None"}} for row in rows]
if name == "scontrol":
    print("ClusterName             =", os.environ.get("SLURM_CLUSTERS", "here"))
    sys.exit()
chosen = [j for j in jobs if options.get("--name", j["%j"]) == j["%j"]]
chosen = [j for j in chosen if options.get("--jobs", j["%i"]) == j["%i"]]
accounted = lambda job: job["%T"].startswith("accounted ")
if name == "scancel":
    cancelled = [] if hidden else [job["%i"] for job in chosen]
    lines = ["|".join([*row[:2], "CANCELLED", *row[3:]]) if row[0] in cancelled else "|".join(row)
             for row in rows]
    file.write_text("".join(f"{{line}}\\n" for line in lines))
elif name == "sacct":
    for job in chosen:
        print(job["%i"], job["%T"].removeprefix("accounted "), sep="|")
else:
    alive = ("PENDING", "RUNNING")
    chosen = [j for j in chosen if j["%T"] in alive or "--states" in options and not accounted(j)]
    if "--jobs" in options and not chosen:
        sys.exit("slurm_load_jobs error: Invalid job id specified")
    for job in chosen if not hidden else []:
        line = options["--format"]
        for key, value in job.items():
            line = line.replace(key, value)
        print(line)
"""


class FakeSlurm:
    """Puts the commands into PATH; a state "accounted X" is one that accounts alone know."""

    def __init__(self, directory: Path, monkeypatch) -> None:
        self._jobs = directory / "jobs"
        self._jobs.write_text("")
        for name in ("squeue", "sacct", "scancel", "scontrol"):
            path = directory / name
            path.write_text(COMMAND.format(python=sys.executable, jobs=str(self._jobs)))
            path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{directory}:{os.environ['PATH']}")

    def add(self, number: int, name: str, state: str, left: str = "1:00", place: str = "/") -> None:
        """Let there be a job."""
        with self._jobs.open("a") as file:
            file.write(f"{number}|{name}|{state}|{left}|{place}\n")

    def states(self) -> dict[str, str]:
        """States by number."""
        rows = [line.split("|") for line in self._jobs.read_text().splitlines()]
        return {row[0]: row[2] for row in rows}
