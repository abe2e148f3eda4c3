"""Messages in one line, and what errors carry besides."""

from __future__ import annotations

import pickle

import pytest

from digitwise import errors
from digitwise.data import load
from digitwise.data.patches import read_patch
from digitwise.errors import DataError, DigitwiseError, about, one_line
from digitwise.runs import Run


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


KINDS = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, DigitwiseError)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_error_carries_its_data_through_a_pickle(kind):
    bare = kind("words")
    assert (bare.path, bare.argument, bare.expected, bare.got) == (None, None, None, None)
    error = pickle.loads(pickle.dumps(kind("words", path="a.csv", argument="data", expected="one", got=2)))
    assert (str(error), error.path, error.argument, error.expected, error.got) == ("words", "a.csv", "data", "one", 2)


def test_a_message_is_made_of_its_parts():
    error = DataError.wanted("a.csv", "numbers", "text", "fix it", path="a.csv")
    assert str(error) == "a.csv: expected numbers, got text; fix it"
    assert (error.expected, error.got, error.path) == ("numbers", "text", "a.csv")
    assert str(DataError.wanted("x", 1, 2)) == "x: expected 1, got 2"


def test_what_an_error_is_about_is_told_where_it_is_known():
    with pytest.raises(DataError) as inner, about("outer.npz", argument="data"):
        raise DataError("words", path="inner.npz")
    assert (inner.value.path, inner.value.argument) == ("inner.npz", "data")


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda path: load(path / "set.csv"), "data"),
        (load, "data"),
        (Run.open, None),
        (lambda path: read_patch(path / "none.csv"), "path"),
    ],
    ids=["file", "folder", "run", "patch"],
)
def test_an_error_about_a_file_carries_its_path(tmp_path, call, argument):
    (tmp_path / "set.csv").write_text("label,a\n1,2\n")
    with pytest.raises(DigitwiseError) as told:
        call(tmp_path)
    assert told.value.path.startswith(str(tmp_path))
    assert told.value.argument == argument
