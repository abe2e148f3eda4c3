import json
import pickle

import numpy as np
import pytest

from benchmarks import server as bench
from digitwise.reading.reader import Reader
from digitwise.server.app import application
from digitwise.server.service import Settings
from tests.server.running import finished, served


@pytest.mark.parametrize(
    ("answer", "whole"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", (200, b"{}")),
        (b"HTTP/1.1 503 X\r\ncontent-length: 2\r\nretry-after: 1\r\n\r\n{}", (503, b"{}")),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n{}", None),
        (b"HTTP/1.1 200 OK\r\ncontent-le", None),
        (b"", None),
    ],
    ids=["length last", "length first", "half a body", "half a head", "nothing"],
)
def test_an_answer_is_whole_when_all_of_it_is_there(answer, whole):
    found = bench.whole_answer(answer)
    assert (found and (found[0], found[2])) == whole


@pytest.mark.parametrize(
    ("changes", "right"),
    [
        ({}, True),
        ({"confidence": 0.9000001}, True),
        ({"confidence": 0.91}, False),
        ({"label": "8"}, False),
        ({"status": "unsure"}, False),
        ({"label": None, "confidence": None, "status": "blank"}, False),
    ],
)
def test_an_answer_is_right_when_it_says_what_the_reader_says(changes, right):
    due = {"label": "7", "confidence": 0.9, "status": "read"}
    assert bench.is_right(due | changes, due) == right


@pytest.fixture(scope="module")
def url():
    with served(application(Settings())) as running:
        yield running.url


@pytest.mark.parametrize("rate", [None, 200.0], ids=["closed", "open"])
def test_a_load_counts_what_comes_back(monkeypatch, rate, url):
    monkeypatch.setattr(bench, "CONNECTIONS", 3)
    monkeypatch.setattr(bench, "OPEN_CONNECTIONS", 3)
    monkeypatch.setattr(bench, "AFTER", 0.3)
    image = np.full((28, 28), 255, np.uint8)
    image[4:24, 13:15] = 0
    right, wrong = bench.expected(Reader(), np.stack([image] * 2))
    wrong = wrong | {"label": "0"}
    cases = [bench.Case(bench.request_of(image), reading) for reading in (right, wrong)]
    host, _, port = url.removeprefix("http://").partition(":")
    outcome = finished(bench.Load(pickle.loads(pickle.dumps(cases)), 0.3, rate).run(host, int(port)))
    assert outcome.lost == 0
    assert outcome.statuses.keys() == {200}
    assert outcome.statuses[200] >= 2
    assert abs(2 * outcome.wrong - outcome.statuses[200]) <= 1
    assert len(outcome.seconds) == outcome.statuses[200]
    told = json.loads(json.dumps(bench.told(outcome)))
    assert 0 < told["p50"] <= told["p99"]


def test_table_has_a_column_for_each_number_of_workers():
    where = {"cores": "2", "cpu": "AMD EPYC"}
    rows = [
        {"workers": "1", "what": "start", "value": value, "unit": "s", **where} for value in ("0.5", "0.7", "0.6")
    ] + [{"workers": "2", "what": "load", "value": "900", "unit": "reads/s", **where}]
    rows += [{"workers": "1", "what": "load", "value": "800", "unit": "reads/s", **where}]
    assert bench.server_table(rows).splitlines()[-2:] == ["| start | s | 0.6 | – |", "| load | reads/s | 800 | 900 |"]


def test_summary_tells_one_worker():
    rows = [
        {"workers": number, "what": "32 connections", "value": value, "unit": "reads/s"}
        for number, value in (("1", "1201.75"), ("2", "2214.2"))
    ]
    assert bench.serving_summary(rows).splitlines()[2:] == [
        "| 32 connections: single digits read a second | 1,200 | 800 |"
    ]
