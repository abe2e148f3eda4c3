"""Counts in Prometheus' text."""

from __future__ import annotations

import logging
import os
import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest

from digitwise.server.app import ROUTES, application
from digitwise.server.prometheus import BUCKETS, LOG, READINGS, Metrics, memory_of, width_of
from digitwise.server.service import Settings
from tests.server.running import as_png, served
from tests.server.test_serving import command, workers_of

LINE = re.compile(r'[a-z_]+(\{[a-z0-9]+="[^"\n]*"(,[a-z0-9]+="[^"\n]*")*\})? [0-9.e+-]+')


def test_counts_of_all_workers_are_added():
    numbers = [0.0] * (2 * width_of(ROUTES))
    one, other = Metrics(ROUTES, numbers, 0), Metrics(ROUTES, numbers, 1)
    one.request("/v1/read", 200, 0.004)
    other.request("/v1/read", 200, 40.0)
    other.request("/v1/read", 503, 0.0001)
    one.readings(["read", "unsure"])
    other.readings(["read"])
    other.waiting(3)
    one.single(0.75)
    other.single(1.0)
    text = one.text("abc")
    memory = re.compile(r"(memory_bytes\{.*\}) \d+")  # it may change between the two
    assert memory.sub(r"\1", text) == memory.sub(r"\1", other.text("abc"))
    assert 'digitwise_requests_total{route="/v1/read",status="200"} 2\n' in text
    assert 'digitwise_requests_total{route="/v1/read",status="503"} 1\n' in text
    assert 'digitwise_request_seconds_bucket{route="/v1/read",le="0.001"} 1\n' in text
    assert 'digitwise_request_seconds_bucket{route="/v1/read",le="0.005"} 2\n' in text
    assert 'digitwise_request_seconds_bucket{route="/v1/read",le="30.0"} 2\n' in text
    assert 'digitwise_request_seconds_bucket{route="/v1/read",le="+Inf"} 3\n' in text
    assert 'digitwise_request_seconds_count{route="/v1/read"} 3\n' in text
    assert 'digitwise_request_seconds_sum{route="/v1/read"} 40.004100\n' in text
    assert 'digitwise_readings_total{status="read"} 2\n' in text
    assert 'digitwise_readings_total{status="unsure"} 1\n' in text
    assert "digitwise_single_read_total 2\n" in text
    assert "digitwise_single_expected_errors_total 0.250\n" in text
    assert "digitwise_waiting 3\n" in text
    assert 'digitwise_model_info{sha256="abc",version="' in text
    assert 'digitwise_memory_bytes{worker="1"} ' in text


def test_process_that_takes_the_place_of_another_has_nothing_under_way():
    numbers = [0.0] * width_of(ROUTES)
    Metrics(ROUTES, numbers).waiting(3)
    assert "digitwise_waiting 0\n" in Metrics(ROUTES, numbers).text("")


def test_text_is_of_prometheus_format():
    metrics = Metrics(ROUTES)
    metrics.request("/", 200, 1.0)
    lines = metrics.text("abc").splitlines()
    assert all(line.startswith(("# HELP ", "# TYPE ")) or LINE.fullmatch(line) for line in lines)
    assert len(lines) == len(set(lines))
    assert list(BUCKETS) == sorted(BUCKETS)


def test_a_route_that_nobody_knows_and_an_odd_status_are_counted_as_such():
    metrics = Metrics(ROUTES)
    metrics.request("/nowhere", 418, 1.0)
    assert 'request_seconds_count{route="other"} 1' in metrics.text("")


def test_a_process_that_is_gone_has_no_memory():
    assert memory_of(2**22 + 1) is None
    if os.path.exists("/proc/self/statm"):
        assert memory_of(os.getpid()) > 2**20


@pytest.fixture
def logged(caplog):
    """Lines about requests, as with --log."""
    LOG.setLevel(logging.INFO)
    with caplog.at_level(logging.INFO, LOG.name):
        yield caplog
    LOG.setLevel(logging.NOTSET)


def test_a_line_tells_size_and_outcome_and_nothing_of_what_was_received(logged):
    blank = as_png(np.full((30, 30), 255, np.uint8))
    with served(application(Settings())) as running:
        running.client.post("/v1/read?secret=1", files={"secret": ("secret.png", blank)})
        running.client.get("/secret")
        counts = running.client.get("/metrics").text
    first, second, _ = (record.getMessage() for record in logged.records if record.name == LOG.name)
    assert re.fullmatch(r"\S+ POST /v1/read 200 \d+ B \d+\.\d ms", first)
    assert re.fullmatch(r"\S+ GET other 404 0 B \d+\.\d ms", second)
    assert "secret" not in first + second + counts
    assert 'digitwise_readings_total{status="blank"} 1' in counts


def test_the_counts_of_two_workers_are_those_of_their_clients():
    """Eight clients at once, each request on a connection of its own, so that both workers answer."""
    scan = np.full((28, 28), 255, np.uint8)
    scan[4:24, 13:15] = 0
    png, right = as_png(scan), {"Authorization": "Bearer secret"}
    huge = as_png(np.full((600, 600), 255, np.uint8))
    image, single, numbers = {"Content-Type": "image/png"}, "/v1/read?mode=single", "/v1/read/numbers"
    asked = [  # method, path, headers, content
        *[("POST", single, right | image, png)] * 9,
        *[("POST", single, right | image, as_png(np.full((40, 30), 250, np.uint8)))] * 4,
        *[("POST", numbers, right | image, png)] * 3,
        *[("POST", single, right | image, b"nothing")] * 5,
        *[("POST", single, right | image, huge)] * 2,
        *[("POST", single, right | {"Content-Type": "text/plain"}, png)] * 3,
        *[("POST", "/v1/read", right | {"Content-Type": "application/json"}, b"[[")] * 2,
        *[("POST", single, image, png)] * 6,
        *[("GET", "/v1/read", right, b"")] * 2,
        *[("GET", "/healthz", {}, b"")] * 7,
        *[("GET", "/nowhere", right, b"")] * 3,
    ]
    with command("--workers", "2", "--max-pixels", "100000") as (process, url):
        until = time.monotonic() + 60
        while len(workers_of(process)) < 2 and time.monotonic() < until:
            time.sleep(0.02)

        def ask(request: tuple[str, str, dict[str, str], bytes]) -> httpx.Response:
            method, path, headers, content = request
            return httpx.request(method, url + path, headers=headers, content=content, timeout=120)

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(ask, np.random.default_rng(0).permutation(np.array(asked, object)).tolist()))
        requests = Counter((path_of(answer), str(answer.status_code)) for answer in answers)
        readings, shares = Counter(), []
        for answer in answers:
            for found in answer.json().get("readings", []):
                readings[found["status"]] += 1
                shares += [found["confidence"]] * (found["status"] == "read")
            for page in answer.json().get("pages", []):
                digits = [digit["status"] for line in page["lines"] for digit in line["digits"]]
                readings.update(digits or [page["status"]])
        while True:  # the last one may be counted a moment after its answer
            text = httpx.get(f"{url}/metrics", headers=right, timeout=120).text
            counted = re.findall(r'requests_total\{route="(.*?)",status="(\d+)"\} (\d+)', text)
            told = {(route, status): int(count) for route, status, count in counted if route != "/metrics"}
            if sum(told.values()) >= len(answers) or time.monotonic() > until:
                break
    assert told == requests
    assert {status for _, status in told} == {"200", "400", "401", "404", "405", "413", "415", "422"}
    timed = dict(re.findall(r'request_seconds_count\{route="(.*?)"\} (\d+)', text))
    for route in {route for route, _ in told}:
        assert int(timed[route]) == sum(count for (of, _), count in told.items() if of == route)
    assert {status: int(count) for status, count in re.findall(r'readings_total\{status="(\w+)"\} (\d+)', text)} == {
        status: readings[status] for status in READINGS
    }
    assert f"digitwise_single_read_total {len(shares)}\n" in text
    assert f"digitwise_single_expected_errors_total {sum(1 - share for share in shares):.3f}\n" in text


def path_of(answer: httpx.Response) -> str:
    """The route that a request is counted by; without a token, no route is looked for."""
    known = answer.status_code not in (401, 404)
    return answer.request.url.path if known else "other"
