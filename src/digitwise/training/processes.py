"""Trainings side by side in processes of this machine, each with its share of the cores."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any

from digitwise.errors import DigitwiseError, RunError, one_line
from digitwise.system import thread_limits
from digitwise.training.pool import Function
from digitwise.training.watch import Event, Relay, Stopped, Watch, answered

TRIES = 2  # of a task that fails by surprise, or whose process the system ended, perhaps for want of memory
FAILED = {
    "gone": "its process was ended {tries} times, perhaps for want of memory; try fewer --jobs",
    "failed": "failed {tries} times: {why}",
}


class Processes:
    """Processes that train one task after another.

    Parameters
    ----------
    jobs : int
        Processes.
    threads : int
        Cores of each.
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
        """See :class:`~digitwise.training.pool.Pool`; a task whose process is lost begins once more."""
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
    """The tasks that are left to begin, those that failed first."""

    def __init__(self, tasks: Iterable[Any], names: Iterable[str]) -> None:
        self._given = zip(tasks, names, strict=True)
        self._failed, self._tries = deque[int](), Counter[int]()
        self.begun, self.names = list[Any](), list[str]()

    def draw(self) -> int | None:
        """The number of the next task; None where there is none for now."""
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
        """Whether a task that failed begins once more."""
        if self._tries[number] >= TRIES:
            return False
        self._failed.append(number)
        return True


class _Worker:
    """A process, and what it is doing."""

    def __init__(self, threads: int, function: Function, shared: Any) -> None:
        context = multiprocessing.get_context("spawn")  # a fork of a running TensorFlow hangs
        self.pipe, there = context.Pipe()
        self.process = context.Process(target=_work, args=(there,), daemon=True)
        with _environment(thread_limits(threads)), _deaf_to_interrupts():  # libraries read it when they are imported
            self.process.start()
        there.close()
        self.busy, self.number, self.watch = False, -1, Watch()
        self._given: Any = (function, shared)

    def begin(self, number: int, task: Any, watch: Watch) -> None:
        """Send a task, and with the first one what all share."""
        self.busy, self.number, self.watch = True, number, watch
        try:
            if self._given is not None:
                self.pipe.send(self._given)
                self._given = None
            self.pipe.send(task)
        except OSError:  # the process is gone, which the next news tell
            pass

    def news(self) -> tuple[str, Any]:
        """What it has sent, or that it is gone; events are told at once, and answered where it waits for that."""
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
        """End the process, whatever it is doing."""
        self.process.terminate()
        self.process.join()
        self.process.close()
        self.pipe.close()


def _with_news(workers: Sequence[_Worker]) -> list[_Worker]:
    """Wait until some of the busy ones have sent something, or are gone."""
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
def _deaf_to_interrupts() -> Iterator[None]:
    """Have processes that start meanwhile not hear of Ctrl-C from their first moment on; here it waits."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # with the first process it would start, and let interrupts in again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(pipe: Connection) -> None:
    """In the process: do what is sent until the other side is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one
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
            except (pickle.PicklingError, TypeError, AttributeError) as error:  # all that pickle calls it
                pipe.send(("failed", f"{type(error).__name__}: {one_line(str(error))}"))
    except (EOFError, BrokenPipeError):
        return
