"""A saved evaluation: a folder with the answers of a model and the images that they are about.

::

    net-on-scans/
    ├── evaluation.json       model, data, classes, how the model takes images, results
    ├── answers.npz           labels and probabilities; of a run those of its validation images too
    ├── images.npz            the images, and the names of their files
    └── .digitwise.json       the list of all these, see digitwise.outputs
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digitwise.errors import DataError, RunError, one_line
from digitwise.files import expanded, real, write_json
from digitwise.images import ImageSet
from digitwise.outputs import Kind, claimed, new_folder
from digitwise.predictions import Predictions
from digitwise.runs import now
from digitwise.system import versions

if TYPE_CHECKING:
    from digitwise.reporting.evaluation import Evaluation

FORMAT = 1
SAVED = Kind("evaluation", "an earlier evaluation", RunError, "folder")
FILE = "evaluation.json"
ABOUT = ("name", "data", "fingerprint", "place", "purpose", "source")


def is_saved(path: str | Path) -> bool:
    """Whether a folder holds a saved evaluation."""
    return (expanded(path) / FILE).is_file()


def write_evaluation(evaluation: Evaluation, folder: Path) -> Path:
    """See :meth:`Evaluation.save`."""
    place, images = real(folder), evaluation.images
    answers = {"": evaluation.predictions} | (
        {} if evaluation.validation is None else {"validation_": evaluation.validation}
    )
    with claimed(place, SAVED), new_folder(place, SAVED) as made:
        arrays = {
            f"{split}{name}": getattr(each, name)
            for split, each in answers.items()
            for name in ("labels", "probabilities")
        }
        np.savez_compressed(made / "answers.npz", **arrays)
        np.savez_compressed(made / "images.npz", images=images.images, files=np.array(images.files, np.str_))
        about = {
            "format": FORMAT,
            "digitwise": versions()["digitwise"],
            "created": now(),
            **{name: getattr(evaluation, name) for name in ABOUT},
            "notes": list(evaluation.notes),
            "input": evaluation.understood and evaluation.understood.as_dict(),
            "class_names": list(evaluation.class_names),
            "results": evaluation.as_dict(),
        }
        write_json(made / FILE, about)
    return folder


def read_evaluation(folder: str | Path, of: Callable[..., Evaluation]) -> Evaluation:
    """See :meth:`Evaluation.open`; ``of`` is :meth:`Evaluation.of`."""
    path = expanded(folder)
    if not is_saved(path):
        raise RunError.wanted(folder, "a folder that Evaluation.save wrote", "none", path=folder)
    with _reading(path, f"a whole evaluation of format {FORMAT}"):
        about = json.loads((path / FILE).read_text(encoding="utf-8"))
        if about["format"] != FORMAT:
            raise DataError(f"got format {about['format']}")
        names = tuple(about["class_names"])
        with np.load(path / "answers.npz", allow_pickle=False) as kept:
            answers = {
                split: Predictions(kept[f"{split}labels"], kept[f"{split}probabilities"], names)
                for split in ("", "validation_")
                if f"{split}labels" in kept
            }
        given: dict[str, Any] = {name: str(about[name]) for name in ABOUT}
        notes = tuple(map(str, about["notes"]))
        load = partial(_images, path, answers[""], given["fingerprint"])
        return of(answers[""], load=load, validation=answers.get("validation_"), notes=notes, **given)


def _images(path: Path, answers: Predictions, fingerprint: str) -> ImageSet:
    file = path / "images.npz"
    with _reading(file, "the images evaluated"), np.load(file, allow_pickle=False) as kept:
        found = ImageSet(kept["images"], answers.labels, answers.class_names, tuple(map(str, kept["files"])))
        if found.fingerprint != fingerprint:
            raise DataError("got other images than those evaluated")
        return found


@contextmanager
def _reading(place: Path, what: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # NumPy's parser and unpacking raise whatever they meet
        raise RunError(f"{place}: expected {what}: {one_line(error, 200)}; evaluate again") from error
