"""Work for other processes, in order, and never more than some results ahead."""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Protocol

from digitwise.errors import DataError

AHEAD = 4  # tasks for each process that are under way before they are asked for


class Worker(Protocol):
    """What can be sent to another process and reads there."""

    def read(self, task: Any) -> Any:
        """Do one task."""


def in_processes(worker: Worker, tasks: Iterator[Any], processes: int) -> Iterator[Any]:
    """Let copies of ``worker`` read tasks; their number costs no memory.

    Raises
    ------
    DataError
        If a process was ended from outside, as the system does when memory runs out.
    """
    waiting: deque[Future[Any]] = deque()
    # Not forked: onnxruntime has threads, which a fork would leave behind in the middle of something.
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), _begin, (worker,))
    try:
        for task in tasks:
            waiting.append(pool.submit(_work, task))
            if len(waiting) >= AHEAD * processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise DataError(
            "a process that read pictures was ended, perhaps for want of memory; try --threads 1 or fewer --max-pixels"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_worker: Worker | None = None  # of this process


def _begin(worker: Worker) -> None:
    global _worker  # noqa: PLW0603  # there is no other way to hand something to the tasks of a pool
    _worker = worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one


def _work(task: Any) -> Any:
    assert _worker is not None
    return _worker.read(task)
