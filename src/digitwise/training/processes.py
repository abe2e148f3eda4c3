"""Trainings side by side in processes of this machine, each with its share of the cores."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any

from digitwise.errors import DigitwiseError, RunError, one_line
from digitwise.system import thread_limits
from digitwise.training.pool import Function
from digitwise.training.relay import Relay, passed_on
from digitwise.training.watch import Watch

TRIES = 2  # of a task that fails by surprise, or whose process the system ended, perhaps for want of memory


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
        self, function: Function, shared: Any, tasks: Sequence[Any], names: Sequence[str], watch: Watch
    ) -> Iterator[tuple[int, Any]]:
        """See :class:`~digitwise.training.pool.Pool`; a task whose process is lost begins once more."""
        left, tries = deque(range(len(tasks))), Counter[int]()
        workers: list[_Worker] = []
        try:
            workers.extend(_Worker(self.threads, function, shared) for _ in range(min(self.jobs, len(tasks))))
            while left or any(worker.busy for worker in workers):
                for worker in workers:
                    if left and not worker.busy:
                        number = left.popleft()
                        tries[number] += 1
                        worker.begin(number, tasks[number], watch.on_task(names[number]))
                for worker in _with_news(workers):
                    number = worker.number
                    try:
                        kind, what = worker.news()
                    except (EOFError, OSError):
                        if tries[number] >= TRIES:
                            raise RunError(
                                f"{names[number]}: its process was ended {TRIES} times, perhaps for want of memory; "
                                f"try fewer --jobs"
                            ) from None
                        left.appendleft(number)
                        worker.end()
                        workers[workers.index(worker)] = _Worker(self.threads, function, shared)
                        continue
                    if kind == "done":
                        yield number, what
                    elif kind == "refused":
                        raise what
                    elif kind == "failed" and tries[number] < TRIES:
                        left.appendleft(number)
                    elif kind == "failed":
                        raise RunError(f"{names[number]}: failed {TRIES} times: {what}")
        finally:
            for worker in workers:
                worker.end()


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
        """What it has sent; events are told at once."""
        kind, what = self.pipe.recv()
        if kind == "event":
            passed_on(what, self.watch)
        else:
            self.busy = False
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
    relay = Relay(lambda event: pipe.send(("event", event)))
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
