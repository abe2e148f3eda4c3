"""The pages' files; and the report of a run, served: what stands in it runs, nothing else does."""

from __future__ import annotations

import pytest

from digitwise.server.app import application
from digitwise.server.handlers import FOLDER, policy_of
from digitwise.server.service import Settings
from tests.server.running import served

PAGE = """<!doctype html><title>before</title>
<style>p { color: rgb(1, 2, 3) }</style>
<p>said</p>
<svg width="9" height="9"><rect width="5" height="5" style="fill: rgb(4, 5, 6)"/></svg>
<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" alt="">
<script>document.title = "after"</script>
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html"),
        ("/docs", "text/html"),
        ("/static/base.css", "text/css"),
        ("/static/page.js", "text/javascript"),
    ],
)
def test_files_come_with_their_type_and_are_asked_for_anew_only_when_they_changed(server, path, kind):
    answer = server.client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(kind)
    assert answer.headers["cache-control"] == "no-cache"
    again = server.client.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    assert not again.content


def test_nothing_in_a_page_is_inline_which_its_policy_would_not_run():
    for path in FOLDER.glob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert "<style" not in text
        assert " style=" not in text
        assert text.count("<script") == text.count('<script type="module" src="static/')


@pytest.fixture
def running(tmp_path):
    (tmp_path / "report.html").write_text(PAGE)
    with served(application(Settings(report=tmp_path / "report.html"))) as running:
        yield running


def test_a_report_works_in_a_browser(running, browser):
    page = browser.new_page()
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"{running.url}/report")
    assert page.title() == "after"
    assert page.evaluate("getComputedStyle(document.querySelector('p')).color") == "rgb(1, 2, 3)"
    assert page.evaluate("getComputedStyle(document.querySelector('rect')).fill") == "rgb(4, 5, 6)"
    assert not said
    page.close()


def test_what_is_put_into_a_report_later_does_not_run(tmp_path, running, browser):
    page = browser.new_page()
    page.goto(f"{running.url}/report")
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"document.title=1\">')")
    page.wait_for_timeout(100)
    assert page.title() == "after"
    page.close()


def test_a_report_that_is_gone_is_told(tmp_path, running):
    (tmp_path / "report.html").unlink()
    assert running.client.get("/report").status_code == 404


def test_policy_names_each_script_and_style_once():
    policy = policy_of(b"<script>1</script><SCRIPT type=module>\n2</SCRIPT><script>1</script><p>no style</p>")
    assert policy.count("'sha256-") == 2
    assert "style-src-elem 'none'" in policy
