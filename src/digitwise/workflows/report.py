"""The report page of any model: of a run with its training, of others with what can be known of their answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from digitwise.data import read_labelled
from digitwise.data.streamed import AnyDataset, StreamedDataset
from digitwise.images import Dataset
from digitwise.progress import say, showing
from digitwise.reporting.content import Wishes
from digitwise.reporting.evaluation import Evaluation
from digitwise.reporting.report import write_report
from digitwise.reporting.saved import is_saved
from digitwise.runs import Run, is_model
from digitwise.workflows.evaluate import evaluate

PAGE = "report.html"


def report(
    what: Any,
    path: str | Path | None = None,
    *,
    data: Any = None,
    target: float | None = None,
    max_error: float | None = None,
    samples: int = 10_000,
    class_mix: Mapping[str, float] | None = None,
    findings: Sequence[Mapping[str, Any]] = (),
    patch: str | Path | None = None,
    class_names: Sequence[Any] | None = None,
    input_scale: str | None = None,
    label_column: str | None = None,
    progress: bool | None = None,
) -> Path:
    """Write the report of a model: one self-contained HTML file, its numbers as JSON, its figures.

    Parameters
    ----------
    what : run, evaluation, model or path, or a list of them
        What :func:`digitwise.evaluate` takes, or an :class:`Evaluation`. The report is about the first, the others are
        compared with it on the same images. A run without ``data`` is reported with its training; of other models the
        parts about a training are left out.
    path : str or Path, optional
        Ends in ``.html``. By default ``report.html`` in the run's folder, or that of a saved evaluation; for other
        models in the current folder. An earlier report there is replaced.
    data, class_names, input_scale, label_column
        As for :func:`digitwise.evaluate`. For a run: where its data lies now; or other labelled images.
    target : float, optional
        The error rate to stay below, in (0, 1).
    max_error : float, optional
        At most this share of the answers is wrong under the guarantee; by default what the run keeps, or 0.001.
    samples : int
        Number of readings to estimate errors for.
    class_mix : mapping of str to float, optional
        Shares of classes in use, see :func:`digitwise.evaluation.rates.expected_errors`.
    findings : sequence of mapping
        Findings of :func:`digitwise.check` to show too: code, severity, title, count.
    patch : str or Path, optional
        A label patch under which a run's own test images are counted too.
    progress : bool, optional
        Whether to show a bar; by default on a terminal and in a notebook.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    RunError, ModelError, DataError
        As for :func:`digitwise.evaluate`; RunError also if something else lies at ``path``.

    Examples
    --------
    >>> import digitwise
    >>> digitwise.report("results/baseline")  # doctest: +SKIP
    PosixPath('results/baseline/report.html')
    """
    wishes = Wishes(target, max_error, samples, class_mix, findings, None if patch is None else Path(patch))
    several = what if isinstance(what, list | tuple) else [what]
    asked: dict[str, Any] = {"class_names": class_names, "input_scale": input_scale, "label_column": label_column}
    place = Path(path) if path is not None else default_place(several[0])
    with showing(progress, "evaluating"):
        subjects = [subject(each, data, **asked) for each in several]
        say("writing the report")
        write_report(subjects, place, wishes)
    return place


def subject(what: Any, data: Any = None, *, label_column: str | None = None, **asked: Any) -> Evaluation:
    """What a report is about: a run's own test images from wherever they lie now, or a model asked about data."""
    if isinstance(what, Evaluation):
        return what
    is_path = isinstance(what, str | Path)
    if isinstance(what, Run) or (is_path and not is_model(what) and not is_saved(what)):
        run = what if isinstance(what, Run) else Run.open(what)
        if (dataset := _own(run, data, label_column)) is not None:
            return Evaluation.of_run(run, dataset)
    return evaluate(what, data, label_column=label_column, **asked)


def default_place(what: Any) -> Path:
    """Where a report goes by default: into the folder of a run or a saved evaluation, else the current one."""
    if isinstance(what, Run):
        return what.path / PAGE
    if isinstance(what, Evaluation):
        return what.run.path / PAGE if what.run else Path(PAGE)
    return Path(what) / PAGE if isinstance(what, str | Path) and not is_model(what) else Path(PAGE)


def _own(run: Run, data: Any, label_column: str | None) -> AnyDataset | None:
    """A run's own data set, where this is it; None for other data. A streamed run takes only its own."""
    known = run.info["data"]
    own = known["fingerprint"]["test"]
    if isinstance(data, Dataset | StreamedDataset):
        return data if data.test.fingerprint == own else None
    if data is not None and not isinstance(data, str | Path):
        return None
    if data is None or "streamed" in known:
        return run.dataset(data, label_column=label_column)
    found = read_labelled(data, label_column=label_column).to_test(own)
    return run.dataset(data, label_column=label_column) if found.fingerprint == own else None
