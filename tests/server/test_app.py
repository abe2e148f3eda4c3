"""One table has all paths: what answers them, who may ask, and how they are counted and described."""

from __future__ import annotations

import pytest

from digitwise.server.app import ROUTES, TABLE, application
from digitwise.server.service import Settings
from tests.server.running import served

NOT_DESCRIBED = {"/", "/static/{name}", "/docs", "/openapi.json", "/report"}  # pages, and the description itself
ASKS = {"Authorization": "Bearer token"}


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """A server with all it can have."""
    folder = tmp_path_factory.mktemp("full")
    (folder / "report.html").write_text("a report")
    settings = Settings(token="token", collect=folder / "collected", report=folder / "report.html")
    app = application(settings)
    with served(app) as running:
        yield app, running


def test_every_route_is_in_the_table_and_described_or_said_not_to_be(full):
    app, running = full
    assert [(route.path, route.endpoint) for route in app.routes] == [(entry.path, entry.answer) for entry in TABLE]
    paths = running.client.get("/openapi.json").json()["paths"]
    assert {path: set(methods) for path, methods in paths.items()} == {
        name: {entry.method.lower()} for name, entry in zip(ROUTES, TABLE, strict=True) if entry.operation
    }
    assert set(ROUTES) - set(paths) == NOT_DESCRIBED


def test_every_route_is_counted_under_its_name(full):
    _, running = full
    for entry in TABLE:
        running.client.request(entry.method, entry.path.replace("{name:path}", "base.css"), headers=ASKS)
    counts = running.client.get("/metrics", headers=ASKS).text
    assert all(f'digitwise_request_seconds_count{{route="{name}"}} ' in counts for name in ROUTES)


@pytest.mark.parametrize("ending", ["", "%0A"], ids=["as it is", "with a line break"])
def test_the_token_is_asked_for_by_every_path_that_is_not_open(full, ending):
    _, running = full
    for entry in TABLE:
        path = entry.path.replace("{name:path}", "base.css") + ending
        asked = running.client.request(entry.method, path).status_code == 401
        described = entry.operation and "security" in description_of(running, entry)
        assert asked is not entry.open
        assert bool(described) is bool(entry.operation and not entry.open)


def test_a_path_of_the_api_that_is_not_there_is_closed_too(full):
    _, running = full
    assert running.client.get("/v1/nothing").status_code == 401
    assert running.client.get("/nothing").status_code == 404


def description_of(running, entry) -> dict:
    """What OpenAPI says of a path."""
    return running.client.get("/openapi.json").json()["paths"][entry.path][entry.method.lower()]
