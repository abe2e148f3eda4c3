"""PDFs are read page by page, rendered by a process that is bounded and ends with the request."""

from __future__ import annotations

import contextlib
import time

import numpy as np
import psutil
import pytest

from digitwise.decoding import open_pages
from digitwise.reading.reader import Reader
from digitwise.server.app import application
from digitwise.server.rendering import Pages
from digitwise.server.service import Settings
from digitwise.server.uploads import RequestLimits
from tests.server.pdfs import endless_pdf, pdf_of
from tests.server.running import as_png, served
from tests.server.sheets import row_of, written_page

PDF = {"kind": "application/pdf"}
HEAD = b"POST /v1/read HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/pdf\r\nContent-Length: %d\r\n\r\n"
NUMBERS = "/v1/read/numbers"


@pytest.fixture(scope="module")
def sheets(mnist):
    row = row_of(mnist)
    return [row, np.full((60, 200), 250, np.uint8), written_page(row)]


@pytest.fixture(scope="module")
def pdf(sheets):
    return pdf_of(sheets)


def renderers() -> list[psutil.Process]:
    """Processes that render, of this one."""
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):  # it has ended meanwhile
            found += [child] * ("digitwise.server.rendering" in " ".join(child.cmdline()))
    return found


@pytest.fixture
def ended():
    """After the test no renderer runs."""
    yield
    until = time.monotonic() + 30
    while renderers() and time.monotonic() < until:
        time.sleep(0.02)
    assert not renderers()


def test_each_page_is_read_as_the_reader_reads_it(server, pdf):
    pages = server.image(pdf, NUMBERS, **PDF).json()["pages"]
    expected = [Reader(threads=1).page_of(page) for page in open_pages(pdf)]
    assert [page["page"] for page in pages] == [1, 2, 3]
    assert [page["text"] for page in pages] == [page.text for page in expected]
    assert [[number["text"] for number in page["numbers"]] for page in pages] == [
        [number.text for number in page.numbers] for page in expected
    ]
    assert pages[0]["numbers"]
    assert (pages[1]["status"], pages[1]["numbers"]) == ("blank", [])
    assert [(page["width"], page["height"]) for page in pages] == [
        (page.image.shape[1], page.image.shape[0]) for page in open_pages(pdf)
    ]


def test_pages_stand_among_the_other_files_of_a_form(server, pdf, sheets):
    files = [("a", ("a.png", as_png(sheets[0]))), ("b", ("b.pdf", pdf)), ("c", ("c.png", as_png(sheets[1])))]
    readings = server.client.post("/v1/read", files=files).json()["readings"]
    assert [(each["name"], each["page"]) for each in readings] == [
        *[("a.png", None), ("b.pdf", 1), ("b.pdf", 2), ("b.pdf", 3), ("c.png", None)]
    ]
    assert [each["kind"] for each in readings] == ["numbers", "numbers", "single", "numbers", "single"]
    singles = server.client.post("/v1/read?mode=single", files=files).json()["readings"]
    assert [(each["name"], each["page"]) for each in singles] == [(each["name"], each["page"]) for each in readings]
    assert {each["kind"] for each in singles} == {"single"}


def test_a_pdf_of_too_many_pages_is_refused_before_one_is_read(pdf):
    with served(application(Settings(limits=RequestLimits(pages=2)))) as running:
        refused = running.image(pdf, NUMBERS, **PDF)
        among = running.client.post(NUMBERS, files={"a": ("a.pdf", pdf)}).json()["pages"]
        counts = running.client.get("/metrics").text
    assert (refused.status_code, refused.json()["limit"]) == (413, 2)
    assert refused.json()["detail"].startswith("expected at most 2 pages, got 3")
    assert [(page["status"], page["page"]) for page in among] == [("error", None)]
    assert 'digitwise_readings_total{status="read"} 0' in counts


def test_a_large_page_is_rendered_at_fewer_pixels(sheets):
    with served(application(Settings(limits=RequestLimits(pixels=60_000)))) as running:
        [page] = running.image(pdf_of(sheets[2:]), NUMBERS, **PDF).json()["pages"]
    assert 50_000 < page["width"] * page["height"] <= 60_000 < sheets[2].size


def test_a_damaged_pdf_is_refused(server, ended):
    refused = server.image(b"%PDF-1.7 and no more", NUMBERS, **PDF)
    assert refused.status_code == 422
    assert refused.json()["detail"].startswith("damaged PDF")


def test_what_ends_a_pdf_too_early_is_its_last_page(server, pdf, monkeypatch):
    monkeypatch.setattr(Pages, "following", _dying(Pages.following, after=1))
    pages = server.image(pdf, NUMBERS, **PDF).json()["pages"]
    assert [(page["page"], page["status"] == "error") for page in pages] == [(1, False), (2, True)]
    assert pages[1]["error"].startswith("expected pages that are rendered within 30 s")


def _dying(real, after):
    def following(pages):
        pages.count = getattr(pages, "count", 0) + 1
        if pages.count > after:
            pages.kill()
        found = real(pages)
        while pages.count > after and found is not None:  # what had been sent already
            found = real(pages)
        return found

    return following


def test_a_pdf_is_refused_where_its_library_is_missing(server, pdf, monkeypatch):
    monkeypatch.setattr("digitwise.parts.is_installed", lambda name: name != "pypdfium2")
    refused = server.image(pdf, NUMBERS, **PDF)
    assert refused.status_code == 415
    assert 'pip install "digitwise[pdf]"' in refused.json()["detail"]


def test_rendering_is_bounded_in_time():
    pages = Pages(endless_pdf(), max_pixels=10**6, most=9, seconds=1)
    with pytest.raises(Exception, match="rendered within 1 s"):
        pages.following()
    pages.close()


@pytest.mark.parametrize("left", [False, True], ids=["time is over", "client leaves"])
def test_no_process_renders_for_a_request_that_has_ended(left, sheets, ended):
    bomb = endless_pdf()
    with served(application(Settings(limits=RequestLimits(seconds=60.0 if left else 2.0)))) as running:
        with running.connection() as sock:
            sock.sendall(HEAD % len(bomb) + bomb)
            until = time.monotonic() + 30
            while not renderers() and time.monotonic() < until:
                time.sleep(0.01)
            assert renderers()
            assert running.image(as_png(sheets[0])).status_code == 200  # meanwhile
            if not left:
                assert sock.recv(65536).startswith(b"HTTP/1.1 504")
        until = time.monotonic() + 30
        while renderers() and time.monotonic() < until:
            time.sleep(0.02)
        assert not renderers()
        assert running.image(pdf_of(sheets[:1]), **PDF).status_code == 200


def test_a_process_that_is_killed_before_it_begins_does_not_begin(pdf):
    pages = Pages(pdf, max_pixels=10**6, most=9, seconds=9)
    pages.kill()
    with pytest.raises(Exception, match="rendered within"):
        pages.following()
    pages.close()
