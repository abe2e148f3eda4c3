"""The notebook with gaps, and a student's notebook read as cells with their tasks; runs no code."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digitwise.errors import DataError, one_line
from digitwise.exercise.language import LANGUAGES, say, speaking
from digitwise.exercise.sandbox import MARKING
from digitwise.exercise.tasks import TASKS
from digitwise.files import expanded
from digitwise.outputs import Kind, claimed, new_file
from digitwise.parts import imported

EDITION = Path(__file__).with_name("edition.ipynb")  # the English one
NAME = "mnist_exercise.ipynb"
EXERCISE = Kind("exercise", "a folder without that notebook")
PLACEHOLDERS = ("*Your answer here.*", "*Hier steht deine Antwort.*")
LARGEST = 200_000_000  # bytes: a notebook with its figures
HEADING = re.compile(r"^(#{1,6})\s+(.*)$", re.MULTILINE)
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
PROMPT = re.compile(r"^\*\*.*\?\*\*$")  # a question; an answer may be bold as well


def edition_of(language: str) -> Path:
    """The notebook with gaps in a language."""
    return EDITION if language == "en" else EDITION.with_name(f"edition.{language}.ipynb")


def editions() -> list[Path]:
    """The notebooks with gaps, in all languages."""
    return [edition_of(language) for language in LANGUAGES]


def write_edition(folder: str | Path, language: str = "en") -> Path:
    """Write the notebook with gaps, and an empty folder ``results`` beside it.

    Parameters
    ----------
    folder : str or Path
        Created where it does not exist.
    language : str
        ``en`` or ``de``.

    Returns
    -------
    Path
        The notebook.

    Raises
    ------
    DataError
        If the folder already has a notebook of that name, which may hold somebody's work.
    """
    folder = expanded(folder)
    notebook = folder / NAME
    if os.path.lexists(notebook):
        raise DataError(
            f"{notebook}: expected no notebook of that name, found one and left it unchanged; "
            f"choose another out (--out)"
        )
    with claimed(notebook, EXERCISE), new_file(notebook, EXERCISE) as temporary:
        (folder / "results").mkdir(exist_ok=True)
        temporary.write_bytes(edition_of(language).read_bytes())
    return notebook


@dataclass(frozen=True)
class NotebookCell:
    """One cell."""

    place: int  # from 1, over all cells
    is_code: bool
    source: str
    task: str  # the id of its task, or empty
    role: str  # ``question``, ``code`` or ``answer``; empty where the notebook has no metadata


@dataclass(frozen=True)
class Notebook:
    """What a student handed in."""

    path: Path
    cells: tuple[NotebookCell, ...]
    language: str = "en"
    sha256: str = ""  # of the file

    @property
    def code(self) -> list[NotebookCell]:
        """The code cells that are not empty."""
        return [cell for cell in self.cells if cell.is_code and cell.source.strip()]

    def of(self, task: str) -> list[NotebookCell]:
        """The cells of a task."""
        return [cell for cell in self.cells if cell.task == task]

    def answer(self, task: str) -> str:
        """The student's text in the cells of a task, without questions, prompts, headings and placeholders."""
        cells = [cell for cell in self.of(task) if not cell.is_code and cell.role in ("answer", "")]
        # Without roles, the cell with the heading asks the question, unless it is the only one.
        cells = [cell for cell in cells if cell.role or not HEADING.search(cell.source)] or cells
        return "\n".join(filter(None, (_own_words(cell.source) for cell in cells)))


def read_notebook(path: Path) -> Notebook:
    """Read a notebook in any version of the format.

    Raises
    ------
    DataError
        If the file is no notebook.
    MissingPartError
        If nbformat is not installed.
    """
    nbformat = imported("nbformat", MARKING)
    expected = f"{path}: expected a Jupyter notebook (.ipynb)"
    if not path.is_file():
        raise DataError(f"{expected}, found no such file")
    if path.stat().st_size > LARGEST:
        raise DataError(f"{expected} of at most {LARGEST:,} bytes, got {path.stat().st_size:,}; clear its outputs")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # older notebooks have no cell ids
            content = path.read_bytes()
            text = content.decode("utf-8-sig")
            document = nbformat.convert(nbformat.reader.reads(text), 4)
        cells, language = tuple(_cells(document)), _language(document)
    except Exception as error:  # nbformat raises errors of many kinds for broken files
        raise DataError(f"{expected}, got: {one_line(error, 150)}") from error
    return Notebook(path, cells, language, hashlib.sha256(content).hexdigest())


def _language(document: Any) -> str:
    """The language of the edition that a notebook was made from."""
    given = document.metadata.get("digitwise", {})
    language = str(given.get("language", "en")) if isinstance(given, dict) else "en"
    return language if language in LANGUAGES else "en"


def _cells(document: Any) -> Iterator[NotebookCell]:
    """Give each cell the task in its metadata, else the task of the last heading."""
    task, depth = "", 0
    for place, cell in enumerate(document.cells, start=1):
        given = cell.metadata.get("digitwise", {})
        given = given if isinstance(given, dict) else {}
        source = "".join(cell.source) if isinstance(cell.source, list) else str(cell.source)
        is_code = cell.cell_type == "code"
        if own := str(given.get("task", "")):
            task = own
        elif not is_code:
            task, depth = _task_from(source, task, depth)
        yield NotebookCell(place, is_code, source, task, str(given.get("role", "")))


def _task_from(source: str, task: str, depth: int) -> tuple[str, int]:
    for level, heading in HEADING.findall(source):
        named = next((task for title, task in titles().items() if title in heading.lower()), "")
        if named:
            task, depth = named, len(level)
        elif len(level) <= (depth or 2):
            task = ""
    return task, depth


@functools.cache
def titles() -> dict[str, str]:
    """The tasks by their titles in all languages, in small letters."""
    found: dict[str, str] = {}
    for language in LANGUAGES:
        with speaking(language):
            found |= {say(task.title).lower(): task.id for task in TASKS}
    return found


def _own_words(source: str) -> str:
    for placeholder in PLACEHOLDERS:
        source = source.replace(placeholder, "")
    lines = [line.strip() for line in COMMENT.sub("", source).splitlines()]
    questions = asked()
    return "\n".join(
        line
        for line in lines
        if line and not line.startswith("#") and not PROMPT.match(line) and _plain(line) not in questions
    )


@functools.cache
def asked() -> frozenset[str]:
    """The editions' own lines of text, which are no answer even where a notebook has lost its metadata."""
    cells = [cell for edition in editions() for cell in json.loads(edition.read_text(encoding="utf-8"))["cells"]]
    texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    return frozenset(_plain(line) for text in texts for line in text.splitlines())


def _plain(line: str) -> str:
    return re.sub(r"[^\w ]|_", "", line.lower()).strip()
