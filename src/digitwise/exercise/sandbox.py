"""A process of its own for code that is not trusted: started clean, timed, watched, and ended with all it started."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from digitwise.errors import MissingPartError

WINDOW_SECONDS = 1.0  # a system counts processor time in steps of 10 ms; a look each 0.2 s would see few of them
IDLE_SHARE = 0.1  # of a core: with less a process waits of its own accord, as far as can be told from outside
# One product of two 1024 x 1024 matrices in float32 on one core of an Intel Xeon with AVX-512, by OpenBLAS.
SIDE, REFERENCE_SECONDS = 1024, 0.0165
ROUNDS = 8  # the fastest counts: whatever comes between makes a round slower, nothing makes it faster
SLOWEST = 10.0
SLOWER = 1.2  # worth telling
INSTALL = "marking a notebook needs {}: pip install 'digitwise[exercise]'"
GIGABYTE = 10**9
PROCESSES = 200  # more at one time are no training
SECONDS_BETWEEN_LOOKS = 0.2  # each takes a look at every process of the system
# Of the teacher's environment only what programs need to be found and to speak; tokens and addresses stay outside.
KEPT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "KERAS_BACKEND", "CUDA_VISIBLE_DEVICES")
KEPT_ON_WINDOWS = ("SYSTEMROOT", "COMSPEC", "PATHEXT", "NUMBER_OF_PROCESSORS")


class Clock:
    """The time that a process has had.

    It runs with the processor time that the process and all it has started get, at most a second a second; so a
    process that waits for its turn on a busy machine is not charged for that. One that asks for next to nothing waits
    of its own accord, which counts in full, else it would never end.

    Parameters
    ----------
    now : float
        Seconds of a clock on the wall.
    processor_seconds : float
        What the process has taken before.
    """

    def __init__(self, now: float, processor_seconds: float = 0.0) -> None:
        self.seconds = 0.0
        self._looked, self._used = now, processor_seconds

    def look(self, now: float, processor_seconds: float) -> float:
        """Count on.

        Parameters
        ----------
        now : float
            Seconds of the clock on the wall.
        processor_seconds : float
            What the process and all it has started have taken so far.

        Returns
        -------
        float
            The time it has had, in seconds.
        """
        if (passed := now - self._looked) >= WINDOW_SECONDS:
            self.seconds += counted(passed, processor_seconds - self._used)
            self._looked, self._used = now, processor_seconds
        return self.seconds


def counted(passed: float, used: float) -> float:
    """How many of the seconds that have passed count, if so many of processor time were used in them."""
    return passed if used < IDLE_SHARE * passed else min(used, passed)


def slowness() -> float:
    """How many times as long as the reference a core of this machine takes; from 1 to ``SLOWEST``.

    Measured in a fifth of a second, in processor time of one thread, so that other work of this machine hardly shows.
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
class Limits:
    """What a notebook may use.

    Parameters
    ----------
    seconds : float
        For the whole notebook, on a core as fast as the reference in :mod:`digitwise.exercise.sandbox`, by a
        :class:`~digitwise.exercise.sandbox.Clock`: waiting for a busy machine is not counted.
    memory_bytes : int
        Of all its processes together.
    file_bytes : int
        Of one file.
    slowness : float
        How many times as long this machine may take, see :func:`digitwise.exercise.sandbox.slowness`.
    """

    seconds: float = 30 * 60
    memory_bytes: int = 4 * GIGABYTE
    file_bytes: int = GIGABYTE
    slowness: float = 1.0

    @property
    def data_bytes(self) -> int:
        """What one process may ask for at most; see :func:`digitwise.exercise.isolation.isolate`."""
        return self.memory_bytes + 4 * GIGABYTE


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder that is gone afterwards, whatever was done to it."""
    outer = Path(tempfile.mkdtemp(prefix="digitwise-exercise-")).resolve()
    folder = outer / "0"
    folder.mkdir()
    try:
        yield folder
    finally:
        _remove(outer, folder)


def _remove(outer: Path, folder: Path) -> None:
    """Remove a folder and the one around it, without recursion, which a folder of thousands of levels would end."""
    waiting, moved = [folder], 0
    while waiting:
        place = waiting.pop()
        with contextlib.suppress(OSError):
            os.chmod(place, 0o700)  # somebody may have taken the right to look into it away
            for entry in list(os.scandir(place)):
                if entry.is_dir(follow_symlinks=False):
                    moved += 1
                    os.chmod(entry.path, 0o700)
                    waiting.append(Path(entry.path).rename(outer / str(moved)))
                else:
                    os.unlink(entry.path)
            os.rmdir(place)
    with contextlib.suppress(OSError):
        outer.rmdir()


def prepare(folder: Path) -> None:
    """Make the places of a process in its folder: ``work``, ``home``, ``tmp``."""
    for name in ("work", "home", "tmp"):
        (folder / name).mkdir()
    import matplotlib

    drawn_with = folder / "home" / "matplotlib"
    drawn_with.mkdir()
    for fonts in Path(matplotlib.get_cachedir()).glob("fontlist-*.json"):  # a second spared for each notebook
        shutil.copy(fonts, drawn_with)


def environment(folder: Path) -> dict[str, str]:
    """The variables that a process in ``folder`` gets: none of the caller's but those that are needed."""
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
    """A running process and what it may still use.

    Parameters
    ----------
    module : str
        Its ``main`` is called, see :mod:`digitwise.exercise.isolation`.
    folder : Path
        Prepared by :func:`prepare`.
    limits : Limits
    talks : bool
        Whether its standard input is a pipe from here; else it has none.

    Raises
    ------
    MissingPartError
        If psutil is not installed.
    """

    def __init__(self, module: str, folder: Path, limits: Limits, *, talks: bool = False) -> None:
        try:
            import psutil  # type: ignore[import-untyped]
        except ImportError as error:
            raise MissingPartError(INSTALL.format("psutil")) from error
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
        self.clock, self.used = Clock(time.monotonic()), dict[int, float]()
        self.seen: dict[int, Any] = {}  # every process of its tree, also those whose parent has left them
        with contextlib.suppress(psutil.NoSuchProcess):
            self.seen[self.process.pid] = psutil.Process(self.process.pid)

    def over(self) -> str | None:
        """Which limit is passed: ``time``, ``memory`` or ``processes``."""
        family = self._family()
        self.used |= {each.pid: seconds for each in family if (seconds := _processor_seconds(each)) is not None}
        if self.clock.look(time.monotonic(), sum(self.used.values())) > self.limits.seconds * self.limits.slowness:
            return "time"
        if len(family) > PROCESSES:
            return "processes"
        return "memory" if sum(map(_memory, family)) > self.limits.memory_bytes else None

    def begin_anew(self) -> None:
        """Give it its whole time again."""
        self.clock = Clock(time.monotonic(), sum(self.used.values()))

    def end(self) -> None:
        """Kill it and everything it has started."""
        family = self._family()
        if sys.platform != "win32":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
        for each in (*family, self.process):
            with contextlib.suppress(Exception):  # each may be gone, which is what is wanted
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


def run_limited(module: str, folder: Path, limits: Limits, stop: threading.Event | None = None) -> str:
    """Run a module until it ends or must be ended.

    Parameters
    ----------
    module, folder, limits
        As for :class:`Child`.
    stop : Event, optional
        Set from another thread, it ends the process.

    Returns
    -------
    str
        ``ended``, ``time``, ``memory``, ``processes`` or ``stopped``.
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


def _memory(process: Any) -> int:
    try:
        return int(process.memory_info().rss)
    except Exception:  # it has ended in between
        return 0


def _processor_seconds(process: Any) -> float | None:
    try:
        times = process.cpu_times()
    except Exception:  # it has ended in between: what was last seen counts
        return None
    return float(times.user + times.system)
