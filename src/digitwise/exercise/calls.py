"""The system calls that a student's code does not get: those that reach outside whatever Landlock and namespaces say.

A socket file of the desktop, of Docker or of an ssh agent would do things for whoever connects to it, and the rights
of a file can be changed by its owner wherever it lies.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct

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
