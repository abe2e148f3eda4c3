"""What a process gives up before it runs a student's code: the network, other processes, files that are not its own.

``python -m digitwise.exercise.isolation MODULE FOLDER FILE_BYTES DATA_BYTES`` isolates itself, then calls the module.
This module imports nothing that starts threads, since a process with threads cannot leave the network. Linux offers
all of it to unprivileged users; where a platform lacks a part, the mark says so.

Landlock and namespaces do not stop two ways out, so a filter of system calls does: a socket file (of a desktop, Docker
or an ssh agent) serves everybody who connects to it, and the owner of a file may change its permissions anywhere.
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
PRIVATE = 0x4000 | 0x40000  # mount(2): later mounts are visible in this process alone
NOTHING_SPECIAL = 2 | 4 | 8  # mount(2): no setuid programs, no devices, no programs
SHARED_MEMORY = b"size=256m"  # counts for no process
DIE_WITH_PARENT, NO_NEW_PRIVILEGES = 1, 38  # prctl(2)
CREATE_RULESET, ADD_RULE, RESTRICT = 444, 445, 446  # landlock(7)
EXECUTE, WRITE_FILE, READ_FILE, READ_FOLDER, MOVE, TRUNCATE = 1, 1 << 1, 1 << 2, 1 << 3, 1 << 13, 1 << 14
READING = EXECUTE | READ_FILE | READ_FOLDER
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE  # a rule for a file allows nothing else
CHANGE_FOLDER = sum(1 << bit for bit in range(4, 13))  # making and removing files of all kinds
# Read by Python and its libraries; of /etc only what says nothing about this machine's secrets.
SYSTEM = (
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/bin",
    "/sbin",
    "/sys",
    "/proc",
    "/dev/zero",
    "/dev/random",
    "/dev/urandom",
)
SETTINGS = (
    *("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "timezone", "fonts", "mime.types", "passwd", "group"),
    *("nsswitch.conf", "alternatives", "os-release", "hosts", "resolv.conf", "host.conf", "gai.conf", "inputrc"),
    *("bash.bashrc", "profile", "terminfo", "locale.alias", "ssl/certs", "ssl/openssl.cnf", "OpenCL"),
)
DEVICES = ("/dev/null", "/dev/shm", "/dev/ptmx", "/dev/pts")  # for multiprocessing, and for ! in a notebook
SET_SECCOMP, FILTER = 22, 2  # prctl(2)
ARCHITECTURE, NUMBER, FIRST_ARGUMENT = 4, 0, 16  # offsets in seccomp_data, see seccomp(2)
LOAD, EQUAL, AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06  # instructions of the filter
ALLOW, FAIL = 0x7FFF0000, 0x00050000  # FAIL plus an errno; with errno 0 the call does nothing and succeeds
FOREIGN = 0x40000000  # the numbers of x32 start here
AF_UNIX = 1
NO_NETWORK, NO_FILES, ELSEWHERE = "no network", "no files but its own", ": not on this platform"
SETUP_RING = 425  # io_uring, whose requests no filter sees
NEW_CALLS = (452, 463, 466, 469)  # fchmodat2, setxattrat, removexattrat, file_setattr: the same on all machines
# By machine: its architecture number, the call socket, the calls that change permissions, owners, times, attributes.
MACHINES = {
    "x86_64": (0xC000003E, 41, (*range(90, 95), 132, 188, 189, 190, 197, 198, 199, 235, 260, 261, 268, 280)),
    "aarch64": (0xC00000B7, 198, (5, 6, 7, 14, 15, 16, 52, 53, 54, 55, 88)),
}


def isolate(folder: Path, *, file_bytes: int, data_bytes: int) -> list[str]:
    """Isolate this process and every process that it starts.

    Parameters
    ----------
    folder : Path
        The only place that stays writable. Besides it the system's programs, Python, its libraries and the targets of
        links in the folder can be read.
    file_bytes : int
        The largest file.
    data_bytes : int
        The most memory that one process can request. Far above the watched limit: a single huge request fails at once,
        and libraries that reserve more than they use still work.

    Returns
    -------
    list of str
        The protections that this platform lacks, in words; empty where it has all.
    """
    if sys.platform == "win32":
        return [NO_NETWORK + ELSEWHERE, NO_FILES + ELSEWHERE]
    _limit(file_bytes, data_bytes)
    if sys.platform != "linux":
        return [NO_NETWORK + ELSEWHERE, NO_FILES + ELSEWHERE]
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
    missing = []
    if not _leave_network(libc):
        missing.append(f"{NO_NETWORK}: this system does not let users leave it")
    libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    if not _only_in(libc, folder):
        missing.append(f"{NO_FILES}: this kernel has no Landlock")
    if not give_up_calls(libc):
        missing.append("no local services and no change of permissions: this system does not filter calls")
    return missing


def _limit(file_bytes: int, data_bytes: int) -> None:
    import resource

    for what, most in (("RLIMIT_CORE", 0), ("RLIMIT_FSIZE", file_bytes), ("RLIMIT_DATA", data_bytes)):
        number = getattr(resource, what)
        hard = resource.getrlimit(number)[1]
        lower = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(number, (lower, lower))
    if sys.platform == "linux":  # if memory runs out, the kernel ends this process first
        Path("/proc/self/oom_score_adj").write_text("1000")


def _leave_network(libc: ctypes.CDLL) -> bool:
    """Continue in a child without network and with its own shared memory; when it ends, all that it started ends."""
    user, group = os.getuid(), os.getgid()
    if libc.unshare(NEW_USER | NEW_NETWORK | NEW_PROCESSES | NEW_MOUNTS):
        return False
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with contextlib.suppress(OSError):  # an unmapped user still owns the same files
            Path(f"/proc/self/{name}").write_text(text)
    if libc.mount(None, b"/", None, PRIVATE, None) == 0:
        libc.mount(b"tmpfs", b"/dev/shm", b"tmpfs", 0, SHARED_MEMORY)
    if child := os.fork():
        _, status = os.waitpid(child, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
    libc.prctl(DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
    libc.mount(b"proc", b"/proc", b"proc", NOTHING_SPECIAL, None)  # shows this process and its children alone
    return True


def _only_in(libc: ctypes.CDLL, folder: Path) -> bool:
    """Leave a folder to read and write, and what Python needs to read; False without Landlock."""
    version = libc.syscall(CREATE_RULESET, None, 0, 1)
    if version < 2:  # version 1 cannot rename between folders
        return False
    writing = WRITE_FILE | CHANGE_FOLDER | MOVE | (TRUNCATE if version >= 3 else 0)
    rules = libc.syscall(CREATE_RULESET, struct.pack("=Q", READING | writing), 8, 0)
    for place in (str(folder), *DEVICES):
        _allow(libc, rules, place, READING | writing)
    for place in _readable(folder):
        _allow(libc, rules, place, READING)
    done: bool = libc.syscall(RESTRICT, rules, 0) == 0
    os.close(rules)
    return done


def _allow(libc: ctypes.CDLL, rules: int, place: str, allowed: int) -> None:
    with contextlib.suppress(OSError):  # not on this system, or not for this user
        opened = os.open(place, os.O_PATH | os.O_CLOEXEC)
        rights = allowed if os.path.isdir(place) else allowed & OF_FILES
        libc.syscall(ADD_RULE, rules, 1, struct.pack("=Qi", rights, opened), 0)
        os.close(opened)


def _readable(folder: Path) -> list[str]:
    """The system, Python with its libraries, and the data that the folder links to."""
    python = {sys.prefix, sys.base_prefix, sys.exec_prefix, os.path.realpath(sys.executable)}
    # A zip or folder of modules; the working folder is the process' own already.
    modules = {os.path.realpath(place) for place in sys.path if place and os.path.isabs(place)}
    data = {str(link.resolve()) for link in (*folder.iterdir(), *(folder / "work").glob("*")) if link.is_symlink()}
    return [*SYSTEM, *(f"/etc/{name}" for name in SETTINGS), *sorted(python | modules | data)]


def give_up_calls(libc: ctypes.CDLL) -> bool:
    """Make changes of permissions, owners and times do nothing, and local sockets fail; False where not supported."""
    if platform.machine() not in MACHINES:
        return False
    steps = _steps(*MACHINES[platform.machine()])
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = struct.pack("@HP", len(steps), ctypes.addressof(code))
    return bool(libc.prctl(SET_SECCOMP, FILTER, ctypes.c_char_p(program), 0, 0) == 0)


def _steps(architecture: int, socket: int, changes: tuple[int, ...]) -> list[tuple[int, int, int, int]]:
    """The filter: for each step its instruction, the steps to skip if true and if false, and a value."""
    refuse = (RETURN, 0, 0, FAIL | errno.EPERM)
    steps = [(LOAD, 0, 0, ARCHITECTURE), (EQUAL, 1, 0, architecture), refuse]
    steps += [(LOAD, 0, 0, NUMBER), (AT_LEAST, 0, 1, FOREIGN), refuse]
    for number in (*changes, *NEW_CALLS):
        steps += [(EQUAL, 0, 1, number), (RETURN, 0, 0, FAIL)]
    steps += [(EQUAL, 0, 1, SETUP_RING), refuse, (EQUAL, 0, 3, socket)]
    return [*steps, (LOAD, 0, 0, FIRST_ARGUMENT), (EQUAL, 0, 1, AF_UNIX), refuse, (RETURN, 0, 0, ALLOW)]


def main() -> None:
    """Isolate the process, then call the module's ``main(folder, missing)``."""
    module, folder, file_bytes, data_bytes = sys.argv[1:]
    sys.argv[1:] = []
    missing = isolate(Path(folder), file_bytes=int(file_bytes), data_bytes=int(data_bytes))
    importlib.import_module(module).main(Path(folder), missing)


if __name__ == "__main__":
    main()
