"""A separate process for untrusted code: clean environment, limits of time and memory, ended with all its children."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from digitwise import temporaries
from digitwise.parts import imported

WINDOW_SECONDS = 1.0  # processor time is counted in steps of 10 ms: 0.2 s would hold too few of them
IDLE_SHARE = 0.1  # of a core: a process that uses less counts as waiting of its own accord
# One product of two 1024 x 1024 matrices in float32 on one core of an Intel Xeon with AVX-512, by OpenBLAS.
SIDE, REFERENCE_SECONDS = 1024, 0.0165
ROUNDS = 8  # the fastest counts, since disturbances only make a round slower
SLOWEST = 10.0
SLOWER = 1.2  # slowness from which users are informed
MARKING = "marking a notebook"  # as the subject of messages
GIGABYTE = 10**9
PROCESSES = 200  # at one time: no training needs as many
SECONDS_BETWEEN_LOOKS = 0.2  # each look examines every process of the system
SECONDS_BETWEEN_SEARCHES = 1.0  # of its folder
# Variables that programs need to start and to print; the teacher's tokens and addresses are not passed on.
KEPT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "KERAS_BACKEND", "CUDA_VISIBLE_DEVICES")
KEPT_ON_WINDOWS = ("SYSTEMROOT", "COMSPEC", "PATHEXT", "NUMBER_OF_PROCESSORS")


class Clock:
    """The time charged to a process and all that it started.

    The processor time they use counts, at most one second for each second of wall time, so waiting for a busy machine
    costs nothing. A process that uses almost none waits of its own accord: its wall time counts, else it would never
    be ended.

    Parameters
    ----------
    now : float
        Wall time in seconds.
    processor_seconds : float
        Used before.
    """

    def __init__(self, now: float, processor_seconds: float = 0.0) -> None:
        self.seconds = 0.0
        self._looked, self._used = now, processor_seconds

    def look(self, now: float, processor_seconds: float) -> float:
        """Advance to a wall time and the processor time used so far; gives the time charged, in seconds."""
        if (passed := now - self._looked) >= WINDOW_SECONDS:
            self.seconds += counted(passed, processor_seconds - self._used)
            self._looked, self._used = now, processor_seconds
        return self.seconds


def counted(passed: float, used: float) -> float:
    """The time charged for ``passed`` seconds of wall time with ``used`` seconds of processor time."""
    return passed if used < IDLE_SHARE * passed else min(used, passed)


def slowness() -> float:
    """The time of one core of this machine over that of the reference; from 1 to ``SLOWEST``.

    Measured within a fifth of a second in the processor time of one thread, which other work hardly changes.
    """
    from threadpoolctl import threadpool_limits

    matrix = np.ones((SIDE, SIDE), np.float32)
    seconds = []
    with threadpool_limits(1):
        for _ in range(ROUNDS):
            began = time.thread_time()
            matrix @ matrix
            seconds.append(time.thread_time() - began)
    return min(max(min(seconds) / REFERENCE_SECONDS, 1.0), SLOWEST)


@dataclass(frozen=True)
class NotebookLimits:
    """The resources that a notebook may use."""

    seconds: float = 30 * 60  # for the whole notebook, by a :class:`Clock`, on a core as fast as the reference
    memory_bytes: int = 4 * GIGABYTE  # of all its processes together
    file_bytes: int = GIGABYTE  # of one file
    disk_bytes: int = 2 * GIGABYTE  # of all files in its folder, and of those it removed but holds open
    files: int = 20_000  # in its folder, folders counted
    slowness: float = 1.0  # the factor on ``seconds`` for this machine, see :func:`slowness`

    @property
    def data_bytes(self) -> int:
        """The most memory that one process can request, see :func:`digitwise.exercise.isolation.isolate`."""
        return self.memory_bytes + 4 * GIGABYTE


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder in a temporary one: what a student's code does to it does not touch that one's own permissions."""
    with temporaries.temporary_folder() as outer:
        folder = outer.resolve() / "0"
        folder.mkdir()
        yield folder


def prepare(folder: Path) -> None:
    """Create ``work``, ``home`` and ``tmp`` in the folder of a process."""
    for name in ("work", "home", "tmp"):
        (folder / name).mkdir()
    import matplotlib

    cache = folder / "home" / "matplotlib"
    cache.mkdir()
    for fonts in Path(matplotlib.get_cachedir()).glob("fontlist-*.json"):  # saves a second for each notebook
        shutil.copy(fonts, cache)


def environment(folder: Path) -> dict[str, str]:
    """The environment variables for a process in ``folder``: of the caller's only the ones it needs."""
    import digitwise

    home = folder / "home"
    paths = (str(Path(digitwise.__file__).parents[1]), *os.environ.get("PYTHONPATH", "").split(os.pathsep))
    kept = (*KEPT, *(KEPT_ON_WINDOWS if sys.platform == "win32" else ()))
    return {name: os.environ[name] for name in kept if name in os.environ} | {
        "HOME": str(home),
        "USERPROFILE": str(home),
        "KERAS_HOME": str(home / "keras"),
        "IPYTHONDIR": str(home / "ipython"),
        "MPLCONFIGDIR": str(home / "matplotlib"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "DIGITWISE_LEDGER": str(home / "ledger"),
        "TMPDIR": str(folder / "tmp"),
        "MPLBACKEND": "Agg",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PIP_NO_INDEX": "1",  # there is no network to wait for
        "PYTHONPATH": os.pathsep.join(os.path.abspath(path) for path in paths if path),
    }


class Child:
    """A running process under limits.

    Parameters
    ----------
    module : str
        Its ``main`` is called, see :mod:`digitwise.exercise.isolation`.
    folder : Path
        Prepared by :func:`prepare`.
    limits : NotebookLimits
    talks : bool
        Whether its standard input is a pipe; else it has none.

    Raises
    ------
    MissingPartError
        If psutil is not installed.
    """

    def __init__(self, module: str, folder: Path, limits: NotebookLimits, *, talks: bool = False) -> None:
        psutil = imported("psutil", MARKING)
        self.limits, self.errors = limits, folder / "stderr"
        given = (module, str(folder), str(limits.file_bytes), str(limits.data_bytes))
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "digitwise.exercise.isolation", *given],
                cwd=folder / "work",
                env=environment(folder),
                stdin=subprocess.PIPE if talks else subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )
        self.folder, self.searched = folder, time.monotonic()
        self.clock, self.used = Clock(time.monotonic()), dict[int, float]()
        self.seen: dict[int, Any] = {}  # every process of its tree, orphans too
        with contextlib.suppress(psutil.NoSuchProcess):
            self.seen[self.process.pid] = psutil.Process(self.process.pid)

    def over(self) -> str | None:
        """The limit that is exceeded: ``time``, ``memory``, ``processes``, ``disk`` or ``files``; None within all."""
        family = self._family()
        self.used |= {each.pid: seconds for each in family if (seconds := _processor_seconds(each)) is not None}
        if self.clock.look(time.monotonic(), sum(self.used.values())) > self.limits.seconds * self.limits.slowness:
            return "time"
        if len(family) > PROCESSES:
            return "processes"
        if sum(map(_memory, family)) > self.limits.memory_bytes:
            return "memory"
        if (now := time.monotonic()) < self.searched + SECONDS_BETWEEN_SEARCHES:
            return None
        self.searched = now
        return self._over_on_disk(family)

    def _over_on_disk(self, family: list[Any]) -> str | None:
        """The limit of ``disk`` or ``files`` that is exceeded."""
        total = sum(map(_removed_but_open, family))
        waiting, count = [str(self.folder)], 0
        while waiting:
            try:
                with os.scandir(waiting.pop()) as entries:
                    for entry in entries:
                        count += 1
                        if count > self.limits.files:
                            return "files"
                        with contextlib.suppress(FileNotFoundError):
                            total += _blocks(entry.stat(follow_symlinks=False))
                        if entry.is_dir(follow_symlinks=False):
                            waiting.append(entry.path)
            except OSError as error:
                if error.errno == errno.ENAMETOOLONG:  # folders in folders without end
                    return "files"
        return "disk" if total > self.limits.disk_bytes else None

    def begin_anew(self) -> None:
        """Restart the clock."""
        self.clock = Clock(time.monotonic(), sum(self.used.values()))

    def end(self) -> None:
        """Kill the process and all that it started."""
        family = self._family()
        if sys.platform != "win32":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
        for each in (*family, self.process):
            with contextlib.suppress(Exception):  # it may have ended already
                each.kill()
        self.process.wait()
        if self.process.stdin is not None:
            with contextlib.suppress(OSError):
                self.process.stdin.close()

    def _family(self) -> list[Any]:
        import psutil

        for each in tuple(self.seen.values()):
            try:
                self.seen |= {child.pid: child for child in each.children(recursive=True)}
            except psutil.Error:
                self.seen.pop(each.pid, None)
        return [each for each in self.seen.values() if each.is_running()]


def run_limited(module: str, folder: Path, limits: NotebookLimits, stop: threading.Event | None = None) -> str:
    """Run a module until it ends, exceeds a limit, or another thread sets ``stop``.

    Returns
    -------
    str
        ``ended``, ``stopped``, or the limit of :meth:`Child.over`.
    """
    child, stop = Child(module, folder, limits), stop or threading.Event()
    try:
        while child.process.poll() is None:
            if reason := child.over():
                return reason
            if stop.wait(SECONDS_BETWEEN_LOOKS):
                return "stopped"
        return "ended"
    finally:
        child.end()


def _blocks(found: os.stat_result) -> int:
    """The bytes that a file takes on the disk."""
    return getattr(found, "st_blocks", -(-found.st_size // 512)) * 512


def _removed_but_open(process: Any) -> int:
    """The bytes of removed files that a process holds open; 0 where it cannot be seen."""
    total = 0
    with contextlib.suppress(OSError), os.scandir(f"/proc/{process.pid}/fd") as links:
        for link in links:
            with contextlib.suppress(OSError):
                found = os.stat(link.path)
                total += _blocks(found) if stat.S_ISREG(found.st_mode) and found.st_nlink == 0 else 0
    return total


def _memory(process: Any) -> int:
    try:
        return int(process.memory_info().rss)
    except Exception:  # it has ended
        return 0


def _processor_seconds(process: Any) -> float | None:
    try:
        times = process.cpu_times()
    except Exception:  # it has ended: its last known value counts
        return None
    return float(times.user + times.system)
