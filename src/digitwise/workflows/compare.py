"""Comparing models on the same images, whatever they are."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, overload

from digitwise.errors import RunError
from digitwise.evaluation import Comparison, Comparisons, compare_each
from digitwise.evaluation.comparison import all_different
from digitwise.progress import showing
from digitwise.reporting.content import labels_of
from digitwise.reporting.evaluation import Evaluation
from digitwise.reporting.saved import is_saved
from digitwise.runs import Run, is_model
from digitwise.workflows.models import name_of
from digitwise.workflows.report import subject


@overload
def compare(
    a: Any,
    b: Any,
    *,
    data: Any = None,
    class_names: Sequence[Any] | None = None,
    input_scale: str | None = None,
    label_column: str | None = None,
    progress: bool | None = None,
) -> Comparison: ...


@overload
def compare(
    a: Any,
    b: Any,
    c: Any,
    /,
    *others: Any,
    data: Any = None,
    class_names: Sequence[Any] | None = None,
    input_scale: str | None = None,
    label_column: str | None = None,
    progress: bool | None = None,
) -> Comparisons: ...


def compare(
    a: Any,
    b: Any,
    *others: Any,
    data: Any = None,
    class_names: Sequence[Any] | None = None,
    input_scale: str | None = None,
    label_column: str | None = None,
    progress: bool | None = None,
) -> Comparison | Comparisons:
    """Compare two models or more, image by image, on the same images.

    The read of the test images is noted in the run.json of each run.

    Parameters
    ----------
    a, b, *others : str, Path, Run or Evaluation; with ``data`` any model
        A run or its folder, which stands for the answers about its own test images; an evaluation, or the folder that
        one was saved in; with ``data`` whatever :func:`digitwise.evaluate` takes.
    data, class_names, input_scale, label_column
        As for :func:`digitwise.evaluate`: all are asked about these images.
    progress : bool, optional
        Whether to show a bar; by default on a terminal and in a notebook.

    Returns
    -------
    Comparison or Comparisons
        Of more than two models each two compared, with p-values adjusted for the number of comparisons.

    Raises
    ------
    RunError
        If one is neither, one run is given twice, they are about different images, or a model comes without ``data``.
    ModelError, DataError
        As for :func:`digitwise.evaluate`.

    Examples
    --------
    >>> import digitwise, numpy as np
    >>> labels = digitwise.load("digits").test.labels
    >>> right, shifted = (digitwise.evaluate(np.eye(10)[(labels + k) % 10], "digits") for k in (0, 1))
    >>> print(digitwise.compare(right, shifted).verdict())
    A makes fewer errors than B (p = 8.52e-109)
    """
    asked: dict[str, Any] = {"class_names": class_names, "input_scale": input_scale, "label_column": label_column}
    with showing(progress, "evaluating"):
        found = compared(opened((a, b, *others), data, **asked))
    return found if others else found[0]


def opened(models: Sequence[Any], data: Any = None, **asked: Any) -> list[Evaluation]:
    """The evaluations that the arguments of :func:`compare` stand for."""
    if data is not None:
        found = [subject(each, data, **asked) for each in models]
    else:
        if given := next((name for name, value in asked.items() if value is not None), None):
            raise RunError.wanted(given, "it with data", "it alone", argument=given)
        arguments = itertools.chain("ab", itertools.repeat("others"))
        found = [_opened(each, argument) for each, argument in zip(models, arguments, strict=False)]
    all_different([each.run for each in found if each.run])
    return found


def _opened(what: Any, argument: str) -> Evaluation:
    """The evaluation that a run, an evaluation or a folder stands for."""
    if isinstance(what, Evaluation):
        return what
    is_path = isinstance(what, str | Path)
    if not isinstance(what, Run) and (not is_path or is_model(what)):
        raise RunError.wanted(
            what if is_path else argument,
            "a run, an evaluation or the folder of one",
            "a model" if is_path else name_of(what),
            "give data too (--data), the labelled images that all are to be asked about",
            path=what if is_path else None,
            argument="data",
        )
    if not isinstance(what, Run) and is_saved(what):
        return Evaluation.open(what)
    return Evaluation.of_run(what if isinstance(what, Run) else Run.open(what))


def compared(evaluations: Sequence[Evaluation], names: Sequence[str] | None = None) -> Comparisons:
    """Compare each two of several evaluations; see :func:`compare`.

    Parameters
    ----------
    evaluations : sequence of Evaluation
        Two or more.
    names : sequence of str, optional
        What to call the models; by default as their places and types are called.
    """
    for other in evaluations[1:]:
        _of_the_same_images(evaluations[0], other)
    for each in evaluations:
        for other in evaluations:
            if each.run is not None and other is not each:
                each.run.note_test_read(f"compare: with {Path(other.place).name or other.name}")
    return compare_each([each.predictions for each in evaluations], names or labels_of(evaluations))


def _of_the_same_images(a: Evaluation, b: Evaluation) -> None:
    if a.fingerprint != b.fingerprint:
        raise RunError(
            f"{a.place} and {b.place} were tested on different images ({a.data}, {b.data}): expected one test set; "
            f"evaluate both on the same data"
        )
    if len(a.predictions.labels) != len(b.predictions.labels) or (a.predictions.labels != b.predictions.labels).any():
        files = (each.place if each.run is None else each.run.path / "test.npz" for each in (a, b))
        raise RunError(
            f"{' and '.join(map(str, files))}: expected the same labels for the same images, "
            f"got different ones; train the run with the changed file again"
        )
