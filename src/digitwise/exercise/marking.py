"""From notebooks to marks: runs each notebook and judges its evidence, one by one or in parallel."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from digitwise.errors import ModelError
from digitwise.escaping import printable
from digitwise.exercise.evidence import LARGEST, Evidence, read_evidence, read_plain
from digitwise.exercise.judging import Case, judge, remarks
from digitwise.exercise.language import say, speaking
from digitwise.exercise.marks import Mark, PartMark, TaskMark
from digitwise.exercise.notebooks import Notebook
from digitwise.exercise.predicting import Predictor
from digitwise.exercise.registration import Registration
from digitwise.exercise.sandbox import (
    GIGABYTE,
    MARKING,
    SLOWER,
    NotebookLimits,
    prepare,
    run_limited,
    slowness,
    temporary_folder,
)
from digitwise.exercise.tasks import TASKS
from digitwise.images import Dataset
from digitwise.parts import require

Tell = Callable[[Mark], None]


def mark_all(
    notebooks: Sequence[Notebook],
    dataset: Dataset,
    *,
    limits: NotebookLimits | None = None,
    jobs: int = 1,
    quick: bool = False,
    tell: Tell,
) -> list[Mark]:
    """Mark notebooks.

    Parameters
    ----------
    notebooks : sequence of Notebook
    dataset : Dataset
        For running and judging.
    limits : NotebookLimits, optional
        Of each; by default those of :class:`~digitwise.exercise.sandbox.NotebookLimits`, for the speed of this machine.
    jobs : int
        Notebooks that run in parallel.
    quick : bool
        Whether the data set was cut to a few images: then accuracies are not judged.
    tell : callable
        Called with each finished mark, from another thread, one call at a time.

    Returns
    -------
    list of Mark
        In the order of the notebooks.

    Raises
    ------
    MissingPartError
        If IPython or psutil is not installed.
    """
    require(MARKING, "IPython")
    limits = limits or NotebookLimits(slowness=slowness())
    stop, telling = threading.Event(), threading.Lock()
    registration = Registration(dataset.train.images)
    with temporary_folder() as folder:
        data = folder / "data.npz"
        _write(dataset, data)
        with closing(Predictor(data, stop, limits.slowness)) as predictor, ThreadPoolExecutor(jobs) as pool:

            def work(notebook: Notebook) -> Mark:
                with speaking(notebook.language):
                    run = (notebook, dataset, data, predictor, limits, stop, registration)
                    mark = mark_notebook(*run, quick=quick)
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
    """The mark of a file that cannot be marked: no points, and the reason."""
    tasks = tuple(
        TaskMark(
            task.id,
            task.title,
            tuple(PartMark(part.id, part.what, 0, part.points, say("not read"), "") for part in task.parts),
        )
        for task in TASKS
    )
    return Mark(printable(path), tasks, printable(why), opened=False)


def mark_notebook(
    notebook: Notebook,
    dataset: Dataset,
    data: Path,
    predictor: Predictor,
    limits: NotebookLimits,
    stop: threading.Event,
    registration: Registration,
    *,
    quick: bool = False,
) -> Mark:
    """Run one notebook in a temporary folder, and judge it.

    Parameters
    ----------
    notebook, dataset, limits
        As for :func:`mark_all`.
    data : Path
        The data set as .npz.
    predictor : Predictor
    stop : Event
        Set by another thread to end the run.
    registration : Registration
        With the training images.
    quick : bool
        As for :func:`mark_all`.
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
        case = Case(notebook, evidence, dataset, predictor, ended, registration, quick=quick)
        try:
            found = judge(case), ended, dict(evidence.errors), remarks(case), seconds
            mark = Mark(printable(notebook.path), *found, language=notebook.language, sha256=notebook.sha256)
            return replace(mark, isolated=not (fault or evidence.missing))
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:  # forged numbers
            return refused(
                notebook.path, say("the evidence of the notebook cannot be judged: {error}", error=str(error))
            )


def _ending(reason: str, evidence: Evidence, limits: NotebookLimits) -> str:
    """Why a notebook did not run to its end, in words; empty where it did."""
    if evidence.running is None and reason == "ended":
        return ""
    running = evidence.running
    where = say("outside its cells") if running is None else say("in cell {place}", place=running)
    slower = say(", {n} times as long on this machine", n=f"{limits.slowness:.1f}") if limits.slowness >= SLOWER else ""
    facts = {"where": where, "seconds": f"{limits.seconds:g}", "memory": f"{limits.memory_bytes / GIGABYTE:g}"}
    facts |= {"disk": f"{limits.disk_bytes / GIGABYTE:g}", "files": f"{limits.files:,}"}
    return {
        "time": say("stopped {where}: the limit of {seconds} seconds was reached", **facts) + slower,
        "memory": say("stopped {where}: it used more than {memory} GB of memory", **facts),
        "processes": say("stopped {where}: it started too many processes", **facts),
        "disk": say("stopped {where}: it wrote more than {disk} GB", **facts),
        "files": say("stopped {where}: it made more than {files} files and folders", **facts),
        "stopped": say("stopped from outside"),
    }.get(reason) or say("Python ended {where}", **facts)


def _last_words(errors: Path) -> str:
    """The last line on standard error of a Python that ended before it ran anything."""
    try:
        lines = read_plain(errors, LARGEST).decode(errors="replace")[-1000:].strip().splitlines()
    except ModelError:  # the student's code replaced the file
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
    path.chmod(0o444)  # every notebook's folder links to it
