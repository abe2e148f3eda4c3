"""Where several trainings run: here one after another, in processes side by side, or on a cluster.

The pool for a cluster is :class:`digitwise.cluster.pool.RayPool`.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol

from digitwise.errors import DigitwiseError, RunError, one_line
from digitwise.system import thread_limits
from digitwise.training.watch import Event, Relay, Stopped, Watch, answered

TRIES = 2  # of a task that fails unexpectedly, or whose process the system ended, perhaps for lack of memory
FAILED = {
    "gone": "its process was ended {tries} times, perhaps for lack of memory; try fewer jobs (--jobs)",
    "failed": "failed {tries} times: {why}",
}
# Takes what all tasks share, a task and its watch; returns the task's result. All of them, and the function, which is
# one of a module, can be pickled.
Function = Callable[[Any, Any, Watch], Any]


class Pool(Protocol):
    """Runs trainings that are independent of each other."""

    shares_disk: bool
    """Whether this process can read the files that a task writes."""

    def run(
        self,
        function: Function,
        shared: Any,
        tasks: Iterable[Any],
        names: Iterable[str],
        watch: Watch,
        *,
        lost: Any = None,
    ) -> Iterator[tuple[int, Any]]:
        """Run the tasks.

        Parameters
        ----------
        function : callable
        shared : object
            Sent once, whatever the number of tasks.
        tasks : iterable
            Taken one by one when a process is free, after the results before were yielded; so a task may depend on
            those.
        names : iterable of str
            The name of each task, taken after the task.
        watch : Watch
            Its :meth:`~digitwise.training.watch.Watch.on_task` gives the watch of each task.
        lost : object, optional
            The result of a task that ends its process, or fails unexpectedly, on every try; by default an error is
            raised.

        Yields
        ------
        (int, object)
            The number of a task, from 0, in the order taken, and its result, in the order in which they are done.

        Raises
        ------
        DigitwiseError
            Of a task; no other task begins then.
        """


class Here:
    """One after another in this process."""

    shares_disk = True

    def run(
        self,
        function: Function,
        shared: Any,
        tasks: Iterable[Any],
        names: Iterable[str],
        watch: Watch,
        *,
        lost: Any = None,
    ) -> Iterator[tuple[int, Any]]:
        """See :class:`Pool`; an unexpected error is raised as it is."""
        for number, (task, name) in enumerate(zip(tasks, names, strict=True)):
            yield number, function(shared, task, watch.on_task(name))


class Processes:
    """In processes of this machine, each with its share of the cores.

    Parameters
    ----------
    jobs : int
        Number of processes.
    threads : int
        Cores of each process.
    """

    shares_disk = True

    def __init__(self, jobs: int, threads: int) -> None:
        self.jobs, self.threads = jobs, threads

    def run(
        self,
        function: Function,
        shared: Any,
        tasks: Iterable[Any],
        names: Iterable[str],
        watch: Watch,
        *,
        lost: Any = None,
    ) -> Iterator[tuple[int, Any]]:
        """See :class:`Pool`; a task whose process is lost is tried once more."""
        left, workers = _Left(tasks, names), list[_Worker]()
        try:
            while True:
                while sum(worker.busy for worker in workers) < self.jobs and (number := left.draw()) is not None:
                    idle = next((worker for worker in workers if not worker.busy), None)
                    if idle is None:
                        workers.append(idle := _Worker(self.threads, function, shared))
                    idle.begin(number, left.begun[number], watch.on_task(left.names[number]))
                if not any(worker.busy for worker in workers):
                    return
                for worker in _with_news(workers):
                    number = worker.number
                    kind, what = worker.news()
                    if kind == "gone":
                        workers.remove(worker)
                        worker.end()
                    if kind in FAILED and not left.again(number):
                        error = RunError(f"{left.names[number]}: {FAILED[kind].format(tries=TRIES, why=what)}")
                        kind, what = ("refused", error) if lost is None else ("done", lost)
                    if kind == "refused":
                        raise what
                    if kind == "done":
                        yield number, what
        finally:
            for worker in workers:
                worker.end()


class _Left:
    """The tasks left to begin, those that failed first."""

    def __init__(self, tasks: Iterable[Any], names: Iterable[str]) -> None:
        self._given = zip(tasks, names, strict=True)
        self._failed, self._tries = deque[int](), Counter[int]()
        self.begun, self.names = list[Any](), list[str]()

    def draw(self) -> int | None:
        """Return the number of the next task; None where there is none now."""
        if self._failed:
            number = self._failed.popleft()
        elif (drawn := next(self._given, None)) is None:
            return None
        else:
            number = len(self.begun)
            self.begun.append(drawn[0])
            self.names.append(drawn[1])
        self._tries[number] += 1
        return number

    def again(self, number: int) -> bool:
        """Put a failed task back; return whether it may be tried again."""
        if self._tries[number] >= TRIES:
            return False
        self._failed.append(number)
        return True


class _Worker:
    """A process and its present task."""

    def __init__(self, threads: int, function: Function, shared: Any) -> None:
        context = multiprocessing.get_context("spawn")  # a fork of a running TensorFlow hangs
        self.pipe, there = context.Pipe()
        self.process = context.Process(target=_work, args=(there,), daemon=True)
        with _environment(thread_limits(threads)), _interrupts_blocked():  # which libraries read on import
            self.process.start()
        there.close()
        self.busy, self.number, self.watch = False, -1, Watch()
        self._given: Any = (function, shared)

    def begin(self, number: int, task: Any, watch: Watch) -> None:
        """Send a task, and with the first one what all tasks share."""
        self.busy, self.number, self.watch = True, number, watch
        try:
            if self._given is not None:
                self.pipe.send(self._given)
                self._given = None
            self.pipe.send(task)
        except OSError:  # the process is gone, which the next news says
            pass

    def news(self) -> tuple[str, Any]:
        """Return what it has sent, or that it is gone; events go to the watch, whose answer it may wait for."""
        try:
            kind, what = self.pipe.recv()
            if kind != "event":
                self.busy = False
            elif (go_on := answered(what, self.watch)) is not None:
                self.pipe.send(go_on)
        except (EOFError, OSError):
            return "gone", None
        return kind, what

    def end(self) -> None:
        """End the process."""
        self.process.terminate()
        self.process.join()
        self.process.close()
        self.pipe.close()


def _with_news(workers: Sequence[_Worker]) -> list[_Worker]:
    """Wait until some of the busy workers have sent something, or are gone."""
    busy = {worker.pipe: worker for worker in workers if worker.busy}
    return [busy[pipe] for pipe in wait(list(busy)) if isinstance(pipe, Connection)]


@contextmanager
def _environment(changes: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Block Ctrl-C, so that processes started meanwhile ignore it from their first moment on; here it is delayed."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # else the first process starts it, which unblocks interrupts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(pipe: Connection) -> None:
    """Do the tasks that are sent, in the worker's process, until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that started this one handles Ctrl-C
    signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def send(event: Event) -> None:
        pipe.send(("event", event))
        if event[0] == "on_epoch" and not pipe.recv():
            raise Stopped

    relay = Relay(send)
    try:
        function, shared = pipe.recv()
        while True:
            task = pipe.recv()
            try:
                answer: tuple[str, Any] = ("done", function(shared, task, relay))
            except DigitwiseError as error:
                answer = ("refused", error)
            except Exception as error:
                answer = ("failed", f"{type(error).__name__}: {one_line(str(error))}")
            try:
                pipe.send(answer)
            except (pickle.PicklingError, TypeError, AttributeError) as error:  # which pickle may raise
                pipe.send(("failed", f"{type(error).__name__}: {one_line(str(error))}"))
    except (EOFError, BrokenPipeError):
        return
