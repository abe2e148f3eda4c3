"""Evaluating a run, from its stored answers or by asking its model about other data; or a model in a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from digitwise import ledger
from digitwise.data import read_labelled
from digitwise.data.labelled import of_classes
from digitwise.data.patches import digests, read_patch
from digitwise.errors import DataError, ModelError, RunError
from digitwise.evaluation import Evaluation, evaluate_predictions
from digitwise.files import expanded
from digitwise.images import Dataset, ImageSet, Int64, Mask, Predictions
from digitwise.outputs import MARKER
from digitwise.reading.foreign import Foreign, Understood, from_session, known_digits
from digitwise.reading.model import Model, is_foreign, model_content
from digitwise.reading.sessions import session_of
from digitwise.runs import Run, now

DIGITS = tuple("0123456789")
MODELS = (".keras", ".h5", ".hdf5", ".json", ".onnx")


def evaluate(run: str | Path | Run, data: object = None) -> Evaluation:
    """Count and judge the errors of a run, or of a model in a file.

    Parameters
    ----------
    run : str, Path or Run
        A model in a file needs ``data``, see :func:`model_answers`.
    data : str, Path or object, optional
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
        If ``run`` is neither a run folder nor a model.
    DataError
        If the data does not fit the model.
    """
    if not isinstance(run, Run) and is_model(run):
        return evaluate_predictions(model_answers(run, data).predictions)
    return evaluate_predictions(answers_about(run if isinstance(run, Run) else Run.open(run), data))


def answers_about(run: Run, data: object = None, *, label_column: str | None = None) -> Predictions:
    """What a run's model answers about test images, stored or asked anew; as for :func:`evaluate`."""
    if data is None:
        predictions = run.predictions("test")
        run.note_test_read("evaluate")
        return predictions
    name, images = images_to_test(run, data, label_column=label_column)
    predictions = _ask(run, images)
    run.note_test_read(f"evaluate: on {name}", images.fingerprint)
    return predictions


def images_to_test(run: Run, data: object, *, label_column: str | None = None) -> tuple[str, ImageSet]:
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


def patched_images(run: Run, data: object, patch: str | Path, *, label_column: str | None = None) -> tuple[Int64, Mask]:
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


@dataclass(frozen=True, eq=False)
class ModelAnswers:
    """The answers of a model in a file about labelled images.

    Parameters
    ----------
    model : str
        The file.
    data : str
        The name of the images.
    predictions : Predictions
    understood : Understood or None
        How the model takes images; None for one that digitwise exported.
    """

    model: str
    data: str
    predictions: Predictions
    understood: Understood | None


def is_model(path: str | Path) -> bool:
    """Whether a path is a model in a file, or a folder with JSON and weights, that is no run."""
    path = expanded(path)
    if path.is_dir():
        return (path / "model.json").is_file() and not any((path / name).exists() for name in ("run.json", MARKER))
    return path.is_file() and path.suffix.lower() in MODELS


def model_answers(
    model: str | Path,
    data: object,
    *,
    label_column: str | None = None,
    input_scale: str | None = None,
) -> ModelAnswers:
    """What a model in a file answers about the test images of a set, or about all images where it has no test split.

    Parameters
    ----------
    model : str or Path
        A ``.keras`` or ``.h5`` file, JSON with its weights, or ONNX from floats to probabilities or logits; or ONNX
        that ``digitwise export`` made. How one that digitwise did not make takes images is found by asking it about
        images with labels: training images of the set, else the embedded digits, else those it is evaluated with.
    data : str, Path or object
    label_column : str, optional
        As for :func:`digitwise.load`.
    input_scale : str, optional
        One of :data:`digitwise.reading.foreign.SCALES`, instead of the one found.

    Returns
    -------
    ModelAnswers
        The look at the images is written into their ledger.

    Raises
    ------
    RunError, ModelError
        If there is no data, or no model that can be loaded.
    DataError
        If the data does not fit the model.
    """
    if data is None:
        raise RunError(f"{model}: expected --data with a model that is no run: it has no test images of its own")
    known: ImageSet | None
    if isinstance(data, Dataset):
        name, known, images = data.name, data.train, data.test
    else:
        labelled = read_labelled(data, label_column=label_column)
        name, images = labelled.name, labelled.to_test()
        known = labelled.train if labelled.test is not None else None
    asked = _opened(expanded(model))
    if isinstance(asked, Model):
        if input_scale is not None:
            raise ModelError(
                f"{model}: expected --input-scale with a model from elsewhere, got one by digitwise export"
            )
        images, understood = of_classes(images, asked.card.class_names, name, str(model)), None
        probabilities = asked.probabilities(images.images)
    else:
        images = _of_model(asked, images, name)
        understood = asked.understood(*_known(known, images, name), input_scale)
        probabilities = understood.probabilities(images.images)
    ledger.note(images.fingerprint, ledger.LedgerEntry(now(), str(expanded(model).resolve()), f"evaluate: on {name}"))
    return ModelAnswers(str(model), name, Predictions(images.labels, probabilities, images.class_names), understood)


def _opened(path: Path) -> Model | Foreign:
    if path.suffix.lower() == ".onnx":
        content, name = model_content(path)
        session = session_of(content, name)
        return from_session(session, name) if is_foreign(session) else Model(path)
    from digitwise.training.predict import foreign_of
    from digitwise.training.saving import load_model

    return foreign_of(load_model(path), str(path))


def _of_model(model: Foreign, images: ImageSet, name: str) -> ImageSet:
    """The images under as many classes as the model has: those of the set, or the ten digits."""
    if model.classes in (None, images.n_classes):
        return images
    if model.classes == len(DIGITS):
        return of_classes(images, DIGITS, name, model.name)
    raise DataError(f"{name}: expected the {model.classes} classes of {model.name}, got {images.n_classes}")


def _known(train: ImageSet | None, images: ImageSet, name: str) -> tuple[ImageSet, str]:
    """Labelled images to ask a model about before it is evaluated, and what they are."""
    if train is not None:
        return of_classes(train, images.class_names, name, name), f"training images of {name}"
    if images.class_names == DIGITS and images.image_shape == (28, 28, 1):
        return known_digits(), "known digits"
    return images, f"images of {name}"
