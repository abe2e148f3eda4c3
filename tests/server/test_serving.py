"""``digitwise serve`` as processes: it begins, it shares the work, and it leaves without losing what it accepted."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import numpy as np
import psutil
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from digitwise.errors import ServerError
from digitwise.server import serving
from digitwise.server.app import application
from digitwise.server.service import Settings
from digitwise.server.serving import BACKLOG, Server, listen, server_of, url_of
from tests.server.running import all_of, as_png, served

BAR = np.full((28, 28), 255, np.uint8)
BAR[4:24, 13:15] = 0
BODY = as_png(BAR)
REQUEST = b"POST /v1/read HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer secret\r\nContent-Type: image/png\r\n"
REQUEST += b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY


@contextmanager
def command(*options: str) -> Iterator[tuple[subprocess.Popen, str]]:
    """The command as a process, and its address once it says it."""
    environment = {**os.environ, "DIGITWISE_TOKEN": "secret"}
    process = subprocess.Popen(
        [sys.executable, "-m", "digitwise", "serve", "--port", "0", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        said = process.stdout.readline()
        yield process, re.search(r"http://\S+:\d+", said)[0]
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def workers_of(process: subprocess.Popen) -> list[psutil.Process]:
    """Processes that answer; Python has one more of its own."""
    return [child for child in psutil.Process(process.pid).children() if "spawn_main" in " ".join(child.cmdline())]


class Client(threading.Thread):
    """Asks again and again until it is no longer let in; counts answers, and requests on open connections lost."""

    def __init__(self, url: str) -> None:
        super().__init__()
        host, _, port = url.removeprefix("http://").partition(":")
        self.address, self.answers, self.lost, self.other = (host, int(port)), 0, 0, 0

    def run(self) -> None:
        while True:
            try:
                with socket.create_connection(self.address, timeout=120) as sock:
                    if not self.ask_on(sock):
                        return
            except OSError:
                return  # not accepted any more

    def ask_on(self, sock: socket.socket) -> bool:
        """Ask until the connection is said to close; whether it was accepted at all."""
        for number in range(1_000_000):
            try:
                sock.sendall(REQUEST)
                answer = self.answer_of(sock)
            except OSError:
                answer = b""
            if not answer:
                self.lost += number > 0
                return number > 0
            self.answers += answer.startswith(b"HTTP/1.1 200")
            self.other += not answer.startswith(b"HTTP/1.1 200")
            if b"connection: close" in answer:
                return True
        return True

    def answer_of(self, sock: socket.socket) -> bytes:
        answer = b""
        while b"\r\n\r\n" not in answer or not answer.endswith(b"]}"):
            part = sock.recv(65536)
            if not part:
                return b""
            answer += part
        return answer


@pytest.mark.parametrize("workers", [1, 2])
def test_sigterm_under_load_loses_no_accepted_request(workers):
    with command("--workers", str(workers), "--log") as (process, url):
        clients = [Client(url) for _ in range(8)]
        for client in clients:
            client.start()
        until = time.monotonic() + 60
        while min(client.answers for client in clients) < 5 and time.monotonic() < until:
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        for client in clients:
            client.join()
        _, said = process.communicate(timeout=120)
    answers = sum(client.answers for client in clients)
    assert min(client.answers for client in clients) >= 5
    assert sum(client.lost for client in clients) == sum(client.other for client in clients) == 0
    assert process.returncode == 0
    lines = said.splitlines()
    assert [line for line in lines if " POST /v1/read 200 " not in line] == []
    assert len(lines) == answers


def test_what_libraries_find_in_a_image_is_not_logged():
    file = io.BytesIO()
    Image.fromarray(BAR).save(file, "TIFF", compression="tiff_lzw", tiffinfo={274: 1})
    orientation = struct.pack("<HHI", 274, 3, 1)  # the tag's entry, up to its value
    place = file.getvalue().index(orientation) + len(orientation)
    odd = file.getvalue()[:place] + struct.pack("<H", 204) + file.getvalue()[place + 2 :]
    with command("--log") as (process, url):
        headers = {"Authorization": "Bearer secret", "Content-Type": "image/tiff"}
        assert httpx.post(f"{url}/v1/read", content=odd, headers=headers).status_code == 200
        process.terminate()
        logged = process.communicate()[1]
    assert re.fullmatch(r"\S+ POST /v1/read 200 \d+ B [\d.]+ ms\n", logged)


def test_who_is_connected_when_the_server_leaves_is_answered(monkeypatch):
    leaving, connected, on_tick = threading.Event(), threading.Event(), Server.on_tick

    async def late(self: Server, counter: int) -> bool:
        if self.should_exit:
            leaving.set()
            connected.wait(60)  # until then the loop accepts nobody
        return await on_tick(self, counter)

    async def answer(_: Request) -> Response:
        return Response("here")

    monkeypatch.setattr(Server, "on_tick", late)
    with served(Starlette(routes=[Route("/", answer)])) as running:
        running.server.should_exit = True
        assert leaving.wait(60)
        with running.connection() as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            connected.set()
            assert all_of(sock).endswith(b"here")


def test_a_request_that_is_on_its_way_when_the_server_leaves_is_answered_as_the_last(monkeypatch):
    async def answer(_: Request) -> Response:
        return Response("here")

    monkeypatch.setattr(serving, "IDLE", 60)
    asking = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with served(Starlette(routes=[Route("/", answer)])) as running, running.connection() as sock:
        sock.sendall(asking)
        assert b"connection: close" not in sock.recv(65536)
        running.server.should_exit = True
        with contextlib.suppress(ConnectionRefusedError):
            while True:  # until nobody is let in any more
                with running.connection():
                    time.sleep(0.01)
        sock.sendall(asking)
        last = all_of(sock)
    assert b"connection: close" in last
    assert last.endswith(b"here")


def test_a_request_under_way_when_the_server_leaves_is_answered_as_the_last():
    begun, go = threading.Event(), threading.Event()

    async def answer(_: Request) -> Response:
        begun.set()
        await asyncio.to_thread(go.wait, 60)
        return Response("here")

    with served(Starlette(routes=[Route("/", answer)])) as running, running.connection() as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert begun.wait(60)
        running.server.should_exit = True
        go.set()
        last = all_of(sock)
    assert b"connection: close" in last
    assert last.endswith(b"here")


def test_workers_share_a_socket_and_their_counts_and_one_that_dies_is_replaced():
    with command("--workers", "2") as (process, url):
        headers = {"Authorization": "Bearer secret"}

        def ask(path: str) -> httpx.Response:
            return httpx.get(url + path, headers=headers, timeout=120)

        for _ in range(6):
            assert ask("/healthz").status_code == 200
        first = workers_of(process)
        first[0].kill()
        first[0].wait(120)
        assert ask("/healthz").status_code == 200
        counts = ask("/metrics").text
        until = time.monotonic() + 60
        while len(now := set(workers_of(process)) - {first[0]}) < 2 and time.monotonic() < until:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=120)
    assert 'digitwise_requests_total{route="/healthz",status="200"} 7' in counts
    assert 'digitwise_memory_bytes{worker="' in counts
    assert re.fullmatch(r"worker \d ended with -9; starting it anew\n", said)
    assert process.returncode == 0
    assert len(now) == 2
    assert not [worker for worker in now if worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE]


def test_a_server_does_not_let_more_connections_wait_than_its_socket_did():
    assert server_of(Starlette()).config.backlog == BACKLOG


def test_a_port_that_is_taken_is_told():
    with listen("127.0.0.1", 0) as sock, pytest.raises(ServerError, match=r"port \d+ is taken"):
        listen("127.0.0.1", sock.getsockname()[1])


@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1"])
def test_an_address_that_is_not_ours_is_told(host):
    with pytest.raises(ServerError, match=host):
        listen(host, 0)


@pytest.mark.parametrize(
    ("host", "pattern"), [("127.0.0.1", r"http://127.0.0.1:\d+"), ("0.0.0.0", r"http://localhost:\d+")]
)
def test_an_address_is_one_that_a_browser_can_open(host, pattern):
    with listen(host, 0) as sock:
        assert re.fullmatch(pattern, url_of(sock))


def test_a_second_signal_means_at_once():
    server = server_of(application(Settings()))
    server.handle_exit(signal.SIGTERM, None)
    assert (server.should_exit, server.force_exit) == (True, False)
    server.handle_exit(signal.SIGTERM, None)
    assert server.force_exit


def test_a_signal_that_is_for_another_process_is_passed_over():
    server = server_of(Starlette(), signals=(signal.SIGTERM,))
    server.handle_exit(signal.SIGINT, None)  # as Ctrl-C sends it to workers too
    assert not server.should_exit
