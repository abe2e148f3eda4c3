"""Every text that students read is translated."""

from __future__ import annotations

import ast
import re
import string
from pathlib import Path

import pytest

import digitwise.exercise
from digitwise.exercise.judging import UNNAMED
from digitwise.exercise.judging.case import NAMES
from digitwise.exercise.judging.results import BARS, MATRIX
from digitwise.exercise.judging.strategy import NO_FLIPS
from digitwise.exercise.language import LANGUAGES, catalog, say, speaking
from digitwise.exercise.tasks import TASKS
from notebooks import build

SOURCES = [*Path(digitwise.exercise.__file__).parent.rglob("*.py"), Path(build.__file__)]
PAGE = Path(digitwise.exercise.__file__).parents[1] / "reporting" / "templates" / "marks.html.j2"


def said():
    """All English texts."""
    texts = {UNNAMED, BARS, MATRIX, NO_FLIPS, *NAMES.values()}
    texts |= {text for task in TASKS for text in (task.title, *(part.what for part in task.parts))}
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            said = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "say"
            if said and isinstance(node.args[0], ast.Constant):
                texts.add(node.args[0].value)
    return texts | set(re.findall(r'say\("([^"]+)"', PAGE.read_text(encoding="utf-8")))


def names(text):
    return sorted({name for _, name, _, _ in string.Formatter().parse(text) if name})


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != "en"])
def test_catalog_has_every_text_with_its_values_and_no_other(language):
    found = catalog(language)
    assert set(found) == said()
    assert {english for english, text in found.items() if names(english) != names(text)} == set()


def test_language_is_spoken_until_the_end_of_its_block():
    with speaking("de"):
        assert say("not opened") == "nicht geöffnet"
    assert say("not opened") == "not opened"
    with speaking("xx"):
        assert say("not opened") == "not opened"
