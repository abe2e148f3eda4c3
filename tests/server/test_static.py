"""The page's files."""

from __future__ import annotations

import pytest

from digitwise.server.pages import FOLDER


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
