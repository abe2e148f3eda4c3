"""Work for other processes, in order, and never more than some results ahead."""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Protocol

from digitwise.errors import DataError

AHEAD = 3  # batches for each process that are under way before they are asked for
BATCH = 16  # tasks: small pictures take less time than being sent to a process one by one


class Worker(Protocol):
    """What can be sent to another process and reads there."""

    def read(self, task: Any) -> Any:
        """Do one task."""


def in_processes(worker: Worker, batches: Iterable[list[Any]], processes: int) -> Iterator[Any]:
    """Let copies of ``worker`` read tasks; their number costs no memory.

    Parameters
    ----------
    worker : Worker
    batches : iterable of list
        Tasks that go to a process together.
    processes : int

    Yields
    ------
    What the worker makes of each task, in order.

    Raises
    ------
    DataError
        If a process was ended from outside, as the system does when memory runs out.
    """
    waiting: deque[Future[Any]] = deque()
    # Not forked: onnxruntime has threads, which a fork would leave behind in the middle of something.
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), _begin, (worker,))
    try:
        for batch in batches:
            waiting.append(pool.submit(_work, batch))
            if len(waiting) >= AHEAD * processes:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
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


def _work(batch: list[Any]) -> list[Any]:
    assert _worker is not None
    return [_worker.read(task) for task in batch]
