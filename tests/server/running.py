"""Servers to ask: in a thread of this process, on a free port of this machine."""

from __future__ import annotations

import asyncio
import io
import socket
import threading
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
import numpy as np
from PIL import Image

from digitwise.server.serving import Server, listen, server_of, url_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp

T = TypeVar("T")


@dataclass
class Served:
    """A server that runs.

    ``url`` is its address, ``client`` asks it things.
    """

    url: str
    client: httpx.Client
    server: Server

    def image(self, content: bytes, path: str = "/v1/read", kind: str = "image/png") -> httpx.Response:
        """Send an image alone."""
        return self.client.post(path, content=content, headers={"Content-Type": kind})

    @contextmanager
    def connection(self) -> Iterator[socket.socket]:
        """A connection on which anything can be sent."""
        host, _, port = self.url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=120) as sock:
            yield sock

    def raw(self, *parts: bytes) -> bytes:
        """All that comes back for some bytes, until the server closes the connection."""
        with self.connection() as sock:
            for part in parts:
                sock.sendall(part)
            return all_of(sock)


def all_of(sock: socket.socket) -> bytes:
    """What comes until the other end closes."""
    found = b""
    while part := sock.recv(65536):
        found += part
    return found


def finished(work: Coroutine[Any, Any, T]) -> T:
    """What a coroutine gives; in a thread of its own, since a browser's tests leave a loop running in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def as_png(image: np.ndarray) -> bytes:
    """An image as a file."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


@contextmanager
def served(app: ASGIApp) -> Iterator[Served]:
    """Serve an app while the block runs."""
    sock = listen("127.0.0.1", 0)
    url, server = url_of(sock), server_of(app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.005)
        with httpx.Client(base_url=url, timeout=120) as client:
            yield Served(url, client, server)
    finally:
        server.should_exit = True
        thread.join()
