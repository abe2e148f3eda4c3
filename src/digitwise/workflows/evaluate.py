"""Evaluating a run: from its stored answers, or by asking its model about other data."""

from __future__ import annotations

from pathlib import Path

from digitwise.data import load
from digitwise.errors import DataError
from digitwise.evaluation import Evaluation, evaluate_predictions
from digitwise.images import Dataset, Predictions
from digitwise.runs import Run


def evaluate(run: str | Path | Run, data: str | Path | Dataset | None = None) -> Evaluation:
    """Count and judge the errors of a run.

    Parameters
    ----------
    run : str, Path or Run
    data : str, Path or Dataset, optional
        By default the test images the run was trained for, from its stored probabilities: no model is loaded.
        Otherwise the test images of that set, which have to have the model's size and classes.

    Returns
    -------
    Evaluation
        The look at the test images is written into run.json.

    Raises
    ------
    RunError
        If ``run`` is not a run folder.
    DataError
        If the data does not fit the model.
    """
    return evaluate_predictions(answers_about(run if isinstance(run, Run) else Run.open(run), data))


def answers_about(
    run: Run, data: str | Path | Dataset | None = None, *, label_column: str | None = None
) -> Predictions:
    """What a run's model answers about test images, stored or asked anew; as for :func:`evaluate`."""
    if data is None:
        predictions = run.predictions("test")
        run.note_test_read("evaluate")
        return predictions
    dataset = data if isinstance(data, Dataset) else load(data, label_column=label_column)
    predictions = _ask(run, dataset)
    run.note_test_read(f"evaluate: on {dataset.name}", dataset.test.fingerprint)
    return predictions


def _ask(run: Run, dataset: Dataset) -> Predictions:
    known, given = tuple(run.info["data"]["class_names"]), dataset.test.class_names
    if known != given:
        raise DataError(
            f"{dataset.name}: expected the {len(known)} classes that {run.path} was trained on, got {len(given)}: "
            f"{', '.join(given[:5])}"
        )

    from digitwise.training.predict import predict  # Keras takes seconds to import: only where a model is asked
    from digitwise.training.saving import load_model

    return predict(load_model(run.path), dataset.test)
