"""What a process gives up before a student's code runs in it: the network, other processes, writing elsewhere.

``python -m digitwise.exercise.isolation MODULE FOLDER FILE_BYTES DATA_BYTES`` shuts itself in, then works. So this
module imports nothing that starts threads: a process that has some cannot leave the network. Linux has all of it
without privileges; where a part is not to be had, the mark says so.

Among the system calls that are given up are those that reach outside whatever Landlock and namespaces say: a socket
file of the desktop, of Docker or of an ssh agent would do things for whoever connects to it, and the rights of a file
can be changed by its owner wherever it lies.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import importlib
import os
import platform
import signal
import struct
import sys
from pathlib import Path

NEW_MOUNTS, NEW_USER, NEW_PROCESSES, NEW_NETWORK = 0x20000, 0x10000000, 0x20000000, 0x40000000  # namespaces(7)
PRIVATE = 0x4000 | 0x40000  # mount(2): what is mounted from now on, anywhere, is seen here alone
SHARED_MEMORY = b"size=256m"  # it is in no process' account
DIE_WITH_PARENT, NO_NEW_PRIVILEGES = 1, 38  # prctl(2)
CREATE_RULESET, ADD_RULE, RESTRICT = 444, 445, 446  # landlock(7)
WRITE_FILE, MOVE, TRUNCATE = 1 << 1, 1 << 13, 1 << 14
CHANGE_FOLDER = sum(1 << bit for bit in range(4, 13))  # making and removing files of all kinds
DEVICES = ("/dev/null", "/dev/shm", "/dev/ptmx", "/dev/pts")  # for multiprocessing, and for ! in a notebook
SET_SECCOMP, FILTER = 22, 2  # prctl(2)
ARCHITECTURE, NUMBER, FIRST_ARGUMENT = 4, 0, 16  # where they stand in seccomp_data, see seccomp(2)
LOAD, EQUAL, AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06  # of the filter's little machine
ALLOW, FAIL = 0x7FFF0000, 0x00050000  # the latter with a number of errno; 0 is success, and nothing is done
FOREIGN = 0x40000000  # above are x32's numbers
AF_UNIX = 1
SETUP_RING = 425  # io_uring, whose requests no filter sees
NEW_CALLS = (452, 463, 466, 469)  # fchmodat2, setxattrat, removexattrat, file_setattr: alike everywhere
# By machine: the name of its calls, socket, and what changes rights, owners, times and attributes of files.
MACHINES = {
    "x86_64": (0xC000003E, 41, (*range(90, 95), 132, 188, 189, 190, 197, 198, 199, 235, 260, 261, 268, 280)),
    "aarch64": (0xC00000B7, 198, (5, 6, 7, 14, 15, 16, 52, 53, 54, 55, 88)),
}


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


def give_up_calls(libc: ctypes.CDLL) -> bool:
    """Have changes to files' rights, owners and times do nothing, and local sockets fail; whether that is to be had."""
    if platform.machine() not in MACHINES:
        return False
    steps = _steps(*MACHINES[platform.machine()])
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = struct.pack("@HP", len(steps), ctypes.addressof(code))
    return bool(libc.prctl(SET_SECCOMP, FILTER, ctypes.c_char_p(program), 0, 0) == 0)


def _steps(architecture: int, socket: int, changes: tuple[int, ...]) -> list[tuple[int, int, int, int]]:
    """The filter: code, how many steps to go on by where it is so and where it is not, and a value."""
    refuse = (RETURN, 0, 0, FAIL | errno.EPERM)
    steps = [(LOAD, 0, 0, ARCHITECTURE), (EQUAL, 1, 0, architecture), refuse]
    steps += [(LOAD, 0, 0, NUMBER), (AT_LEAST, 0, 1, FOREIGN), refuse]
    for number in (*changes, *NEW_CALLS):
        steps += [(EQUAL, 0, 1, number), (RETURN, 0, 0, FAIL)]
    steps += [(EQUAL, 0, 1, SETUP_RING), refuse, (EQUAL, 0, 3, socket)]
    return [*steps, (LOAD, 0, 0, FIRST_ARGUMENT), (EQUAL, 0, 1, AF_UNIX), refuse, (RETURN, 0, 0, ALLOW)]


def main() -> None:
    """Give up what is not needed, then call the module's ``main(folder, missing)``."""
    module, folder, file_bytes, data_bytes = sys.argv[1:]
    sys.argv[1:] = []
    missing = isolate(Path(folder), file_bytes=int(file_bytes), data_bytes=int(data_bytes))
    importlib.import_module(module).main(Path(folder), missing)


if __name__ == "__main__":
    main()
