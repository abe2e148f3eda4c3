"""What cannot be answered is told as RFC 9457 has it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from starlette.applications import Starlette

from digitwise.server.app import application
from digitwise.server.refusals import HANDLERS
from digitwise.server.service import Settings
from tests.server.running import as_png, served

PNG = as_png(np.zeros((8, 8), np.uint8))
FORM = {"Content-Type": "multipart/form-data; boundary=x"}
FIELD = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n'
JSON = {"Content-Type": "application/json"}
IMAGE = {"Content-Type": "image/png"}
ONE = [[0] * 28] * 28

BAD = {
    "no such path": ("GET", "/v2/read", {}, b"", 404),
    "a slash too many": ("GET", "/v1/model/", {}, b"", 404),
    "no such file": ("GET", "/static/../app.py", {}, b"", 404),
    "no such file, encoded": ("GET", "/static/%2e%2e%2fapp.py", {}, b"", 404),
    "another method": ("GET", "/v1/read", {}, b"", 405),
    "a method nobody has": ("BREW", "/", {}, b"", 400),
    "no content type": ("POST", "/v1/read", {}, PNG, 415),
    "another content type": ("POST", "/v1/read", {"Content-Type": "text/plain"}, PNG, 415),
    "JSON for a page": ("POST", "/v1/read/numbers", JSON, b"[[1]]", 415),
    "compressed": ("POST", "/v1/read", {**IMAGE, "Content-Encoding": "gzip"}, PNG, 415),
    "no image": ("POST", "/v1/read", IMAGE, b"nothing", 422),
    "half an image": ("POST", "/v1/read", IMAGE, PNG[:40], 422),
    "an empty image": ("POST", "/v1/read", IMAGE, b"", 422),
    "no image of a page": ("POST", "/v1/read/numbers", IMAGE, b"nothing", 422),
    "PDF": ("POST", "/v1/read/numbers", IMAGE, b"%PDF-1.7", 422),
    "form without boundary": ("POST", "/v1/read", {"Content-Type": "multipart/form-data"}, b"", 400),
    "form of something else": ("POST", "/v1/read", FORM, b"nothing", 400),
    "form without a file": ("POST", "/v1/read", FORM, FIELD, 422),
    "empty form": ("POST", "/v1/read", FORM, b"--x--\r\n", 422),
    "no JSON": ("POST", "/v1/read", JSON, b"[[1,", 400),
    "JSON in another encoding": ("POST", "/v1/read", JSON, b"\xff\xfe\xff", 400),
    "deep JSON": ("POST", "/v1/read", JSON, b"[" * 100_000, 400),
    "an object": ("POST", "/v1/read", JSON, b'{"a":1}', 422),
    "a number": ("POST", "/v1/read", JSON, b"7", 422),
    "no rows": ("POST", "/v1/read", JSON, b"[]", 422),
    "another size": ("POST", "/v1/read", JSON, json.dumps([[0] * 27] * 28).encode(), 422),
    "rows of different lengths": ("POST", "/v1/read", JSON, json.dumps([[0] * 28] * 27 + [[0]]).encode(), 422),
    "four dimensions": ("POST", "/v1/read", JSON, json.dumps([[ONE]]).encode(), 422),
    "shares": ("POST", "/v1/read", JSON, json.dumps([[0.5] * 28] * 28).encode(), 422),
    "words": ("POST", "/v1/read", JSON, json.dumps([["a"] * 28] * 28).encode(), 422),
    "true": ("POST", "/v1/read", JSON, json.dumps([[True] + [0] * 27] * 28).encode(), 422),
    "NaN": ("POST", "/v1/read", JSON, json.dumps([[float("nan")] * 28] * 28).encode(), 422),
    "below": ("POST", "/v1/read", JSON, json.dumps([[-1] * 28] * 28).encode(), 422),
    "above": ("POST", "/v1/read", JSON, json.dumps([[256] * 28] * 28).encode(), 422),
    "far above": ("POST", "/v1/read", JSON, json.dumps([[10**30] * 28] * 28).encode(), 422),
    "odd flag": ("POST", "/v1/read?input=perhaps", IMAGE, PNG, 422),
    "not collecting": ("POST", "/v1/collect", FORM, b"--x--\r\n", 404),
}  # fmt: skip


@pytest.mark.parametrize(("method", "path", "headers", "body", "status"), BAD.values(), ids=BAD)
def test_bad_requests_are_told_what_is_wrong(server, caplog, method, path, headers, body, status):
    request = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
    request += "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
    head, _, content = server.raw(request.encode() + body).partition(b"\r\n\r\n")
    assert int(head.split()[1]) == status
    assert b"content-type: application/problem+json" in head.lower()
    assert b"content-security-policy:" in head.lower()
    problem = json.loads(content)
    assert problem["status"] == status
    assert problem["type"] == "about:blank"
    assert problem["title"]
    assert any(word in problem["detail"] for word in ("expected", "image", "damaged"))
    assert "\n" not in problem["detail"]
    assert not caplog.text


def test_only_a_server_that_has_docs_sends_one_there(server):
    assert server.client.get("/nowhere").json()["detail"].endswith("; see /docs")
    with served(Starlette(exception_handlers=HANDLERS)) as running:
        assert running.client.get("/nowhere").json()["detail"] == "expected a path that is here, got another"


def test_another_method_is_told_which_there_are(server):
    assert server.client.get("/v1/read").headers["allow"] == "POST"


def test_what_is_no_http_is_told_so(server):
    head, _, content = server.raw(b"HELLO\r\n\r\n").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400")
    assert json.loads(content)["status"] == 400


def test_a_mistake_of_ours_says_nothing_of_what_was_received(monkeypatch, caplog):
    received = "secret"

    def broken(self):
        raise RuntimeError(received)

    monkeypatch.setattr("digitwise.server.service.Batcher.check_room", broken)
    with served(application(Settings())) as running:
        answer = running.image(PNG)
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text
    assert "RuntimeError in" in caplog.text
    assert "secret" not in caplog.text


def test_a_mistake_in_the_batch_is_told_to_those_who_wait(monkeypatch):
    def broken(*_, **__):
        raise RuntimeError

    with served(application(Settings())) as running:
        with monkeypatch.context() as patch:
            patch.setattr("digitwise.server.service.read_together", broken)
            assert running.image(PNG, "/v1/read?mode=single").status_code == 500
        assert running.image(PNG).status_code == 200
