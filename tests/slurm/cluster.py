"""A real, throwaway Slurm on this machine: `python -m tests.slurm.cluster start` and `stop`.

For Debian and Ubuntu, as root, without systemd: in a container or a virtual machine. Every node is
a slurmd of its own; two GPUs are pretended, which jobs get but are not told to use; slurmdbd and
MariaDB keep accounts, so that sacct answers as on real clusters. All state lies in one directory;
outside of it there are only the packages, a line in /etc/hosts with the nodes' names (torch looks
them up) and the link /etc/slurm/slurm.conf (Snakemake's plugin drops SLURM_CONF from the
environment of jobs).
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

DIRECTORY = Path(tempfile.gettempdir(), "test-slurm")
LINK = Path("/etc/slurm/slurm.conf")
HOSTS = Path("/etc/hosts")
MARK = "# test Slurm"
NODES = ("cpu1", "cpu2", "gpu1", "old1", "old2", "spot1", "spot2")
DAEMONS = ("munged", "mariadbd", "slurmdbd", "slurmctld", "slurmd")
"""In the order in which they start."""
DATABASE_SOCKET = DIRECTORY / "database.socket"
PORT = 17817
PACKAGES = {
    "slurmctld": "slurm-wlm",
    "munged": "munge",
    "slurmdbd": "slurmdbd",
    "mariadbd": "mariadb-server",
}


def start() -> None:
    """Bring the cluster up, anew if need be.

    Raises:
        SystemExit: not root, no apt-get, or this machine has a Slurm of its own.
    """
    if os.geteuid() != 0:
        sys.exit("cluster: needs root, as slurmd starts jobs; run it in a container")
    if LINK.exists() and not _is_ours():
        sys.exit(f"cluster: {LINK} exists: this machine has a Slurm of its own")
    _install_packages()
    stop()
    _configure()
    _spawn("munged", "--foreground", "--force", *_munge_files())
    _wait_for("munged", lambda: _succeeds("munge", "-n", "-S", str(DIRECTORY / "munge.socket")))
    _start_accounting()
    _spawn("slurmctld", "-D", "-i")
    _wait_for("slurmctld", lambda: "is UP" in _answer("scontrol", "ping"))
    for node in NODES:
        start_node(node)
    _wait_for("the nodes", _nodes_are_idle)


def start_node(node: str) -> None:
    """Start the daemon of a node."""
    _spawn("slurmd", "-D", "-N", node)


def cut_power(node: str, job: str) -> None:
    """Kill the daemon of a node, and all processes of the job that runs there."""
    for place in Path("/proc").glob("[0-9]*"):
        try:
            command = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            variables = (place / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        of_job = f"SLURM_JOB_ID={job}".encode() in variables or f"slurmstepd: [{job}." in command
        if of_job or command.strip() == f"slurmd -D -N {node}":
            os.kill(int(place.name), signal.SIGKILL)


def _nodes_are_idle() -> bool:
    lines = set(_answer("sinfo", "-hNo", "%N %T").splitlines())
    return lines == {f"{node} idle" for node in NODES}


def stop() -> None:
    """End jobs and daemons, and remove what is outside the directory."""
    if _is_ours() and _succeeds("scontrol", "ping"):
        _succeeds("scancel", "--me")
        _wait_for("the end of jobs", lambda: not _answer("squeue", "-ht", "R,PD,CG").strip())
    for daemon in reversed(DAEMONS):
        pids = list(DIRECTORY.glob(f"pids/{daemon}.*"))
        _end([int(path.suffix[1:]) for path in pids])
        for path in pids:
            path.unlink()
    if _is_ours():
        LINK.unlink()
    lines = HOSTS.read_text().splitlines(keepends=True)
    if any(MARK in line for line in lines):
        HOSTS.write_text("".join(line for line in lines if MARK not in line))


def _is_ours() -> bool:
    return LINK.is_symlink() and LINK.readlink() == DIRECTORY / "slurm.conf"


def _install_packages() -> None:
    missing = [package for program, package in PACKAGES.items() if not shutil.which(program)]
    if missing and not shutil.which("apt-get"):
        sys.exit(f"cluster: install {' and '.join(missing)} first; there is no apt-get")
    if missing:
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update", "-qq"], ["install", "-qq", "--no-install-recommends", *missing]):
            subprocess.run(["apt-get", "-y", *command], env=environment, check=True, stdout=2)


def _configure() -> None:
    for name in ("state", "spool", "pids", "gpus", "database"):
        shutil.rmtree(DIRECTORY / name, ignore_errors=True)
        (DIRECTORY / name).mkdir(parents=True)
    (DIRECTORY / "log").mkdir(exist_ok=True)
    for node in NODES:
        (DIRECTORY / "spool" / node).mkdir()
    host = socket.gethostname().partition(".")[0]
    words = {"DIR": str(DIRECTORY), "PORT": str(PORT), "ACCOUNTING_PORT": str(PORT - 1)}
    _fill_in("slurm.conf", words | {"HOST": host, "NODES": _nodes(host)}, mode=0o644)
    _fill_in("slurmdbd.conf", words, mode=0o600)
    for number in range(2):  # links to /dev/null are enough to be counted and handed out
        (DIRECTORY / f"gpus/gpu{number}").symlink_to("/dev/null")
    gres = f"NodeName=gpu1 Name=gpu Type=test File={DIRECTORY}/gpus/gpu[0-1] Flags=no_gpu_env\n"
    (DIRECTORY / "gres.conf").write_text(f"AutoDetect=off\n{gres}")
    LINK.parent.mkdir(exist_ok=True)
    LINK.symlink_to(DIRECTORY / "slurm.conf")
    with HOSTS.open("a") as hosts:
        hosts.write(f"127.0.0.1 {' '.join(NODES)} {MARK}\n")
    key = DIRECTORY / "munge.key"
    key.touch(mode=0o600)
    key.write_bytes(os.urandom(1024))


def _fill_in(name: str, words: dict[str, str], mode: int) -> None:
    config = Path(__file__).with_name(name).read_text()
    for word, value in words.items():
        config = config.replace(f"@{word}@", value)
    (DIRECTORY / name).write_text(config)
    (DIRECTORY / name).chmod(mode)


def _nodes(host: str) -> str:
    common = f"NodeHostname={host} NodeAddr=127.0.0.1 CPUs=8 RealMemory=128000"
    gres = {"gpu1": " Gres=gpu:test:2"}
    numbered = enumerate(NODES, start=PORT + 1)
    return "\n".join(
        f"NodeName={name} Port={port} {common}{gres.get(name, '')}" for port, name in numbered
    )


def _start_accounting() -> None:
    """Start the database and the daemon that writes to it, and name the cluster to them."""
    place = ["--no-defaults", "--user=root", f"--datadir={DIRECTORY}/database"]
    options = ["--auth-root-authentication-method=socket", "--skip-test-db"]
    with (DIRECTORY / "log/mariadb-install-db.out").open("w") as log:
        subprocess.run(["mariadb-install-db", *place, *options], check=True, stdout=log)
    names = [f"--socket={DATABASE_SOCKET}", f"--pid-file={DIRECTORY}/mariadbd.pid"]
    _spawn("mariadbd", *place, *names, "--skip-networking")
    ping = ("mariadb-admin", "--no-defaults", f"--socket={DATABASE_SOCKET}", "ping")
    _wait_for("mariadbd", lambda: _succeeds(*ping))
    _spawn("slurmdbd", "-D")
    _wait_for("slurmdbd", lambda: _succeeds("sacctmgr", "-n", "list", "cluster"))
    subprocess.run(["sacctmgr", "-i", "add", "cluster", "test"], check=True, stdout=2)


def _munge_files() -> list[str]:
    names = {"key": "key-file", "socket": "socket", "pid": "pid-file", "log": "log-file"}
    names["seed"] = "seed-file"
    return [f"--{option}={DIRECTORY}/munge.{name}" for name, option in names.items()]


def _spawn(*command: str) -> None:
    """Start a daemon that outlives this process, and note its pid."""
    environment = os.environ | {"SLURM_CONF": f"{DIRECTORY}/slurm.conf"}  # for those beside it
    environment["MYSQL_UNIX_PORT"] = str(DATABASE_SOCKET)
    with (DIRECTORY / f"log/{command[0]}.out").open("ab") as log:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    (DIRECTORY / f"pids/{command[0]}.{process.pid}").touch()


def _end(pids: list[int]) -> None:
    """Terminate processes together, and kill those that take too long."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in filter(_is_alive, pids):
            os.kill(pid, number)
        end = time.monotonic() + 5
        while any(map(_is_alive, pids)) and time.monotonic() < end:
            time.sleep(0.05)


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


def _answer(*command: str) -> str:
    answer = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return answer.stdout


def _succeeds(*command: str) -> bool:
    if not shutil.which(command[0]):
        return False
    return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0


def _wait_for(what: str, condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"cluster: {what} did not come up; see {DIRECTORY}/log")
        time.sleep(0.1)


if __name__ == "__main__":
    {"start": start, "stop": stop}[sys.argv[1]]()
