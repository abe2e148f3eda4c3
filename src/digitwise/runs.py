"""The run folder: the result of a training.

::

    results/augmented/
    ├── run.json              recipe, seed, versions, hardware, data fingerprint, results, reads of the test set
    ├── history.csv           one row an epoch
    ├── validation.npz        labels and probabilities
    ├── test.npz              labels and probabilities
    ├── features.npz          the last hidden layer's output for the test images, in few dimensions
    ├── labels.csv            the label patch it was trained under, where there was one
    ├── policy.json           when to answer, once evaluate --max-error or report has found it
    ├── slices.json           groups with many errors by cross-validation, once digitwise improve has run
    ├── improvement.json      before and after, in a run that digitwise improve made
    ├── model.keras           the model; also as model.json + model.weights.h5
    ├── model.onnx            the model for use without Keras, once digitwise export has written it
    ├── *.png                 figures
    └── .digitwise.json       the list of all these, see digitwise.outputs

A run is made beside its place, in ``.augmented.partial``, and takes it in one step when it is whole.
"""

from __future__ import annotations

import csv
import datetime
import hashlib
import json
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from digitwise import ledger, outputs
from digitwise.errors import DataError, RunError, one_line
from digitwise.files import expanded, write_json
from digitwise.images import Float16, Int64, Mask
from digitwise.outputs import Kind
from digitwise.predictions import Predictions
from digitwise.run_display import RunDisplay

if TYPE_CHECKING:
    from digitwise.data.streamed import AnyDataset

FORMAT = 1
AGAIN = "improve it again (digitwise improve)"
RUN = Kind("run", "a run folder", RunError)
PART = Kind("run", "an earlier one of this run", RunError, "place")  # a file in it that comes later
PATCH = "labels.csv"  # the label patch a run was trained under
CHECKPOINTS = "checkpoint-*.npz"
NEEDED: dict[type, tuple[str, ...]] = {
    str: (
        *("recipe.name", "recipe.purpose", "recipe.model", "precision", "backend", "created", "hardware.cpu"),
        *("hardware.system", "data.name", "data.source", "data.fingerprint.train", "data.fingerprint.test"),
    ),
    int: (
        *("seed", "epochs", "parameters", "hardware.cores", "results.validation.errors", "results.test.errors"),
        *("results.test.n", "data.validation", "data.test", "data.split_seed"),
    ),
    float: ("fit_seconds",),
    list: ("recipe.sources", "results.test.interval_95", "data.class_names"),
    dict: ("versions",),
}
CURVES = {"epoch", "loss", "accuracy", "val_loss", "val_accuracy", "seconds"}  # columns of history.csv
CLASSIFIER = "classifier.json"  # in a folder that DigitClassifier.save wrote
MODELS = (".keras", ".h5", ".hdf5", ".json", ".onnx")  # endings of models in files
Split = Literal["validation", "test"]


@dataclass(frozen=True, eq=False, repr=False)
class Run(RunDisplay):
    """A finished training on disk.

    Parameters
    ----------
    path : Path
    info : dict
        The content of run.json.

    Examples
    --------
    >>> import digitwise
    >>> run = digitwise.train("flash")  # doctest: +SKIP
    >>> digitwise.Run.open("results/flash").info["results"]["test"]["errors"]  # doctest: +SKIP
    97
    """

    path: Path
    info: dict[str, Any]

    @classmethod
    def open(cls, path: str | Path) -> Run:
        """Open a run folder.

        Raises
        ------
        RunError
            If ``path`` is not one, or was written by a later version.
        """
        path = Path(path)
        file = path / "run.json"
        if not path.exists():
            outputs.recover_unless_written(path, RUN)
        if not file.is_file():
            if not path.exists() and path.suffix.lower() in MODELS:
                raise RunError.wanted(path, "a model or a run folder", "no such file")
            what = "an empty place" if not path.exists() else "a folder without run.json" if path.is_dir() else "a file"
            raise RunError.wanted(path, "a run folder (made by digitwise train)", what)
        try:
            info = json.loads(file.read_text(encoding="utf-8"))
            version = info["format"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise RunError(f"{file}: not a run.json of digitwise; train again") from error
        if version != FORMAT:
            raise RunError.wanted(file, f"run format {FORMAT}", version, "use the version that wrote it")
        for kind, name in ((kind, name) for kind, names in NEEDED.items() for name in names):
            if not isinstance(value := _value(info, name), (int, float) if kind is float else kind):
                expected, got = kind.__name__, type(value).__name__
                fault = f"{name} is missing" if value is None else f"{name}: expected a {expected}, got a {got}"
                raise RunError(f"{file}: not a run.json of digitwise: {fault}; train again")
        return cls(path, info)

    def __repr__(self) -> str:
        test = self.info["results"]["test"]
        return f"Run({self.name}: {test['errors']:,} of {test['n']:,} test images wrong, {str(self.path)!r})"

    @property
    def name(self) -> str:
        """The recipe's name."""
        return str(self.info["recipe"]["name"])

    @property
    def history(self) -> list[dict[str, float]]:
        """The rows of history.csv, all values as numbers."""
        file = self.path / "history.csv"
        with _reading(file, "a row of numbers for each epoch"), file.open(encoding="utf-8", newline="") as table:
            rows = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(table)]
            if not rows or not rows[0].keys() >= CURVES:
                raise DataError(f"got {len(rows)} rows of {', '.join(rows[0]) if rows else 'nothing'}")
            return rows

    def predictions(self, split: Split) -> Predictions:
        """The model's answers about the validation or the test images.

        Raises
        ------
        RunError
            If the file is missing, damaged, or about other images than run.json says.
        """
        file, data = self.path / f"{split}.npz", self.info["data"]
        with _reading(file, f"the {split} probabilities"), np.load(file, allow_pickle=False) as archive:
            answers = Predictions(archive["labels"], archive["probabilities"], tuple(data["class_names"]))
            if len(answers) != data[split]:
                raise DataError(f"run.json has {data[split]:,} images, got {len(answers):,}")
            known = data.get("labels", {}).get(split)  # runs of earlier versions lack it
            if known not in (None, label_print(answers.labels)):
                raise DataError("got other labels than the run was made with")
            return answers

    def features(self) -> Float16 | None:
        """The last hidden layer's output for the test images, (n, at most 32); None if the run has none."""
        file = self.path / "features.npz"
        if not file.exists():
            return None
        with _reading(file, "the test images' features"), np.load(file, allow_pickle=False) as archive:
            found = np.asarray(archive["test"], np.float16)
            if found.ndim != 2 or len(found) != self.info["data"]["test"] or not np.isfinite(found).all():
                raise DataError(f"finite, a row for each of {self.info['data']['test']:,} images, got {found.shape}")
            return found

    def save_policy(self, policy: Mapping[str, Any] | None) -> None:
        """Keep when to answer (temperature, threshold, error guarantee) as policy.json, for reading with this model.

        With None an earlier policy is removed; on an error it stays.
        """
        if policy is None:
            outputs.remove_file(self.path / "policy.json", PART)
        else:
            outputs.write_plain(self.path / "policy.json", PART, dict(policy))

    @property
    def policy(self) -> dict[str, Any] | None:
        """The policy kept; None where there is none."""
        return self._kept("policy.json", "the reading policy", {"max_error"}, "find it again (evaluate --max-error)")

    @property
    def patch(self) -> Path | None:
        """The label patch it was trained under; None where there was none."""
        file = self.path / PATCH
        return file if file.exists() else None

    def dataset(self, data: object = None, *, label_column: str | None = None) -> AnyDataset:
        """Load its data set again, under the label patch it was trained under, and make sure that it is the same.

        Parameters
        ----------
        data : str, Path or object, optional
            Where it lies now, if it has moved, or the data itself, as for :func:`digitwise.load`.
        label_column : str, optional
            As for :func:`digitwise.load`; by default that of the training, where ``data`` is a file of the same form.

        Raises
        ------
        RunError
            If the test images are not those the run was tested on, or the data was in memory and is not given again.
        """
        from digitwise.data import load
        from digitwise.data.arrays import IN_MEMORY, is_place
        from digitwise.data.sources import NAMES
        from digitwise.data.streamed import open_streamed

        known = self.info["data"]
        if data is None and known["source"] == IN_MEMORY:
            wanted, do = "the data it was trained on, which was in memory", "give data=, or save it and give --data"
            raise RunError.wanted(self.path, wanted, "none", do, argument="data")
        place = (known["name"] if known["name"] in NAMES else known["source"]) if data is None else data
        loaded = dict(known.get("loaded", {}))  # runs of earlier versions lack it
        if label_column is not None:
            loaded["label_column"] = label_column
        elif not is_place(place) or Path(place).suffix != Path(known["source"]).suffix:  # the set in another form
            loaded.pop("label_column", None)
        found: AnyDataset
        if "streamed" in known:  # its training images may be more than memory holds
            found = open_streamed(str(place), validation=known["validation"], seed=known["split_seed"], **loaded)
        else:
            found = load(place, patch=self.patch, **loaded)
        if found.test.fingerprint != known["fingerprint"]["test"]:
            wanted = f"the test images of {self.path} (sha256 {known['fingerprint']['test'][:12]}…)"
            came, do = f"others ({found.test.fingerprint[:12]}…)", "give the right data (--data)"
            raise RunError.wanted(found.source, wanted, came, do, path=self.path, argument="data")
        return found

    def patched_test(self, dataset: AnyDataset, patch: Path | None = None) -> tuple[Int64, Mask] | None:
        """Labels of the test images by a label patch, by default the run's own; None without one.

        Returns
        -------
        labels : ndarray of int64, shape (n,)
        dropped : ndarray of bool, shape (n,)
        """
        from digitwise.data.patches import read_patch
        from digitwise.data.streamed import in_memory

        path = patch or self.patch
        if path is None:
            return None
        decisions = read_patch(path)
        if patch is not None:
            decisions.apply(in_memory(dataset, "a label patch"))  # which makes sure that it is about this data
        return decisions.of(dataset.test)

    def save_slices(self, found: Mapping[str, Any]) -> None:
        """Save the groups with many errors among the training images, by cross-validation, as slices.json."""
        outputs.write_plain(self.path / "slices.json", PART, dict(found))

    @property
    def slices(self) -> dict[str, Any] | None:
        """Groups with many errors by cross-validation; None for a run that was not cross-validated."""
        return self._kept("slices.json", "where errors gather", {"of", "folds", "images", "errors", "found"})

    def save_improvement(self, improvement: Mapping[str, Any]) -> None:
        """Keep what a fix changed, as improvement.json of the fixed run."""
        outputs.write_plain(self.path / "improvement.json", PART, dict(improvement))

    @property
    def improvement(self) -> dict[str, Any] | None:
        """What the fix that made this run changed; None for a run that is no fix."""
        return self._kept("improvement.json", "what the fix changed", {"of", "folds", "fix", "changes"})

    def _kept(self, name: str, what: str, needed: Set[str], remedy: str = AGAIN) -> dict[str, Any] | None:
        file = self.path / name
        if not file.exists():
            return None
        with _reading(file, what, remedy):
            kept = dict(json.loads(file.read_text(encoding="utf-8")))
            if missing := needed - kept.keys():
                raise DataError(f"{sorted(missing)[0]} is missing")
            return kept

    def note_test_read(self, reason: str, fingerprint: str | None = None) -> None:
        """Write a use of a test set and its reason into run.json and into the ledger of its images.

        Parameters
        ----------
        reason : str
        fingerprint : str, optional
            Of the test images, if they are not those this run was tested on.

        Raises
        ------
        RunError
            If the ledger cannot be written.
        """
        look = ledger.LedgerEntry(now(), str(self.path.resolve()), reason)
        self.info.setdefault("test_reads", []).append({"time": look.time, "reason": reason})
        with outputs.updated_file(self.path / "run.json", PART) as temporary:
            write_json(temporary, self.info)
        ledger.note(fingerprint or self.info["data"]["fingerprint"]["test"], look)


@contextmanager
def _reading(file: Path, what: str, remedy: str = "train again") -> Iterator[None]:
    try:
        yield
    except Exception as error:  # NumPy's parser and unpacking raise whatever they meet
        message = f"{file}: expected {what} of this run: {one_line(error, 200)}; {remedy}"
        raise RunError(message, path=file, expected=what) from error


def _value(info: Any, name: str) -> Any:
    """What a dotted name, as in data.name, leads to; None where it leads to nothing."""
    for part in name.split("."):
        if not isinstance(info, dict) or part not in info:
            return None
        info = info[part]
    return info


def label_print(labels: Int64) -> str:
    """The sha256 of labels, int64 of shape (n,): by it answers are known to be about the images of their run."""
    return hashlib.sha256(np.ascontiguousarray(labels).astype("<i8").tobytes()).hexdigest()


def now() -> str:
    """The time in UTC, to the second, as ISO 8601."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def is_model(path: str | Path) -> bool:
    """Whether a path is a model in a file, or a folder with JSON and weights, a classifier or a SavedModel, no run."""
    path = expanded(path)
    if (path / "saved_model.pb").is_file():
        return True
    if path.is_dir():
        written = any((path / name).exists() for name in ("run.json", outputs.MARKER))
        return (path / CLASSIFIER).is_file() or ((path / "model.json").is_file() and not written)
    return path.is_file() and path.suffix.lower() in MODELS
