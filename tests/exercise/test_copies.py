"""Near-copies are named, and what all were taught is no copy."""

from __future__ import annotations

import pytest

from digitwise.exercise.copies import near_copies, normalised
from digitwise.exercise.notebooks import EDITION, read_notebook
from tests.exercise.builder import CODE, write_notebook

NAMES = {"network": "build_net", "x_more": "bigger", "answers": "found", "datagen": "gen", "poor": "weak"}
ANOTHER = {
    name: f"# mine\nresult = [{name!r}, " + ", ".join(f"{n} * {n + 1}" for n in range(20)) + "]" for name in CODE
}


def renamed(code):
    for old, new in NAMES.items():
        code = code.replace(old, new)
    return "# in my own words\n" + code


@pytest.fixture
def write(tmp_path):
    def written(name, code=None):
        return read_notebook(write_notebook(tmp_path / f"{name}.ipynb", code))

    return written


def test_copy_with_other_names_and_comments_is_named(write):
    own, other = write("own"), write("other", ANOTHER)
    copy = write("copy", {task: renamed(code) for task, code in CODE.items()})
    (found,) = near_copies([other, own, copy])
    assert (found.first, found.second) == (1, 2)
    assert found.cells == found.of
    assert "model3" in found.tasks


def test_cells_that_most_of_a_class_have_are_no_copies(write):
    assert near_copies([write(f"n{place}") for place in range(7)]) == []


def test_edition_itself_is_no_copy(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.ipynb").write_bytes(EDITION.read_bytes())
    assert near_copies([read_notebook(tmp_path / f"{name}.ipynb") for name in ("a", "b")]) == []


def test_names_texts_comments_and_layout_make_no_difference():
    assert normalised("x = f(y, 'a')  # why\n") == normalised("%time\nlong = f(\n    other,\n    'b')")
    assert normalised("x.fit(y)") != normalised("x.predict(y)")
    assert normalised("for") == ("for",)
    assert normalised("f(x") == ("f", "(", "x")  # no Python
