"""Who may ask what."""

from __future__ import annotations

import base64

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from digitwise.server.app import needs_token
from digitwise.server.refusals import HEADERS, Guard, is_local
from tests.server.running import finished

PATHS = ("/", "/docs", "/openapi.json", "/healthz", "/metrics", "/report", "/v1/read", "/v1/model", "/v1/service")
TOKEN = "a-token-of-some-length"


class Client:
    """Asks an app without a server."""

    def __init__(self, app: Starlette) -> None:
        self.app = app

    def ask(self, method: str, path: str, **how) -> httpx.Response:
        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                return await client.request(method, path, **how)

        return finished(asked())

    def get(self, path: str, **how) -> httpx.Response:
        return self.ask("GET", path, **how)

    def post(self, path: str, **how) -> httpx.Response:
        return self.ask("POST", path, **how)


def guarded(**how) -> Client:
    async def answer(_: Request) -> PlainTextResponse:
        return PlainTextResponse("here")

    routes = [Route(path, answer, methods=["GET", "POST"]) for path in PATHS]
    return Client(Starlette(routes=routes, middleware=[Middleware(Guard, needs_token=needs_token, **how)]))


def test_the_token_is_asked_for_by_what_reads_or_tells():
    client = guarded(token=TOKEN)
    asked = {path for path in PATHS if client.get(path).status_code == 401}
    assert asked == {"/v1/read", "/v1/model", "/metrics", "/report"}
    assert all(client.get(path, headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200 for path in PATHS)


@pytest.mark.parametrize(
    "given",
    ["", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", TOKEN, f"Basic {TOKEN}", "Bearer ü"],
)
def test_another_token_is_none(given):
    answer = guarded(token=TOKEN).get("/v1/model", headers={"Authorization": given.encode()})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["status"] == 401
    assert TOKEN not in answer.text


def test_a_browser_asks_a_person_for_the_token_of_the_report():
    client = guarded(token=TOKEN)
    assert client.get("/report").headers["www-authenticate"].startswith("Basic ")
    assert client.get("/report", auth=("anybody", TOKEN)).status_code == 200
    assert client.get("/report", auth=("anybody", "x")).status_code == 401
    assert client.get("/report", headers={"Authorization": "Basic ?"}).status_code == 401
    kept_by_a_browser = base64.b64encode(f"anybody:{TOKEN}".encode()).decode()
    assert client.get("/v1/model", headers={"Authorization": f"Basic {kept_by_a_browser}"}).status_code == 401


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8000", "127.0.0.1:80", "127.8.8.8", "[::1]:8000", "LOCALHOST"]
)
def test_this_machine_may_be_called_by_its_own_names(host):
    assert guarded().get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1", "", "["]
)
def test_another_name_is_one_that_was_made_to_lead_here(host):
    assert guarded().get("/", headers={"Host": host}).status_code == 421
    assert guarded(loopback=False).get("/", headers={"Host": host}).status_code == 200


def test_two_names_at_once_are_refused():
    answer = guarded(loopback=False).get("/", headers=[("Host", "localhost"), ("Host", "evil.example")])
    assert answer.status_code == 400
    assert "one Host header" in answer.text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Origin": "http://localhost"}, 403),
        ({"Origin": "http://localhost"}, 200),
        ({"Origin": "http://localhost:3000"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_pages_of_other_sites_cannot_send_anything(headers, status):
    assert guarded().post("/v1/read", headers=headers).status_code == status
    assert guarded().get("/", headers=headers).status_code == 200  # a link from elsewhere


@pytest.mark.parametrize("path", ["/", "/v1/model", "/nowhere"])
def test_every_answer_has_the_headers(path):
    client = guarded(token=TOKEN)
    for answer in (client.get(path), client.get(path, headers={"Host": "evil.example"})):
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
        assert "access-control-allow-origin" not in answer.headers


def test_no_policy_allows_inline_script_or_outside_requests():
    policy = HEADERS["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "*" not in policy


@pytest.mark.parametrize(
    ("host", "local"), [("127.0.0.1", True), ("localhost", True), ("[::1]", True), ("0.0.0.0", False), ("[::]", False)]
)
def test_an_address_is_known_to_be_local_or_not(host, local):
    assert is_local(host) == local
