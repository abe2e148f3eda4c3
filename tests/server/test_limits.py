"""What is too large, too slow or too much is refused in so many words, and leaves the server as it was."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from digitwise import decoding
from digitwise.server import outcomes, service, serving
from digitwise.server.app import ROUTES, application
from digitwise.server.prometheus import Metrics, width_of
from digitwise.server.refusals import HEADER_BYTES
from digitwise.server.service import PART, REQUESTS, WAITING, Settings
from digitwise.server.uploads import RequestLimits
from tests.server.running import all_of, as_png, served

PNG = as_png(np.zeros((8, 8), np.uint8))
SINGLE = "/v1/read?mode=single"
HEAD = b"POST /v1/read?mode=single HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"


@pytest.fixture(scope="module")
def strict():
    """A server that takes little."""
    with served(application(Settings(limits=RequestLimits(bytes=20_000, pixels=2_000)))) as running:
        yield running


@pytest.fixture(scope="module")
def hasty():
    """A server that does not wait long."""
    with served(application(Settings(limits=RequestLimits(seconds=0.3)))) as running:
        yield running


def problem(answer: bytes, status: int) -> dict:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"content-type: application/problem+json" in head.lower()
    return json.loads(body)


def test_a_body_is_refused_by_its_length_before_it_comes(strict):
    with strict.connection() as sock:
        sock.sendall(HEAD + b"Content-Length: 20001\r\nConnection: close\r\n\r\n")
        answer = sock.recv(65536)
    assert problem(answer, 413)["limit"] == 20_000


def test_a_body_of_unknown_length_is_refused_as_soon_as_it_is_too_long(strict):
    part = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
    answer = strict.raw(HEAD + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n", part, part)
    assert problem(answer, 413)["limit"] == 20_000


def test_a_body_of_unknown_length_that_fits_is_read(strict):
    part = b"%x\r\n%s\r\n0\r\n\r\n" % (len(PNG), PNG)
    assert strict.raw(HEAD + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n", part).startswith(
        b"HTTP/1.1 200"
    )


def test_a_refused_body_does_not_spoil_the_connection(strict):
    assert strict.image(b"x" * 30_000).status_code == 413
    assert strict.image(PNG).status_code == 200


def test_a_image_of_too_many_pixels_is_refused(strict):
    answer = strict.image(as_png(np.zeros((50, 50), np.uint8)))
    assert answer.status_code == 413
    assert answer.json()["limit"] == 2_000
    assert strict.image(as_png(np.zeros((50, 50), np.uint8)), "/v1/read/numbers").status_code == 413


@pytest.mark.parametrize(
    "how",
    [
        {"files": [("a", ("a.png", PNG))] * 4},
        {"json": [[[0] * 28] * 28] * 4},
        {"content": b" " * 19_000 + b"[[", "headers": {"Content-Type": "application/json"}},
    ],
    ids=["files", "arrays", "much JSON for few"],
)
def test_too_many_images_are_refused(how):
    with served(application(Settings(limits=RequestLimits(files=3 if "content" not in how else 1)))) as running:
        answer = running.client.post("/v1/read", **how)
    assert answer.status_code == 413
    assert answer.json()["limit"]


@pytest.mark.parametrize("sent", [b"Content-Length: 100\r\n\r\nx", b"Transfer-Encoding: chunked\r\n\r\n5\r\nab"])
def test_a_slow_body_is_not_waited_for(hasty, sent):
    answer = hasty.raw(HEAD + sent)  # which ends when the server closes the connection; nothing else would end it
    assert problem(answer, 408)["limit"] == 0.3


@pytest.mark.parametrize("sent", [b"GET / HT", b"GET / HTTP/1.1\r\nX: "], ids=["line", "header"])
def test_slow_headers_are_not_waited_for(server, monkeypatch, sent):
    monkeypatch.setattr(serving, "HEADER_SECONDS", 1.0)  # in which a busy machine sends what is sent
    assert problem(server.raw(sent), 408)


def test_slow_headers_behind_an_answer_are_not_waited_for(server, monkeypatch):
    with server.connection() as sock:
        sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = b""
        while not answer.endswith(b"}"):
            answer += sock.recv(65536)
        monkeypatch.setattr(serving, "HEADER_SECONDS", 0.2)
        sock.sendall(b"GET / HT")
        assert problem(all_of(sock), 408)


def test_a_connection_on_which_nothing_comes_is_closed(server, monkeypatch):
    monkeypatch.setattr(serving, "HEADER_SECONDS", 0.2)
    assert server.raw() == b""


def test_a_client_that_leaves_amid_its_headers_is_not_answered_any_more(server, monkeypatch, caplog):
    monkeypatch.setattr(serving, "HEADER_SECONDS", 0.2)
    with server.connection() as sock:
        sock.sendall(b"GET / HT")
    time.sleep(0.5)  # past the time at which it would be told
    assert server.client.get("/healthz").status_code == 200
    assert not caplog.text


@pytest.mark.parametrize(
    "headers",
    [b"X: " + b"x" * 17_000, b"\r\n".join(b"X%d: x" % i for i in range(2_500)), b"X: " + b"x" * 400_000],
    ids=["long", "many", "endless"],
)
def test_large_headers_are_refused(server, headers):
    with server.connection() as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        try:
            for start in range(0, len(headers), 10_000):
                sock.sendall(headers[start : start + 10_000])
            sock.sendall(b"\r\n\r\n")
        except ConnectionError:  # refused while they were sent
            pass
        try:
            answer = all_of(sock)
        except ConnectionError:
            return
    assert problem(answer, 431)["limit"] == HEADER_BYTES


def test_headers_that_do_not_end_close_a_connection_that_is_being_answered(held):
    with served(application(Settings())) as running:
        held.begin(running)
        with running.connection() as sock, contextlib.suppress(ConnectionError):
            sock.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(PNG) + PNG + b"GET / HTTP/1.1\r\nX: ")
            for _ in range(10):
                sock.sendall(b"x" * 4_000)
                time.sleep(0.01)
            assert sock.recv(1) == b""
        held.go.set()


def test_trailers_are_not_kept(server):
    part = b"%x\r\n%s\r\n0\r\n" % (len(PNG), PNG) + b"X: x\r\n" * 5_000 + b"\r\n"
    head = HEAD + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    assert server.raw(head, part).startswith(b"HTTP/1.1 200")

    async def count(request: Request) -> Response:
        await request.body()
        return Response(str(len(request.scope["headers"])))

    with served(Starlette(routes=[Route("/v1/read", count, methods=["POST"])])) as running:
        assert running.raw(head, part).endswith(b"\r\n\r\n4")


def test_work_that_takes_too_long_is_given_up(monkeypatch):
    given_up = threading.Event()
    monkeypatch.setattr("digitwise.server.handlers.sheet_of", lambda *_: given_up.wait(60))
    with served(application(Settings(limits=RequestLimits(seconds=1.0)))) as running:  # the image itself arrives in it
        answer = running.image(PNG, "/v1/read/numbers")
        given_up.set()
    assert answer.status_code == 504
    assert answer.json()["limit"] == 1.0


def waiting(running) -> int:
    """How many images are under way, as the server says."""
    return int(running.client.get("/metrics").text.partition("\ndigitwise_waiting ")[2].partition("\n")[0])


def wait_for(condition) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.005)


class Held:
    """Reading that waits until it is let go; ``begun`` are the images of each call."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.go, self.begun, self.monkeypatch = threading.Event(), [], monkeypatch

    def begin(self, running) -> None:
        assert running.image(PNG, SINGLE).status_code == 200  # libraries are loaded
        real = service.read_together

        def read(reader, sources, **how):
            self.begun.append(len(sources))
            assert self.go.wait(120)
            return real(reader, sources, **how)

        self.monkeypatch.setattr(service, "read_together", read)


@pytest.fixture
def held(monkeypatch):
    return Held(monkeypatch)


def test_what_comes_together_is_read_together(held):
    answers = []
    with served(application(Settings())) as running:
        held.begin(running)
        threads = [threading.Thread(target=lambda: answers.append(running.image(PNG, SINGLE))) for _ in range(9)]
        threads[0].start()
        wait_for(lambda: held.begun)  # an idle server waits for nobody
        for thread in threads[1:]:
            thread.start()
        wait_for(lambda: waiting(running) == 9)
        held.go.set()
        for thread in threads:
            thread.join()
    assert held.begun == [1, 8]
    assert {answer.status_code for answer in answers} == {200}


def test_what_waits_in_one_process_is_told_by_another(held):
    numbers = [0.0] * (2 * width_of(ROUTES))
    other = Metrics(ROUTES, numbers, 1)
    with served(application(Settings(), Metrics(ROUTES, numbers))) as running:
        held.begin(running)
        asking = threading.Thread(target=running.image, args=(PNG, SINGLE))
        asking.start()
        wait_for(lambda: held.begun)
        assert "digitwise_waiting 1\n" in other.text("")
        held.go.set()
        asking.join()
        assert "digitwise_waiting 0\n" in other.text("")


def test_where_there_is_no_room_one_is_told_to_come_again(held):
    with served(application(Settings())) as running, contextlib.ExitStack() as stack:
        held.begin(running)
        forms = [stack.enter_context(running.connection()) for _ in range(WAITING // PART)]
        for sock in forms:
            sock.sendall(form_of(PART))
        wait_for(lambda: waiting(running) == WAITING)
        refused = stack.enter_context(running.connection())
        refused.sendall(HEAD + b"Content-Length: 1000000\r\n\r\n")  # none of which need come
        answer = refused.recv(65536)
        held.go.set()
        assert all(sock.recv(65536).startswith(b"HTTP/1.1 200") for sock in forms)
        assert problem(answer, 503)
        assert b"retry-after: 1" in answer.lower()
        wait_for(lambda: waiting(running) == 0)
        assert running.image(PNG, SINGLE).status_code == 200


def test_pages_that_wait_are_bounded_too(monkeypatch):
    go = threading.Event()
    monkeypatch.setattr("digitwise.server.handlers.sheet_of", lambda *_: go.wait(120))
    monkeypatch.setattr("digitwise.server.handlers.page_document", lambda *_: {})
    monkeypatch.setattr("digitwise.server.handlers.statuses_of", lambda *_: [])
    with served(application(Settings())) as running:
        answers = []
        threads = [
            threading.Thread(target=lambda: answers.append(running.image(PNG, "/v1/read/numbers")))
            for _ in range(REQUESTS)
        ]
        for thread in threads:
            thread.start()
        wait_for(lambda: waiting(running) == REQUESTS)
        refused = running.image(PNG, "/v1/read/numbers")
        go.set()
        for thread in threads:
            thread.join()
    assert refused.status_code == 503
    assert {answer.status_code for answer in answers} == {200}


def test_many_large_images_of_one_request_are_read_one_after_the_other():
    large = as_png(np.zeros((700, 700), np.uint8))
    with served(application(Settings(limits=RequestLimits(seconds=600)))) as running:  # however busy the machine is
        running.client.timeout = 600
        answer = running.client.post(SINGLE, files=[("a", ("a.png", large))] * (REQUESTS + 1))
    assert [reading["status"] for reading in answer.json()["readings"]] == ["blank"] * (REQUESTS + 1)


def test_a_small_image_overtakes_slow_ones(monkeypatch):
    """Slow ones wait until the small ones are answered: if these waited for them, nothing would end."""
    go, slow = threading.Event(), as_png(np.full((700, 700), 255, np.uint8))
    comments = PNG[:33] + b"\0\0\0\0prVt\xa6\x87\x8cI" * 2_000 + PNG[33:]  # few pixels, but slow to open
    middle = as_png(np.full((200, 200), 255, np.uint8))
    real = decoding.open_image

    def opened(source, *, max_pixels, **how):
        found = real(source, max_pixels=max_pixels, **how)
        if source in (slow, middle, comments):
            assert go.wait(120)
        return found

    monkeypatch.setattr(outcomes, "open_image", opened)
    done = []

    def send(running, name: str, content: bytes, path: str) -> None:
        assert running.image(content, path).status_code == 200
        done.append(name)

    kinds = (("large", slow), ("middle", middle), ("comments", comments))
    with served(application(Settings())) as running:
        threads = [
            threading.Thread(target=send, args=(running, name, content, path))
            for name, content in kinds
            for path in (SINGLE, "/v1/read", "/v1/read/numbers")
        ]
        for thread in threads:
            thread.start()
        wait_for(lambda: waiting(running) == len(threads))
        for path in (SINGLE, "/v1/read", "/v1/read/numbers"):
            send(running, "small", PNG, path)
        go.set()
        for thread in threads:
            thread.join()
    assert done[:3] == ["small"] * 3
    assert len(done) == 3 + len(threads)


def test_the_files_of_a_form_let_others_in_between(held):
    with served(application(Settings())) as running, running.connection() as form, running.connection() as other:
        held.begin(running)
        form.sendall(form_of(3 * PART))
        wait_for(lambda: held.begun == [PART])
        other.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(PNG) + PNG)
        wait_for(lambda: waiting(running) == PART + 1)
        held.go.set()
        assert other.recv(65536).startswith(b"HTTP/1.1 200")
        assert form.recv(65536).startswith(b"HTTP/1.1 200")
    assert held.begun == [PART, 1, PART, PART]


@pytest.mark.parametrize("leave", ["close", "half-close", "reset"])
def test_a_client_that_leaves_is_not_read_for(held, leave, caplog):
    with served(application(Settings())) as running:
        held.begin(running)
        with running.connection() as first, running.connection() as second:
            first.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(PNG) + PNG)
            wait_for(lambda: held.begun)
            second.sendall(form_of(5))
            wait_for(lambda: waiting(running) == 6)
            if leave == "half-close":
                second.shutdown(socket.SHUT_WR)
            else:
                if leave == "reset":
                    second.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                second.close()
            wait_for(lambda: waiting(running) == 1)
            held.go.set()
            assert first.recv(65536).startswith(b"HTTP/1.1 200")
        counts = running.client.get("/metrics").text
    assert sum(held.begun) == 1
    assert 'digitwise_requests_total{route="/v1/read",status="499"} 1' in counts
    assert not caplog.text


def test_a_client_that_leaves_while_it_sends_leaves_nothing_behind(server, caplog):
    with server.connection() as sock:
        sock.sendall(HEAD + b"Content-Length: 1000\r\n\r\nx")
        time.sleep(0.05)
    assert server.image(PNG).status_code == 200
    assert not caplog.text


def form_of(files: int) -> bytes:
    """A request with a form of files."""
    part = b'--x\r\nContent-Disposition: form-data; name="a"; filename="a.png"\r\n\r\n%s\r\n' % PNG
    body = part * files + b"--x--\r\n"
    head = b"POST /v1/read?mode=single HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\n"
    return head + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
