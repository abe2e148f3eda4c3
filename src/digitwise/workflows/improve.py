"""Improving a run: its recipe trained again with what its errors ask for, to a complete run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from digitwise.data.patches import read_patch
from digitwise.data.streamed import in_memory
from digitwise.parts import require
from digitwise.progress import showing
from digitwise.runs import Run

if TYPE_CHECKING:
    from digitwise.training.improve import Improvement
    from digitwise.training.watch import Watch


def improve(
    run: str | Path | Run,
    data: object = None,
    *,
    patch: str | Path | None = None,
    label_column: str | None = None,
    out: str | Path | None = None,
    folds: int = 5,
    watch: Watch | None = None,
    progress: bool | None = None,
) -> Improvement:
    """Find where a run's recipe fails by cross-validation, train it with fixes, and compare before and after.

    Parameters
    ----------
    run : str, Path or Run
    data : str, Path or object, optional
        Its data, as for :func:`digitwise.load`, where it cannot be found again by its name or path.
    patch : str or Path, optional
        A label patch to apply, see :mod:`digitwise.data.patches`.
    label_column : str, optional
        As for :func:`digitwise.load`.
    out : str or Path, optional
        The new run's folder, by default ``<run>-fixed`` beside the run.
    folds : int
        Trainings of each cross-validation, 2 or more.
    watch : Watch, optional
        Its methods are called as the trainings go on; there is no bar then.
    progress : bool, optional
        As for :func:`digitwise.train`.

    Returns
    -------
    Improvement
        ``run`` is None where there is nothing that training can fix. The test set is used only to evaluate the new run
        once.

    Raises
    ------
    MissingPartError
        If Keras or its backend is not installed.
    RunError
        If ``run`` is no run folder, the data is not that of the run, or ``out`` is something else than a run folder.
    DataError
        If the data or the patch cannot be used.

    Examples
    --------
    >>> import digitwise
    >>> found = digitwise.improve("results/augmented")  # doctest: +SKIP
    >>> print(found.fix.words, found.run)  # doctest: +SKIP
    """
    opened = run if isinstance(run, Run) else Run.open(run)
    require("training", "keras", "tensorflow")
    progress = False if watch else progress
    with showing(progress, "reading the data"):
        dataset = in_memory(opened.dataset(data, label_column=label_column), "improve")
    if patch is not None:
        dataset = read_patch(patch).apply(dataset)
    from digitwise.reporting.render import draw_run
    from digitwise.training import improve as improve_job  # after the data: bad input is refused at once
    from digitwise.training.live import LiveWatch, progress_bar

    place = None if out is None else Path(out)
    with progress_bar(LiveWatch, progress) as bar:
        result = improve_job.improve(opened, dataset, out=place, folds=folds, watch=watch or bar)
    if result.run is not None:
        draw_run(result.run, dataset)
    return result
