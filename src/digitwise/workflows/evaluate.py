"""Evaluating a run: from its stored answers, or by asking its model about other data."""

from __future__ import annotations

from pathlib import Path

from digitwise.data import read_labelled
from digitwise.data.labelled import of_classes
from digitwise.data.patches import digests, read_patch
from digitwise.evaluation import Evaluation, evaluate_predictions
from digitwise.images import Dataset, ImageSet, Int64, Mask, Predictions
from digitwise.runs import Run


def evaluate(run: str | Path | Run, data: str | Path | Dataset | None = None) -> Evaluation:
    """Count and judge the errors of a run.

    Parameters
    ----------
    run : str, Path or Run
    data : str, Path or Dataset, optional
        By default the test images the run was trained for, from its stored probabilities: no model is loaded.
        Otherwise the test images of that set, or all of its images where it has no test split, but for those that the
        run was trained on. They have to have the model's size, and no other classes.

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
    name, images = images_to_test(run, data, label_column=label_column)
    predictions = _ask(run, images)
    run.note_test_read(f"evaluate: on {name}", images.fingerprint)
    return predictions


def images_to_test(run: Run, data: str | Path | Dataset, *, label_column: str | None = None) -> tuple[str, ImageSet]:
    """The name of other data and the images of it that a run is evaluated with, under the run's classes.

    Raises
    ------
    DataError
        If there are images of a class that the run does not know.
    """
    known = run.info["data"]
    if isinstance(data, Dataset):
        name, images = data.name, data.test
    else:
        found = read_labelled(data, label_column=label_column)
        name, images = found.name, found.to_test(known["fingerprint"]["test"])
    return name, of_classes(images, tuple(known["class_names"]), name, str(run.path))


def patched_images(
    run: Run, data: str | Path, patch: str | Path, *, label_column: str | None = None
) -> tuple[Int64, Mask]:
    """What a label patch says of the images of other data that a run is evaluated with.

    Returns
    -------
    labels : ndarray of int64, shape (n,)
    dropped : ndarray of bool, shape (n,)

    Raises
    ------
    DataError
        If the patch names images that the data lacks, or a decision is no class.
    """
    decisions, found = read_patch(patch), read_labelled(data, label_column=label_column)
    everything = [found.train, *([found.test] if found.test is not None else [])]
    decisions.require({digest for part in everything for digest in digests(part.images)}, found.name)
    known = run.info["data"]
    images = found.to_test(known["fingerprint"]["test"])
    return decisions.of(of_classes(images, tuple(known["class_names"]), found.name, str(run.path)))


def _ask(run: Run, images: ImageSet) -> Predictions:
    from digitwise.training.predict import predict  # Keras takes seconds to import: only where a model is asked
    from digitwise.training.saving import load_model

    return predict(load_model(run.path), images)
