"""Comparing two models on the same images, whatever they are."""

from __future__ import annotations

from pathlib import Path

from digitwise.errors import RunError
from digitwise.evaluation import Comparison, compare_predictions
from digitwise.evaluation.comparison import all_different
from digitwise.reporting.evaluation import Evaluation
from digitwise.reporting.saved import is_saved
from digitwise.runs import Run

Compared = str | Path | Run | Evaluation


def compare(a: Compared, b: Compared) -> Comparison:
    """Compare two models, image by image, on the same images.

    The read of the test images is noted in the run.json of both runs.

    Parameters
    ----------
    a, b : str, Path, Run or Evaluation
        A run or its folder, which stands for the answers about its own test images; an evaluation, or the folder that
        one was saved in.

    Returns
    -------
    Comparison

    Raises
    ------
    RunError
        If one is neither, both are the same run, or they are about different images.

    Examples
    --------
    >>> import digitwise, numpy as np
    >>> labels = digitwise.load("digits").test.labels
    >>> right, shifted = (digitwise.evaluate(np.eye(10)[(labels + k) % 10], "digits") for k in (0, 1))
    >>> print(digitwise.compare(right, shifted).verdict())
    A makes fewer errors than B (p = 8.52e-109)
    """
    first, second = map(opened, (a, b))
    all_different([each.run for each in (first, second) if each.run])
    return compared(first, second)


def opened(what: Compared) -> Evaluation:
    """The evaluation that a run, an evaluation or a folder stands for."""
    if isinstance(what, Evaluation):
        return what
    if not isinstance(what, Run) and is_saved(what):
        return Evaluation.open(what)
    return Evaluation.of_run(what if isinstance(what, Run) else Run.open(what))


def compared(a: Evaluation, b: Evaluation) -> Comparison:
    """See :func:`compare`."""
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
    for each, other in ((a, b), (b, a)):
        if each.run is not None:
            each.run.note_test_read(f"compare: with {Path(other.place).name or other.name}")
    return compare_predictions(a.predictions, b.predictions)
