"""Evaluates a reader on a user's labelled images, and calibrates its error guarantees for such images."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from digitwise import parts, runs
from digitwise.data import read_labelled
from digitwise.data.arrays import is_path, is_place, name_of
from digitwise.data.labelled import of_classes
from digitwise.errors import DataError, ModelError, RunError
from digitwise.escaping import printable
from digitwise.evaluation import Scores, evaluate_predictions
from digitwise.evaluation.selective import TEMPERATURE, Policy, fewest_images, reading_policy, upper_bound
from digitwise.exporting.card import LEVELS
from digitwise.files import expanded, real
from digitwise.formats import Stored, open_splits
from digitwise.formats.blocks import Labels
from digitwise.formats.objects import object_splits
from digitwise.formats.values import Pixels, as_labels
from digitwise.images import Dataset, Int64, Mask
from digitwise.outputs import Kind, check_file, write
from digitwise.predictions import Predictions
from digitwise.progress import showing
from digitwise.reading.answers import Answers
from digitwise.reading.inputs import is_labelled_files, labelled_files
from digitwise.reading.model import KEY, model_content
from digitwise.reading.reader import Reader

CALIBRATED = Kind("calibrated", "an earlier model of digitwise calibrate", ModelError, "--out")


@dataclass(frozen=True, eq=False)
class Judged:
    """A reader's answers for labelled images."""

    files: tuple[str, ...]  # or the set and the row in it
    labels: Int64  # (n,)
    answers: Answers

    @cached_property
    def predictions(self) -> Predictions:
        """The answers as predictions; a blank counts as wrong."""
        shares, blank = self.answers.probabilities.copy(), np.flatnonzero(self.answers.blank)
        shares[blank] = 0
        shares[blank, (self.labels[blank] + 1) % shares.shape[1]] = 1
        return Predictions(self.labels, shares, self.answers.class_names)

    @property
    def wrong(self) -> Mask:
        """Which are wrong, bool (n,)."""
        return np.asarray(self.predictions.predicted != self.labels)

    @cached_property
    def scores(self) -> Scores:
        """The scores with unsure answers counted as read."""
        return evaluate_predictions(self.predictions)

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        read, wrong, n = self.answers.read, self.wrong, len(self.labels)
        names, predicted = self.answers.class_names, self.predictions.predicted
        at_most = upper_bound(int((read & wrong).sum()), int(read.sum())) if read.any() else None
        return {
            **self.scores.as_dict(),
            "read": int(read.sum()),
            "unsure": int((~read & ~self.answers.blank).sum()),
            "blank": int(self.answers.blank.sum()),
            "coverage": float(read.sum() / n),
            "wrong_read": int((read & wrong).sum()),
            "wrong_read_at_most": at_most,
            "misread": [
                {
                    "file": self.files[k],
                    "label": names[self.labels[k]],
                    "read_as": None if self.answers.blank[k] else names[predicted[k]],
                    "status": "blank" if self.answers.blank[k] else "read" if read[k] else "unsure",
                }
                for k in np.flatnonzero(wrong).tolist()
            ],
        }


def judged(reader: Reader, data: object, *, label_column: str | None = None) -> Judged:
    """Read labelled images.

    Parameters
    ----------
    reader : Reader
    data : str, Path or object
        Files, see :func:`~digitwise.reading.inputs.labelled_files`; or any set that :func:`digitwise.load` takes, of
        which the test images are read, or all where it has no test split.
    label_column : str, optional
        As for :func:`digitwise.load`.

    Raises
    ------
    DataError
        If one of them cannot be read, or a label is no class of the model.
    """
    names, found = reader.class_names, dict[str, Stored]()
    if is_place(data):
        path = expanded(data)
        if not is_path(data) or not path.exists():
            images = of_classes(read_labelled(data).to_test(), names, str(data), reader.model.name)
            return Judged(_rows(data, len(images)), images.labels, reader.answers(images.images))
        if label_column is None and is_labelled_files(path):
            files, labels = labelled_files(path, names)
            return Judged(tuple(map(str, files)), labels, _each(reader, files, {}))
        found.update(open_splits(path, label_column=label_column))
    else:
        found.update(object_splits(data.test if isinstance(data, Dataset) else data, label_column=label_column))
    stored = found.get("test", found["train"])
    if not stored.labelled:
        raise DataError.wanted(stored.where, "a label for each image", "none", argument="data")
    marks, answers, pixels = list[Int64](), list[Answers](), Pixels(stored.where)
    for block in stored.blocks(labels=True):
        if isinstance(block.images, list):
            answers.append(_each(reader, block.images, block.errors))
        else:
            answers.append(reader.answers(pixels(block.images)))
        marks.append(_classes(block.labels, stored, names))
    if not answers:
        raise DataError.wanted(stored.where, "labelled images", "none", argument="data")
    labels = np.concatenate(marks)
    return Judged(_rows(data, len(labels)), labels, Answers.joined(answers))


def _each(reader: Reader, files: Sequence[Any], errors: Mapping[int, str]) -> Answers:
    answers, _, unread = reader.answers_each(files)
    if errors := {**unread, **errors}:
        reason = errors[min(errors)]
        raise DataError(f"{reason}; fix the file or remove it ({len(errors)} of {len(files):,} cannot be read)")
    return answers


def _rows(data: object, count: int) -> tuple[str, ...]:
    return tuple(f"{name_of(data)}, row {row}" for row in range(count))


def _classes(marks: Labels | None, stored: Stored, class_names: tuple[str, ...]) -> Int64:
    """Labels as places in the names of a model's classes: by name, or by number where they have no names."""
    where, places = f"{stored.where}, labels", {name: place for place, name in enumerate(class_names)}
    if isinstance(marks, list) and any(isinstance(mark, str) for mark in marks):
        names = [printable(str(mark)) for mark in marks]
    else:
        numbers, own = as_labels(np.asarray(marks), where).tolist(), stored.class_names
        names = [own[number] if own and number < len(own) else str(number) for number in numbers]
        if not own:
            places = {str(place): place for place in range(len(class_names))} | places
    if strange := next((name for name in names if name not in places), None):
        raise DataError(f"{where}: expected labels that the model knows, {', '.join(class_names)}; got {strange!r}")
    return np.array([places[name] for name in names], np.int64)


@dataclass(frozen=True, eq=False, repr=False)
class Calibrated:
    """A reader's error guarantees for images of one kind.

    Parameters
    ----------
    policies : tuple of Policy
        Strictest first; a threshold is for the reader's probabilities at
        ``digitwise.evaluation.selective.TEMPERATURE``.
    n : int
        Labelled images.
    refused : tuple of (float, int)
        Stricter error rates that these images cannot support, and the fewest images for each if no sure answer is
        wrong.
    """

    policies: tuple[Policy, ...]
    n: int
    refused: tuple[tuple[float, int], ...]

    def __repr__(self) -> str:
        kept = ", ".join(f"{policy.max_error:.2%}" for policy in self.policies)
        return f"Calibrated({self.n:,} images; at most wrong: {kept or 'no guarantee'})"

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        refused = [{"max_error": level, "images": least} for level, least in self.refused]
        return {"n": self.n, "policies": [policy.as_dict() for policy in self.policies], "refused": refused}


def calibrate(
    data: object,
    model: str | Path | None = None,
    *,
    max_error: float | None = None,
    label_column: str | None = None,
    out: str | Path = "calibrated.onnx",
    progress: bool | None = None,
) -> Calibrated:
    """Calibrate a reader on your own labelled images, and write its guarantees into a copy of the model.

    Parameters
    ----------
    data : str, Path or object
        Some hundred labelled images that the model was not trained on: a folder with one folder for each class, a CSV
        of paths and labels, or anything else that :func:`digitwise.load` takes.
    model : str or Path, optional
        By default the bundled one.
    max_error : float, optional
        In (0, 1): one more guarantee, that at most this share of what is read is wrong.
    label_column : str, optional
        As for :func:`digitwise.load`.
    out : str or Path
        File for the copy of the model, to read with.
    progress : bool, optional
        Whether to show a bar; by default on a terminal and in a notebook.

    Returns
    -------
    Calibrated
        The guarantees; each holds on such images with 95 % confidence.

    Raises
    ------
    MissingPartError
        If onnx is not installed.
    RunError
        If the images do not carry the guarantee asked for, or none at all.
    DataError
        If an image cannot be read, or a label is no class of the model.
    ModelError
        If the model cannot be used, or ``out`` holds something else than an earlier calibration.

    Examples
    --------
    >>> import digitwise
    >>> found = digitwise.calibrate("labelled-scans", max_error=0.01)  # doctest: +SKIP
    >>> digitwise.Reader("calibrated.onnx", max_error=0.01)  # doctest: +SKIP
    """
    parts.require("calibrating", "onnx")
    check_file(real(Path(out)), CALIBRATED)
    levels = sorted({*LEVELS, *([max_error] if max_error else [])})
    with showing(progress, "reading"):
        found = calibrated(judged(Reader(model), data, label_column=label_column), levels)
    refused = dict(found.refused)
    if max_error in refused or not found.policies:
        wanted = max_error or levels[-1]
        raise RunError.wanted(
            name_of(data),
            f"images that carry at most {wanted:.2%} wrong with 95 % confidence",
            f"{found.n:,}",
            f"it takes at least {refused[wanted]:,}, and more where sure answers are wrong; look at these "
            f"(evaluate(reader, data), digitwise evaluate --reader {name_of(data)}), label more, or allow more errors",
            argument="data",
        )
    write_calibrated(model, found, out)
    return found


def calibrated(found: Judged, levels: Sequence[float] = LEVELS) -> Calibrated:
    """Find the threshold of a reader for each error rate, by :func:`~digitwise.evaluation.selective.reading_policy`.

    Images on which the reader's two networks disagree are never read, so they are left out.

    Parameters
    ----------
    found : Judged
        Of some hundred images that the model was not trained on.
    levels : sequence of float
        In (0, 1).

    Raises
    ------
    DataError
        If the networks agree on no image.
    """
    n, policies, refused = len(found.labels), [], []
    agreed = np.flatnonzero(found.answers.agreed & ~found.answers.blank)
    if not len(agreed):
        raise DataError(f"expected images of digits to calibrate with, got {n:,} on which the reader is never sure")
    part = Predictions(found.labels[agreed], found.answers.judged[agreed], found.answers.class_names)
    for level in sorted(levels):
        try:
            policy = reading_policy(part, level)
        except RunError:
            refused.append((level, math.ceil(fewest_images(level) * n / len(agreed))))
        else:
            policies.append(replace(policy, coverage=policy.answered / n))
    return Calibrated(tuple(policies), n, tuple(refused))


def write_calibrated(model: str | Path | None, found: Calibrated, out: str | Path) -> None:
    """Write a copy of a model with other error guarantees.

    Parameters
    ----------
    model : str or Path, optional
        By default the bundled one.
    found : Calibrated
    out : str or Path
        A new file, or one of an earlier calibration.

    Raises
    ------
    ModelError
        If ``out`` holds something else, or the model is not one that digitwise exported.
    """
    copy = parts.imported("onnx", "calibrating").load_from_string(model_content(model)[0])
    entry = next((entry for entry in copy.metadata_props if entry.key == KEY), None)
    if entry is None:
        raise ModelError(
            f"{model}: expected a model by digitwise export, which holds guarantees, got one from elsewhere"
        )
    document = json.loads(entry.value)
    # The model includes the file's temperature; that of a policy is for probabilities without it.
    scaled = {"temperature": TEMPERATURE * float(document["temperature"])}
    document["policies"] = [{**policy.as_dict(), **scaled} for policy in found.policies]
    document["calibrated"] = {"n": found.n, "created": runs.now()}
    entry.value = json.dumps(document, ensure_ascii=False)
    write(real(Path(out)), CALIBRATED, copy.SerializeToString())
