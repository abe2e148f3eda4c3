"""Messages in one line."""

from __future__ import annotations

import pytest

from digitwise.errors import one_line


@pytest.mark.parametrize(
    ("told", "longest", "line"),
    [
        (ValueError("one\n  two\tthree\r\n"), None, "one two three"),
        (ValueError("one\ntwo"), 5, "one t"),
        (ValueError(), 160, "ValueError"),
        (ValueError("\n"), None, "ValueError"),
        (" a\n\nb ", None, "a b"),
        ("", 9, ""),
    ],
)
def test_foreign_words_become_one_line(told, longest, line):
    assert one_line(told, longest) == line
