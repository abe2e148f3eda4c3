"""Several processes that share one socket: each answers what it accepts, and one that dies is started anew."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from typing import Any

from digitwise.server.app import application
from digitwise.server.metrics import WIDTH, Metrics
from digitwise.server.serving import SIGNALS, serve
from digitwise.server.settings import Settings

LOG = logging.getLogger("digitwise.server")
AGAIN = 1.0  # seconds before a process that died is started anew: one that cannot live does not keep a core busy


def serve_in_processes(settings: Settings, sock: socket.socket, workers: int) -> None:
    """Serve until SIGTERM or Ctrl-C; what was accepted is answered first."""
    # Not forked: onnxruntime has threads, which a fork would leave behind in the middle of something.
    context = multiprocessing.get_context("spawn")
    numbers = context.RawArray("d", WIDTH * workers)

    def started(place: int) -> SpawnProcess:
        process = context.Process(target=_work, args=(settings, sock, numbers, place), daemon=True)
        process.start()
        return process

    with _signals() as told:
        processes = [started(place) for place in range(workers)]
        while not told:
            wait([process.sentinel for process in processes], timeout=0.2)
            for place, process in enumerate(processes):
                if not told and not process.is_alive():
                    LOG.error("worker %d ended with %s; starting it anew", place, process.exitcode)
                    time.sleep(AGAIN)
                    processes[place] = started(place)
        sock.close()
        _end(processes, told)


@contextmanager
def _signals() -> Iterator[list[int]]:
    """Signals to leave, as they come."""
    told: list[int] = []
    before = {number: signal.signal(number, lambda number, _: told.append(number)) for number in SIGNALS}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(processes: list[SpawnProcess], told: list[int]) -> None:
    """Pass on each signal, the second of which means at once, until all have left."""
    passed = 0
    while any(process.is_alive() for process in processes):
        for process in processes if passed < len(told) else ():
            process.terminate()
        passed = len(told)
        time.sleep(0.02)


def _work(settings: Settings, sock: socket.socket, numbers: Any, place: int) -> None:
    """Serve in this process, as one of several."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    app = application(settings, Metrics(numbers, place))
    serve(app, sock, log=settings.log, signals=(signal.SIGTERM,))


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
