"""Where this is on PYTHONPATH, jobs write down which functions of the package they call.

Of each, the file and line where it begins; and of one that is called while a module is imported,
the file and line of the statement of that module that it is called for. Checks of settings, which
pydantic calls, are left out: they refuse values and change none.
"""

import atexit
import builtins
import json
import os
import sys
import threading
from pathlib import Path

PACKAGE, PYDANTIC = f"{os.sep}pipeline{os.sep}", f"{os.sep}pydantic{os.sep}"
FOREIGN, KNOWN, CALLS = set(), set(), set()
SEEN = set()
"""Code whose calls are known and were not made by an import, so that no further one says more."""


def is_ours(code):
    if code in FOREIGN:
        return False
    if code not in KNOWN:
        (KNOWN if PACKAGE in code.co_filename else FOREIGN).add(code)
    return code in KNOWN


def trace(frame, _event, _argument):
    code = frame.f_code
    if code in SEEN or not is_ours(code) or code.co_name == "<module>" or is_check(frame):
        return
    path, line = importing(frame)
    CALLS.add((code.co_filename, code.co_firstlineno, path, line))
    if path is None:
        SEEN.add(code)


def is_check(frame):
    while frame := frame.f_back:
        if PYDANTIC in frame.f_code.co_filename:
            return True
    return False


def importing(frame):
    """Where a module is that is being imported, if one is."""
    while frame := frame.f_back:
        code = frame.f_code
        if code.co_name == "<module>" and is_ours(code) and "__main__" not in code.co_filename:
            return code.co_filename, frame.f_lineno
    return None, None


def import_quietly(name, *arguments, original=builtins.__import__, **named):
    """Import other packages without looking at their calls, which are many."""
    if name.partition(".")[0] == "pipeline" or sys.gettrace() is None:
        return original(name, *arguments, **named)
    sys.settrace(None)
    try:
        return original(name, *arguments, **named)
    finally:
        sys.settrace(trace)


def write():
    name = f"{os.getpid()}_{threading.get_ident()}.json"
    record = {"arguments": sys.orig_argv, "calls": sorted(CALLS, key=repr)}
    Path(os.environ["TRACED_CALLS"], name).write_text(json.dumps(record))


if sys.orig_argv[1:3] == ["-m", "pipeline"]:
    atexit.register(write)
    threading.settrace(trace)
    sys.settrace(trace)
    builtins.__import__ = import_quietly
