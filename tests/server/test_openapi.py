"""The API is what its description says, and the page shows it."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode

from digitwise.server.app import application
from digitwise.server.service import Settings
from tests.server.running import served
from tests.templates import metadata, write_model

EXAMPLES = 6  # of each operation and kind
OPERATIONS = [
    ("post", "/v1/read"),
    ("post", "/v1/read/numbers"),
    ("post", "/v1/collect"),
    ("get", "/v1/model"),
    ("get", "/v1/service"),
    ("get", "/healthz"),
    ("get", "/metrics"),
]

CASES = [(*each, mode) for each in OPERATIONS for mode in GenerationMode if each[0] == "post" or mode.is_positive]


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """A server with all it can have but a report, and small images, which are made sooner."""
    folder = tmp_path_factory.mktemp("full")
    model = write_model(folder / "own.onnx", metadata(normalization="none"), shape=(5, 5))
    made = Settings(model=model, collect=folder / "collected", token="token")
    with served(application(made)) as running:
        running.client.headers["Authorization"] = "Bearer token"
        yield running


@pytest.fixture(scope="module")
def schema(full):
    return schemathesis.openapi.from_url(f"{full.url}/openapi.json")


@pytest.mark.parametrize(("method", "path", "mode"), CASES, ids=[f"{path}, {mode.value}" for _, path, mode in CASES])
def test_answers_are_as_described(schema, method, path, mode):
    @given(schema[path][method].as_strategy(generation_mode=mode))
    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=HealthCheck)
    def check(case):
        # Which bytes are an image no schema can say.
        but = [] if case.media_type == "application/json" else [schemathesis.checks.positive_data_acceptance]
        case.call_and_validate(headers={"Authorization": "Bearer token"}, excluded_checks=but)

    check()


def test_all_operations_are_described(full, schema):
    described = {(method, path) for path, methods in schema.raw_schema["paths"].items() for method in methods}
    assert described == set(OPERATIONS)


def test_the_page_shows_all_operations_without_asking_elsewhere(server, browser):
    page = browser.new_page(viewport={"width": 375, "height": 700})
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{server.url}/docs")
    page.wait_for_selector("h3 >> text=Problem")
    shown = page.locator("h2 code").all_inner_texts()
    assert [tuple(each.lower().split()) for each in shown] == [each for each in OPERATIONS if "collect" not in each[1]]
    assert page.evaluate("document.documentElement.scrollWidth") == 375
    assert all(url.startswith(server.url) for url in asked)
    assert not said
    page.close()
