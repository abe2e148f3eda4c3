"""From notebooks to marks: run each, judge what it showed, one after another or side by side."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from digitwise.errors import MissingPartError, ModelError
from digitwise.exercise.answering import Answerer
from digitwise.exercise.evidence import LARGEST, Evidence, read_evidence
from digitwise.exercise.judging import Case, judge, remarks
from digitwise.exercise.marks import Mark, PartMark, TaskMark, printable
from digitwise.exercise.notebooks import Notebook
from digitwise.exercise.sandbox import (
    GIGABYTE,
    INSTALL,
    SLOWER,
    Limits,
    prepare,
    run_limited,
    slowness,
    temporary_folder,
)
from digitwise.exercise.submitted import read_plain
from digitwise.exercise.tasks import TASKS
from digitwise.images import Dataset

Tell = Callable[[Mark], None]


def mark_all(
    notebooks: Sequence[Notebook], dataset: Dataset, *, limits: Limits | None = None, jobs: int = 1, tell: Tell
) -> list[Mark]:
    """Mark notebooks.

    Parameters
    ----------
    notebooks : sequence of Notebook
    dataset : Dataset
        What they are run and judged on.
    limits : Limits, optional
        Of each; by default those of :class:`~digitwise.exercise.sandbox.Limits`, for a machine as slow as this one.
    jobs : int
        How many are run side by side.
    tell : callable
        Told each mark when it is there, from another thread, one at a time.

    Returns
    -------
    list of Mark
        In the order of the notebooks.

    Raises
    ------
    MissingPartError
        If IPython or psutil is not installed.
    """
    if find_spec("IPython") is None:
        raise MissingPartError(INSTALL.format("IPython"))
    limits = limits or Limits(slowness=slowness())
    stop, telling = threading.Event(), threading.Lock()
    with temporary_folder() as folder:
        data = folder / "data.npz"
        _write(dataset, data)
        with Answerer(data, stop, limits.slowness) as answerer, ThreadPoolExecutor(jobs) as pool:

            def work(notebook: Notebook) -> Mark:
                mark = mark_notebook(notebook, dataset, data, answerer, limits, stop)
                with telling:
                    if not stop.is_set():
                        tell(mark)
                return mark

            waiting = [pool.submit(work, notebook) for notebook in notebooks]
            try:
                return [each.result() for each in waiting]
            finally:
                stop.set()
                pool.shutdown(cancel_futures=True)


def refused(path: Path, why: str) -> Mark:
    """The mark of what is no notebook: no points, and the reason."""
    tasks = tuple(
        TaskMark(
            task.id,
            task.title,
            tuple(PartMark(part.id, part.what, 0, part.points, "not read", "") for part in task.parts),
        )
        for task in TASKS
    )
    return Mark(printable(path), tasks, printable(why))


def mark_notebook(
    notebook: Notebook, dataset: Dataset, data: Path, answerer: Answerer, limits: Limits, stop: threading.Event
) -> Mark:
    """Run one notebook in a folder that is gone afterwards, and judge it.

    Parameters
    ----------
    notebook, dataset, limits, stop
        As above; ``stop`` ends it early.
    data : Path
        The data set as .npz.
    answerer : Answerer
    """
    began = time.monotonic()
    with temporary_folder() as folder:
        prepare(folder)
        (folder / "evidence").mkdir()
        (folder / "work" / "results").mkdir()
        for link in (folder / "data.npz", folder / "work" / "mnist.npz"):
            link.symlink_to(data)
        cells = [{"place": cell.place, "source": cell.source} for cell in notebook.code]
        (folder / "cells.json").write_text(json.dumps(cells), encoding="utf-8")
        reason = run_limited("digitwise.exercise.session", folder, limits, stop)
        seconds = time.monotonic() - began
        try:
            evidence, fault = read_evidence(folder / "evidence"), ""
        except ModelError as error:
            evidence, fault = Evidence(), f"{error}{_last_words(folder / 'stderr')}" if reason == "ended" else ""
        ended = fault or _ending(reason, evidence, limits)
        case = Case(notebook, evidence, dataset, answerer, ended)
        try:
            return Mark(printable(notebook.path), judge(case), ended, dict(evidence.errors), remarks(case), seconds)
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:  # numbers that nobody could have drawn
            return refused(notebook.path, f"what the notebook wrote down cannot be judged: {error}")


def _ending(reason: str, evidence: Evidence, limits: Limits) -> str:
    """Why a notebook did not come to its end, in words."""
    if evidence.running is None and reason == "ended":
        return ""
    where = "outside its cells" if evidence.running is None else f"in cell {evidence.running}"
    return {
        "time": f"stopped {where}: the limit of {limits.seconds:g} seconds was reached"
        + (f", {limits.slowness:.1f} times as long on this machine" if limits.slowness >= SLOWER else ""),
        "memory": f"stopped {where}: it took more than {limits.memory_bytes / GIGABYTE:g} GB of memory",
        "processes": f"stopped {where}: it started too many processes",
        "stopped": "stopped from outside",
    }.get(reason, f"Python itself ended {where}")


def _last_words(errors: Path) -> str:
    """What Python said before it ended without having run anything."""
    try:
        lines = read_plain(errors, LARGEST).decode(errors="replace")[-1000:].strip().splitlines()
    except ModelError:  # the student's code has put something else there
        return ""
    return f"; {printable(lines[-1])[:200]}" if lines else ""


def _write(dataset: Dataset, path: Path) -> None:
    np.savez(
        path,
        x_train=dataset.train.images,
        y_train=dataset.train.labels,
        x_test=dataset.test.images,
        y_test=dataset.test.labels,
        class_names=np.array(dataset.train.class_names),
    )
    path.chmod(0o444)  # it is linked into each notebook's folder
