"""Evaluating any model on labelled images: a run, a file, a model in memory, or its answers alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from digitwise import ledger
from digitwise.data import read_labelled
from digitwise.data.labelled import of_classes, without_images
from digitwise.data.patches import digests, read_patch
from digitwise.errors import ModelError, RunError, one_line
from digitwise.exporting.judging import Judged
from digitwise.files import expanded
from digitwise.images import Dataset, Float32, ImageSet, Int64, Mask
from digitwise.predictions import Predictions
from digitwise.progress import showing
from digitwise.reading.foreign import Foreign, Understood, as_probabilities, from_session, kind_of, known_digits
from digitwise.reading.model import Model, is_foreign, model_content
from digitwise.reading.reader import Reader
from digitwise.reading.sessions import session_of
from digitwise.reporting.evaluation import Evaluation
from digitwise.reporting.saved import is_saved
from digitwise.runs import CLASSIFIER, Run, is_model, now
from digitwise.workflows.models import (
    DIGITS,
    TAKEN,
    class_name,
    foreign_file,
    foreign_model,
    is_array,
    name_of,
    ordered_classes,
    under_classes,
)


def evaluate(
    model: Any,
    data: Any = None,
    *,
    class_names: Sequence[Any] | None = None,
    input_scale: str | None = None,
    label_column: str | None = None,
    progress: bool | None = None,
) -> Evaluation:
    """Evaluate a model on labelled images: count its errors, and judge them.

    Parameters
    ----------
    model : run, path, model, classifier, module, function, Reader or array
        - a :class:`Run` or its folder;
        - a file: ``.keras``, ``.h5``, JSON beside its weights, ONNX; or a folder in TensorFlow's SavedModel form,
          which runs as a program: only open one whose source you trust; or one that :meth:`DigitClassifier.save` wrote;
        - a Keras model; a fitted classifier of scikit-learn, by ``predict_proba`` or else ``decision_function``; a
          torch module, in evaluation mode on the device it is on;
        - a function of a batch of images that gives an array (n, k);
        - a :class:`Reader`;
        - an array (n, k) of probabilities or logits for the images, in their order;
        - a folder that :meth:`Evaluation.save` wrote, without ``data``.
    data : str, Path, Dataset or what else :func:`digitwise.load` takes, optional
        Its test images are taken, or all of its images where it has no test split. Of a run, those that it was trained
        on are left out, and without data its answers about its own test images are taken, without loading the model.
    class_names : sequence, optional
        The names of the model's outputs, in their order, where the model does not tell them and they are not those of
        the data. By default a classifier's ``classes_``.
    input_scale : {"0-1", "0-255", "centred", "standardised"}, optional
        The pixels that the model takes: centred is -1 to 1, standardised by MNIST's mean and deviation. By default it
        is found, with the layout of the input, by asking the model about images with labels: training images of the
        data, else the embedded digits in MNIST's form, else those it is evaluated with.
    label_column : str, optional
        As for :func:`digitwise.load`.
    progress : bool, optional
        Whether to show a bar; by default on a terminal and in a notebook.

    Returns
    -------
    Evaluation
        The look at the images is written into their ledger, that of a run into run.json too.

    Raises
    ------
    RunError
        If a model that is no run comes without data, or a path is neither a run nor a model.
    ModelError
        If the model cannot be asked, or gives something else than a number for each class.
    DataError
        If the data does not fit the model.

    Examples
    --------
    >>> import digitwise
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> digits = digitwise.load("digits")
    >>> rows = digits.train.images.reshape(len(digits.train), -1) / 255
    >>> classifier = KNeighborsClassifier(3).fit(rows, digits.train.labels)
    >>> found = digitwise.evaluate(classifier, digits)
    >>> found
    Evaluation(KNeighborsClassifier on digits: 5 of 360 wrong, 1.39 %, 95 % interval 0.59 to 3.21 %)
    >>> found.understood.scale, list(found.errors().columns)
    ('0-1', ['index', 'given', 'predicted', 'confidence'])
    """
    is_path = isinstance(model, str | Path)
    if is_path and is_saved(model):
        if data is not None:
            alone, do = "a saved evaluation without data", "give the model instead"
            raise RunError.wanted(model, alone, "both", do, path=model, argument="data")
        return Evaluation.open(model)
    if isinstance(model, Run) or (is_path and not is_model(model)):
        if class_names is not None or input_scale is not None:
            wanted = "class_names and input_scale with a model that is no run"
            raise RunError(f"expected {wanted}, got a run", argument="model", expected=wanted, got="a run")
        with showing(progress, "evaluating"):
            return _of_run(model if isinstance(model, Run) else Run.open(model), data, label_column)
    if data is None:
        name = model if is_path else name_of(model)
        raise RunError.wanted(
            name,
            "data with a model that is no run, which has no test images of its own",
            "none",
            "give labelled images as data (--data)",
            path=model if is_path else None,
            argument="data",
        )
    with showing(progress, "evaluating"):
        return _of_model(model, Given.of(data, label_column), class_names, input_scale)


def _of_run(run: Run, data: Any, label_column: str | None) -> Evaluation:
    """The answers of a run, stored or asked anew."""
    if data is None:
        found = Evaluation.of_run(run)
        run.note_test_read("evaluate")
        return found
    given = images_to_test(run, data, label_column=label_column)
    images = given.images
    from digitwise.training.predict import predict  # Keras takes seconds to import: only where a model is asked
    from digitwise.training.saving import load_model

    predictions = predict(load_model(run.path), images)
    run.note_test_read(f"evaluate: on {given.name}", images.fingerprint)
    about = {"validation": run.predictions("validation"), "purpose": run.info["recipe"]["purpose"]}
    return _evaluation(predictions, given, images, name=run.name, place=str(run.path), **about)


def _evaluation(predictions: Predictions, given: Given, images: ImageSet, **about: Any) -> Evaluation:
    notes = tuple(dict.fromkeys((*given.notes, *without_images(images))))
    return Evaluation.of(
        predictions,
        data=given.name,
        source=given.source,
        notes=notes,
        fingerprint=images.fingerprint,
        load=lambda: images,
        **about,
    )


@dataclass(frozen=True, eq=False)
class Given:
    """The images that a model is evaluated with, and others with labels to ask it about before.

    Parameters
    ----------
    name, source : str
        As in :class:`~digitwise.images.Dataset`.
    notes : tuple of str
    images : ImageSet
    train : ImageSet or None
        Training images of the same set.
    """

    name: str
    source: str
    notes: tuple[str, ...]
    images: ImageSet
    train: ImageSet | None

    @classmethod
    def of(cls, data: Any, label_column: str | None, trained_on: str | None = None) -> Given:
        """Read a data set; ``trained_on`` as for :meth:`~digitwise.data.labelled.Labelled.to_test`."""
        if isinstance(data, Dataset):
            return cls(data.name, data.source, data.notes, data.test, data.train)
        found = read_labelled(data, label_column=label_column)
        train = found.train if found.test is not None else None
        return cls(found.name, found.source, found.notes, found.to_test(trained_on), train)

    def known(self, images: ImageSet) -> tuple[ImageSet, str]:
        """Images with labels, under the classes of ``images``, to ask a model about, and what they are."""
        if self.train is not None:
            return of_classes(self.train, images.class_names, self.name, self.name), f"training images of {self.name}"
        if images.class_names == DIGITS and images.image_shape == (28, 28, 1):
            return known_digits(), "known digits"
        return images, f"images of {self.name}"


def _of_model(model: Any, given: Given, class_names: Sequence[Any] | None, input_scale: str | None) -> Evaluation:
    """The answers of a model that is no run."""
    asked = _opened(model)
    name = Path(model).name if isinstance(model, str | Path) else name_of(model)
    about: dict[str, Any] = {"name": name, "place": str(model) if isinstance(model, str | Path) else name}
    if isinstance(asked, Foreign):
        images, understood = _understood(asked.settled(given.images.images[:2]), given, class_names, input_scale)
        predictions = Predictions(images.labels, understood.probabilities(images.images), images.class_names)
        about |= {"understood": understood, "purpose": understood.words}
    else:
        _refuse_scale(input_scale, about["place"])
        predictions, images = _told(asked, given, class_names, about["place"])
    place = Path(about["place"]).resolve() if isinstance(model, str | Path) else name
    ledger.note(images.fingerprint, ledger.LedgerEntry(now(), str(place), f"evaluate: on {given.name}"))
    return _evaluation(predictions, given, images, **about)


def _opened(model: Any) -> Model | Reader | Foreign | Float32:
    if isinstance(model, Reader):
        return model
    if not isinstance(model, str | Path):
        return _rows(model) if is_array(model) else foreign_model(model)
    path = expanded(model)
    if path.suffix.lower() == ".onnx":
        content, name = model_content(path)
        session = session_of(content, name)
        return from_session(session, name) if is_foreign(session) else Model(path)
    found = foreign_file(path)
    return replace(found, class_names=_classes_of(path / CLASSIFIER)) if (path / CLASSIFIER).is_file() else found


def _classes_of(file: Path) -> tuple[str, ...]:
    """The classes of a saved :class:`digitwise.DigitClassifier`."""
    try:
        return tuple(map(class_name, json.loads(file.read_text(encoding="utf-8"))["classes"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RunError.wanted(file, "the classes of a saved classifier", one_line(error, 160)) from error


def _rows(model: Any) -> Float32:
    """An array of probabilities or logits as float32 (n, k)."""
    try:
        rows = np.asarray(model.detach().cpu() if hasattr(model, "detach") else model, np.float32)
    except (TypeError, ValueError) as error:
        got = f"a {type(model).__name__} of others"
        raise ModelError(f"expected {TAKEN}, got {got}", argument="model", expected=TAKEN, got=got) from error
    if rows.ndim != 2 or rows.shape[1] < 2 or not np.isfinite(rows).all():
        got = f"shape {rows.shape}" if rows.ndim != 2 or rows.shape[1] < 2 else "others"
        wanted = "finite probabilities or logits of shape (n, k)"
        raise ModelError(f"expected {wanted}, got {got}", argument="model", expected=wanted, got=got)
    return rows


def _understood(
    model: Foreign, given: Given, class_names: Sequence[Any] | None, input_scale: str | None
) -> tuple[ImageSet, Understood]:
    """The images under a model's classes, and how it takes them."""
    model, names = under_classes(model, given.images, given.name, class_names)
    images = of_classes(given.images, names, given.name, model.name)
    return images, model.understood(*given.known(images), input_scale)


def _told(
    asked: Model | Reader | Float32, given: Given, class_names: Sequence[Any] | None, name: str
) -> tuple[Predictions, ImageSet]:
    """What a model of digitwise or an array says of the images, and these under its classes."""
    if isinstance(asked, np.ndarray):
        if len(asked) != len(given.images):
            raise ModelError(
                f"expected {len(given.images):,} rows, one for each of the images of {given.name} to evaluate with, "
                f"got {len(asked):,}",
                argument="model",
                expected=len(given.images),
                got=len(asked),
            )
        outputs, images = ordered_classes(asked, given.images, given.name, class_names)
        return Predictions(images.labels, as_probabilities(outputs, kind_of(outputs)), images.class_names), images
    if class_names is not None:
        elsewhere, own = "class_names with a model from elsewhere", "one that has its own"
        raise ModelError.wanted(name, elsewhere, own, argument="class_names")
    if isinstance(asked, Reader):
        images = of_classes(given.images, asked.class_names, given.name, name)
        return Judged((), images.labels, asked.answers(images.images)).predictions, images
    images = of_classes(given.images, asked.card.class_names, given.name, name)
    return Predictions(images.labels, asked.probabilities(images.images), images.class_names), images


def _refuse_scale(input_scale: str | None, name: str) -> None:
    if input_scale is not None:
        elsewhere, own = "an input scale (--input-scale) with a model from elsewhere", "one that has its own"
        raise ModelError.wanted(name, elsewhere, own, argument="input_scale")


def images_to_test(run: Run, data: Any, *, label_column: str | None = None) -> Given:
    """Other data, with the images of it that a run is evaluated with, under the run's classes.

    Raises
    ------
    DataError
        If there are images of a class that the run does not know.
    """
    known = run.info["data"]
    given = Given.of(data, label_column, known["fingerprint"]["test"])
    images = of_classes(given.images, tuple(known["class_names"]), given.name, str(run.path))
    return Given(given.name, given.source, given.notes, images, None)


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
    return decisions.of(images_to_test(run, data, label_column=label_column).images)
