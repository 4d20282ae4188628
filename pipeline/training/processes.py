"""Processes that train together: those of one job on one machine, and none without the first.

Lightning starts the others from the first one, and tells them by the environment who they are. It
also believes what other programs have left there; and if the first process is killed, the others
would wait for it in vain.
"""

import os
import sys
import threading
import time

_FIRST = "PIPELINE_FIRST_PROCESS"
"""Environment variable with the number of the process that started the others."""
_FOREIGN = (
    *("RANK", "LOCAL_RANK", "GROUP_RANK", "NODE_RANK", "WORLD_SIZE"),
    *("MASTER_ADDR", "MASTER_PORT", "STANDALONE_PORT"),
)
"""Variables by which Lightning would take this process for one of another group."""
_GLANCE = 1.0
"""Seconds between two looks at the first process."""


def keep_to_ourselves(processes: int) -> None:
    """In the first process, forget other groups; let every other process end with the first."""
    first = os.environ.get(_FIRST)
    if processes > 1 and first not in (None, str(os.getpid())) and "LOCAL_RANK" in os.environ:
        threading.Thread(target=_follow, args=(int(first),), daemon=True).start()
        return
    for name in _FOREIGN:
        os.environ.pop(name, None)
    if processes > 1:
        os.environ[_FIRST] = str(os.getpid())


def _follow(first: int) -> None:
    """End this process with its parent, also from within a call that never returns."""
    while os.getppid() == first:
        time.sleep(_GLANCE)
    print("training: ended, as the process that started this one is gone", file=sys.stderr)
    os._exit(1)
