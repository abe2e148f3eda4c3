"""Marking a class: notebooks found, run, judged and compared; what the shell does and what Python gets."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digitwise.data import load
from digitwise.errors import DataError
from digitwise.escaping import printable
from digitwise.exercise import marking, sandbox, teacher
from digitwise.exercise.copies import near_copies
from digitwise.exercise.evidence import LARGEST, read_plain
from digitwise.exercise.language import speaking
from digitwise.exercise.marks import Mark, page_names
from digitwise.exercise.notebooks import Notebook, read_notebook
from digitwise.exercise.pages import CLASS, MARKS, check_places, write_class, write_page
from digitwise.exercise.sandbox import GIGABYTE, NotebookLimits
from digitwise.files import expanded
from digitwise.images import Dataset
from digitwise.outputs import claimed
from digitwise.parts import imported
from digitwise.system import versions

if TYPE_CHECKING:
    import pandas as pd

FRAMES = "marks as a frame"  # as the subject of messages
QUICK = 600  # images of training, and as many of test: what a notebook takes minutes for is done in a minute or two


@dataclass(frozen=True)
class ClassMarks:
    """The marks of a class, or of one notebook.

    Parameters
    ----------
    marks : tuple of Mark
        In the order of the notebooks.
    pages : tuple of str
        The file names of their pages.
    copies : dict
        For each notebook that is nearly a copy of others: these, with the number of alike cells, in words.
    data : dict
        What the notebooks were run on: ``name``, ``fingerprint``, ``quick``.
    """

    marks: tuple[Mark, ...]
    pages: tuple[str, ...]
    copies: dict[str, list[str]]
    data: dict[str, Any]

    def frame(self) -> pd.DataFrame:
        """One row for each notebook: points by task, total, state, minutes, warnings, remarks, near copies."""
        rows = [
            {"notebook": row["notebook"]}
            | {task["id"]: task["points"] for task in row["tasks"]}
            | {name: row[name] for name in ("points", "of", "provisional", "state", "minutes")}
            | {name: "; ".join(row[name]) for name in ("warnings", "remarks", "copies")}
            for row in self.as_dict()["notebooks"]
        ]
        return imported("pandas", FRAMES).DataFrame(rows)

    def parts(self) -> pd.DataFrame:
        """One row for each part of each notebook: points, what was found, hint, the answer in words, the remark."""
        rows = [
            {"notebook": mark.notebook, "task": task.id, "part": part.id, **vars(part)}
            for mark in self.marks
            for task in mark.tasks
            for part in task.parts
        ]
        return imported("pandas", FRAMES).DataFrame(rows).drop(columns="id")

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as in ``class.json``."""
        return {
            "version": versions()["digitwise"],
            "data": self.data,
            "notebooks": [self._row(mark, page) for mark, page in zip(self.marks, self.pages, strict=True)],
        }

    def _row(self, mark: Mark, page: str) -> dict[str, Any]:
        parts = [part for task in mark.tasks for part in task.parts]
        return mark.as_dict() | {
            "page": page,
            "minutes": round(mark.seconds / 60, 1),
            "copies": self.copies.get(mark.notebook, []),
            "remarks": [part.remark for part in parts if part.remark],
        }


def check(
    notebooks: str | Path | Sequence[str | Path],
    data: str | Path | Dataset = "mnist",
    *,
    out: str | Path | None = None,
    points: str | Path | None = None,
    jobs: int = 1,
    time_limit: float = 30 * 60,
    memory_limit: int = 4 * GIGABYTE,
    quick: bool = False,
    tell: Callable[[Mark], None] | None = None,
) -> ClassMarks:
    """Run students' notebooks, each in a process with limits, and mark them.

    Parameters
    ----------
    notebooks : str, Path, or sequence of them
        Notebooks, or folders with notebooks in them. A file that cannot be read as a notebook gets a mark that says so.
    data : str, Path or Dataset
        What ``keras.datasets.mnist.load_data`` returns in the notebooks.
    out : str or Path, optional
        A folder for a page for each notebook, ``class.html``, ``class.json``, ``points.csv`` and ``marks.csv``.
    points : str or Path, optional
        ``marks.csv`` with the teacher's points and remarks. Notebooks that ``out`` has marks of, and that have not
        changed since, are not run again.
    jobs : int
        Notebooks that run in parallel.
    time_limit : float
        Seconds for each notebook, of processor time on a fast core.
    memory_limit : int
        Bytes for each notebook.
    quick : bool
        Use 600 training and test images each, to see what runs; accuracies are then not judged.
    tell : callable, optional
        Called with each mark as soon as it is there.

    Returns
    -------
    ClassMarks
        ``marks``, and ``frame()`` and ``parts()`` of pandas.

    Raises
    ------
    DataError
        If there are no notebooks, ``points`` is no such table, or files in ``out`` are not ours to replace.
    MissingPartError
        If IPython, nbformat or psutil is not installed.

    Examples
    --------
    >>> digitwise.exercise.check("handed_in", out="marks").frame()  # doctest: +SKIP
    """
    given = [notebooks] if isinstance(notebooks, str | Path) else list(notebooks)
    paths = find_notebooks([expanded(each) for each in given])
    dataset = data if isinstance(data, Dataset) else load(data)
    about = {"name": dataset.name, "fingerprint": dataset.fingerprint, "quick": quick}
    names, pages = [printable(path) for path in paths], page_names(paths)
    folder = None if out is None else expanded(out)
    filled = None if points is None else expanded(points)
    opened, done = _opened(paths, several=len(given) > 1 or paths != [expanded(given[0])])
    copies = _copies(opened)
    if folder is not None:
        check_places(folder, (*pages, *CLASS), filled)
        if filled is not None:
            done |= _earlier(folder, about, opened)

    def made() -> ClassMarks:
        kept = [(done[name], page) for name, page in zip(names, pages, strict=True) if name in done]
        marks = tuple(mark for mark, _ in kept)
        if filled is not None and len(marks) == len(names):
            marks = tuple(teacher.bring_in(marks, filled))
        return ClassMarks(marks, tuple(page for _, page in kept), copies, about)

    def write(*, last: bool = False) -> None:
        """Write the tables, in the teacher's language."""
        if folder is not None and (filled is None or last):  # what the teacher filled in is replaced once, at the end
            with speaking("en"):
                found = made()
                write_class(folder, found.as_dict(), found.marks, filled)

    def finish(mark: Mark) -> None:
        done[mark.notebook] = mark
        if folder is not None:
            write_page(mark, folder / pages[names.index(mark.notebook)])
        write()
        if tell is not None:
            tell(mark)

    with ExitStack() as stack:
        if folder is not None:
            stack.enter_context(claimed(folder, MARKS, inside=True))
        write()  # a place that cannot be written to is an error before the work
        for mark in tuple(done.values()):
            finish(mark)
        limits = NotebookLimits(time_limit, memory_limit, slowness=sandbox.slowness())
        waiting = [notebook for notebook in opened if printable(notebook.path) not in done]
        if waiting:
            cut = _few(dataset) if quick else dataset
            marking.mark_all(waiting, cut, limits=limits, jobs=jobs, quick=quick, tell=finish)
        found = made()
        if folder is not None and filled is not None:
            for mark, page in zip(found.marks, found.pages, strict=True):
                write_page(mark, folder / page)
            write(last=True)
    return found


def find_notebooks(given: Sequence[Path]) -> list[Path]:
    """The notebooks, and those in folders, each once.

    Raises
    ------
    DataError
        If a folder has none.
    """
    found: dict[Path, Path] = {}
    for place in given:
        inside = sorted(place.rglob("*.ipynb")) if place.is_dir() else [place]
        inside = [path for path in inside if not any(part.startswith(".") for part in path.relative_to(place).parts)]
        if not inside:
            raise DataError(f"{place}: expected notebooks (.ipynb) in this folder, found none")
        found |= {path.resolve(): path for path in inside}
    return list(found.values())


def _opened(paths: list[Path], *, several: bool) -> tuple[list[Notebook], dict[str, Mark]]:
    """Notebooks that can be read, and marks of those that cannot, so that one does not stop the others."""
    opened, marks = [], {}
    for path in paths:
        try:
            opened.append(read_notebook(path))
        except DataError as error:
            if not several:
                raise
            mark = marking.refused(path, str(error).removeprefix(f"{path}: "))
            marks[mark.notebook] = mark
    return opened, marks


def _copies(notebooks: list[Notebook]) -> dict[str, list[str]]:
    """For each notebook, the others that are nearly copies of it, in words."""
    found: dict[str, list[str]] = {}
    for pair in near_copies(notebooks):
        first, second = (notebooks[place].path for place in (pair.first, pair.second))
        told = f"{pair.cells} of {pair.of} cells alike ({', '.join(pair.tasks)})"
        for one, other in ((first, second), (second, first)):
            found.setdefault(printable(one), []).append(f"{printable(other.name)}: {told}")
    return found


def _earlier(folder: Path, about: dict[str, Any], opened: list[Notebook]) -> dict[str, Mark]:
    """The marks in a folder's ``class.json`` of notebooks that have not changed since."""
    place = folder / "class.json"
    if not place.is_file():
        return {}
    found = json.loads(read_plain(place, LARGEST))
    if found["version"] != versions()["digitwise"] or found["data"] != about:
        return {}
    marks = {row["notebook"]: Mark.from_dict(row) for row in found["notebooks"]}
    same = {printable(each.path): each.sha256 for each in opened}
    return {name: mark for name, mark in marks.items() if mark.sha256 and same.get(name) == mark.sha256}


def _few(dataset: Dataset) -> Dataset:
    """A few images, evenly spaced, since a set may be sorted by class."""
    train, test = (
        part.take(np.linspace(0, len(part) - 1, min(QUICK, len(part))).astype(np.int64))
        for part in (dataset.train, dataset.test)
    )
    return replace(dataset, train=train, test=test)
