"""What a process gives up before a student's code runs in it: the network, other processes, writing elsewhere.

Called first thing in the process, while it has one thread. Linux has all of it without privileges; where a part is not
to be had, the mark says so.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import struct
import sys
from pathlib import Path

from digitwise.exercise.calls import give_up_calls

NEW_MOUNTS, NEW_USER, NEW_PROCESSES, NEW_NETWORK = 0x20000, 0x10000000, 0x20000000, 0x40000000  # namespaces(7)
PRIVATE = 0x4000 | 0x40000  # mount(2): what is mounted from now on, anywhere, is seen here alone
SHARED_MEMORY = b"size=256m"  # it is in no process' account
DIE_WITH_PARENT, NO_NEW_PRIVILEGES = 1, 38  # prctl(2)
CREATE_RULESET, ADD_RULE, RESTRICT = 444, 445, 446  # landlock(7)
WRITE_FILE, MOVE, TRUNCATE = 1 << 1, 1 << 13, 1 << 14
CHANGE_FOLDER = sum(1 << bit for bit in range(4, 13))  # making and removing files of all kinds
DEVICES = ("/dev/null", "/dev/shm", "/dev/ptmx", "/dev/pts")  # for multiprocessing, and for ! in a notebook


def isolate(folder: Path, *, file_bytes: int, data_bytes: int) -> list[str]:
    """Give up what a student's code must not have, in this process and all that it starts.

    Parameters
    ----------
    folder : Path
        The only place that can be written to from now on.
    file_bytes : int
        The largest file.
    data_bytes : int
        The most memory one process can ask for: far above the watched limit, so that a single huge request fails
        at once, and libraries that reserve more than they use still work.

    Returns
    -------
    list of str
        What this platform does not offer, in words; empty where all is given up.
    """
    if sys.platform == "win32":
        return ["no network: not on this platform", "no writing elsewhere: not on this platform"]
    _limit(file_bytes, data_bytes)
    if sys.platform != "linux":
        return ["no network: not on this platform", "no writing elsewhere: not on this platform"]
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
    missing = []
    if not _leave_network(libc):
        missing.append("no network: this system does not let users leave it")
    libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    if not _write_only_in(libc, folder):
        missing.append("no writing elsewhere: this kernel has no Landlock")
    if not give_up_calls(libc):
        missing.append("no local services and no change of files' rights: this system does not filter calls")
    return missing


def _limit(file_bytes: int, data_bytes: int) -> None:
    import resource

    for what, most in (("RLIMIT_CORE", 0), ("RLIMIT_FSIZE", file_bytes), ("RLIMIT_DATA", data_bytes)):
        number = getattr(resource, what)
        hard = resource.getrlimit(number)[1]
        lower = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(number, (lower, lower))
    if sys.platform == "linux":  # where memory runs out all the same, this process is the one to go
        Path("/proc/self/oom_score_adj").write_text("1000")


def _leave_network(libc: ctypes.CDLL) -> bool:
    """Go on in a child with no network and with shared memory of its own; its end is that of all it has started."""
    user, group = os.getuid(), os.getgid()
    if libc.unshare(NEW_USER | NEW_NETWORK | NEW_PROCESSES | NEW_MOUNTS):
        return False
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with contextlib.suppress(OSError):  # a user without a name here still owns the same files
            Path(f"/proc/self/{name}").write_text(text)
    if libc.mount(None, b"/", None, PRIVATE, None) == 0:
        libc.mount(b"tmpfs", b"/dev/shm", b"tmpfs", 0, SHARED_MEMORY)
    if child := os.fork():
        _, status = os.waitpid(child, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
    libc.prctl(DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
    return True


def _write_only_in(libc: ctypes.CDLL, folder: Path) -> bool:
    version = libc.syscall(CREATE_RULESET, None, 0, 1)
    if version < 2:  # the first cannot rename from one folder to another
        return False
    handled = WRITE_FILE | CHANGE_FOLDER | MOVE | (TRUNCATE if version >= 3 else 0)
    rules = libc.syscall(CREATE_RULESET, struct.pack("=Q", handled), 8, 0)
    for place in (str(folder), *filter(os.path.exists, DEVICES)):
        allowed = handled if os.path.isdir(place) else handled & (WRITE_FILE | TRUNCATE)
        opened = os.open(place, os.O_PATH | os.O_CLOEXEC)
        libc.syscall(ADD_RULE, rules, 1, struct.pack("=Qi", allowed, opened), 0)
        os.close(opened)
    done: bool = libc.syscall(RESTRICT, rules, 0) == 0
    os.close(rules)
    return done
