"""Joining a Ray cluster, or starting one on this machine's cores, without Ray's messages and with a short timeout."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from digitwise import parts
from digitwise.errors import ClusterError, one_line
from digitwise.system import cores, held_back

AUTO, LOCAL = "auto", "local"
REACHED = 2.0  # seconds in which an address must take a connection,
ANSWERED = 8.5  # and Ray must have answered there, busy as it may be: by itself it would wait for minutes
ASK = "import sys; from ray._raylet import GcsClient; GcsClient(address=sys.argv[1])"  # all else is long in importing


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """Join a cluster for a while.

    Parameters
    ----------
    address : str
        ``auto``: the cluster that this machine is part of, or ``RAY_ADDRESS`` names; where there is none, one of this
        machine's cores, which ends with the job. Otherwise ``HOST:PORT`` of a cluster that this machine is part of.

    Yields
    ------
    module
        ``ray``, connected.

    Raises
    ------
    MissingPartError
        If Ray is not installed.
    ClusterError
        If no cluster answers there within ten seconds.
    """
    ray = library()
    if ray.is_initialized():  # a program that has joined already stays where it is
        yield ray
        return
    where = _where(address)
    check(address)
    ending = signal.getsignal(signal.SIGTERM)
    quiet = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": True}
    try:
        if where == LOCAL or not _joined(ray, where, quiet):
            ray.init(address=LOCAL, num_cpus=cores(), include_dashboard=False, **quiet)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise ClusterError(f"{where}: no Ray cluster could be joined: {one_line(error, 200)}") from error
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, ending or signal.SIG_DFL)  # Ray's own leaves without cleaning up
    try:
        with held_back():
            yield ray
    finally:
        ray.shutdown()


def _joined(ray: Any, where: str, settings: dict[str, Any]) -> bool:
    """Join a cluster; False where that is this machine's own, and it is part of none."""
    try:
        ray.init(address=where, **settings)
    except ConnectionError:
        if where != AUTO:
            raise
        return False
    return True


def library() -> Any:
    """Ray itself.

    Raises
    ------
    MissingPartError
        If it is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent to anybody, unless the owner wants it
    return parts.imported("ray", "a cluster")


def check(address: str) -> None:
    """Make sure that Ray is installed, and answers where it is to be joined.

    Parameters
    ----------
    address : str
        As for :func:`connected`.

    Raises
    ------
    MissingPartError
        If Ray is not installed.
    ClusterError
        If no cluster answers there within ten seconds.
    """
    if not library().is_initialized() and _where(address) not in (AUTO, LOCAL):
        _check(_where(address))


def _where(address: str) -> str:
    return os.environ.get("RAY_ADDRESS", AUTO) if address == AUTO else address


def _check(address: str) -> None:
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal() or address.startswith("ray://"):
        raise ClusterError(
            f"cluster (--cluster): expected auto or HOST:PORT of a cluster with this machine in it, got {address!r}"
        )
    hint = "is the cluster up (ray status), and this machine part of it (ray start --address)?"
    until = time.monotonic() + ANSWERED
    try:
        socket.create_connection((host, int(port)), timeout=REACHED).close()
    except (OSError, OverflowError) as error:
        raise ClusterError(f"{address}: no cluster answers there: {error}; {hint}") from error
    left = max(0.1, until - time.monotonic())
    try:  # in a process of its own, as it cannot be told to give up
        asked = subprocess.run([sys.executable, "-c", ASK, address], capture_output=True, timeout=left, check=False)
    except subprocess.TimeoutExpired:
        raise ClusterError(f"{address}: something answers there, but not Ray within {ANSWERED:g} s; {hint}") from None
    if asked.returncode:
        raise ClusterError(f"{address}: something answers there, but not Ray of this version; {hint}")
