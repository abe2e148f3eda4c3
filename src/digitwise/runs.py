"""The run folder: all that a training hands on.

::

    results/augmented/
    ├── run.json              recipe, seed, versions, hardware, data fingerprint, results, reads of the test set
    ├── history.csv           one row an epoch
    ├── validation.npz        labels and probabilities
    ├── test.npz              labels and probabilities
    ├── features.npz          what the network's last hidden layer says of the test pictures, in few dimensions
    ├── labels.csv            the label patch it was trained under, where there was one
    ├── policy.json           when to answer, once evaluate --max-error or report has found it
    ├── improvement.json      before and after, in a run that digitwise improve made
    ├── model.keras           the model; also as model.json + model.weights.h5
    └── *.png                 figures

A run is made beside its place, in ``.augmented.partial``, and takes it by one rename when it is whole.
"""

from __future__ import annotations

import csv
import datetime
import io
import json
import shutil
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from digitwise import ledger
from digitwise.errors import DataError, RunError
from digitwise.files import atomic_json, atomic_write, replace_folder, whole_file
from digitwise.images import Float16, Predictions

FORMAT = 1
PATCH = "labels.csv"  # the label patch a run was trained under
CHECKPOINTS = "checkpoint-*.npz"
NEEDED = {"recipe", "seed", "data", "results", "parameters", "fit_seconds"}
Split = Literal["validation", "test"]


@dataclass(frozen=True, eq=False)
class Run:
    """A finished training on disk.

    Parameters
    ----------
    path : Path
    info : dict
        The content of run.json.
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
        if not file.is_file():
            what = "an empty place" if not path.exists() else "a folder without run.json" if path.is_dir() else "a file"
            raise RunError(f"{path}: expected a run folder (made by digitwise train), got {what}")
        try:
            info = json.loads(file.read_text(encoding="utf-8"))
            version = info["format"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunError(f"{file}: not a run.json of digitwise; train again") from error
        if version != FORMAT:
            raise RunError(f"{file}: expected run format {FORMAT}, got {version}; use the version that wrote it")
        if missing := NEEDED - info.keys():
            raise RunError(f"{file}: not a run.json of digitwise: {sorted(missing)[0]} is missing; train again")
        return cls(path, info)

    @property
    def name(self) -> str:
        """The recipe's name."""
        return str(self.info["recipe"]["name"])

    @property
    def history(self) -> list[dict[str, float]]:
        """The rows of history.csv, all values as numbers."""
        try:
            with (self.path / "history.csv").open(encoding="utf-8", newline="") as file:
                return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
        except (OSError, ValueError) as error:
            raise RunError(f"{self.path / 'history.csv'}: cannot be read; train again") from error

    def predictions(self, split: Split) -> Predictions:
        """What the model answered about the validation or the test pictures.

        Raises
        ------
        RunError
            If the file is missing or damaged.
        """
        file = self.path / f"{split}.npz"
        with _reading(file, f"the {split} probabilities"), np.load(file, allow_pickle=False) as archive:
            return Predictions(archive["labels"], archive["probabilities"], tuple(self.info["data"]["class_names"]))

    def features(self) -> Float16 | None:
        """What the last hidden layer says of the test pictures, (n, at most 32); None where a run has none."""
        file = self.path / "features.npz"
        if not file.exists():
            return None
        with _reading(file, "the test pictures' features"), np.load(file, allow_pickle=False) as archive:
            return np.asarray(archive["test"], np.float16)

    def save_policy(self, policy: Mapping[str, Any]) -> None:
        """Keep when to answer (temperature, threshold, promise) as policy.json, for whoever reads with this model."""
        atomic_json(self.path / "policy.json", dict(policy))

    @property
    def policy(self) -> dict[str, Any] | None:
        """The policy kept; None where there is none."""
        return self._kept("policy.json", "the reading policy")

    def save_improvement(self, improvement: Mapping[str, Any]) -> None:
        """Keep what a mend changed, as improvement.json of the mended run."""
        atomic_json(self.path / "improvement.json", dict(improvement))

    @property
    def improvement(self) -> dict[str, Any] | None:
        """What the mend that made this run changed; None for a run that is no mend."""
        return self._kept("improvement.json", "what the mend changed")

    def _kept(self, name: str, what: str) -> dict[str, Any] | None:
        file = self.path / name
        if not file.exists():
            return None
        with _reading(file, what):
            return dict(json.loads(file.read_text(encoding="utf-8")))

    def note_test_read(self, reason: str, fingerprint: str | None = None) -> None:
        """Write into run.json and into the pictures' ledger that a test set was looked at, and why.

        Parameters
        ----------
        reason : str
        fingerprint : str, optional
            Of the test pictures, if they are not those this run was tested on.

        Raises
        ------
        RunError
            If the ledger cannot be written.
        """
        look = ledger.Look(now(), str(self.path.resolve()), reason)
        self.info.setdefault("test_reads", []).append({"time": look.time, "reason": reason})
        atomic_json(self.path / "run.json", self.info)
        ledger.note(fingerprint or self.info["data"]["fingerprint"]["test"], look)


@contextmanager
def _reading(file: Path, what: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, zlib.error, zipfile.BadZipFile, DataError) as error:
        raise RunError(f"{file}: expected {what} of this run: {error}; train again") from error


def now() -> str:
    """The time in UTC, to the second, as ISO 8601."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def begin(out: Path, *, resume: bool) -> Path:
    """Make the place beside ``out`` where a run is built.

    Parameters
    ----------
    out : Path
        Where the finished run will lie; an earlier run there stays until then.
    resume : bool
        Keep what an interrupted training left in that place.

    Returns
    -------
    Path
        The folder to build in.

    Raises
    ------
    RunError
        If ``out`` is something else than a run folder.
    """
    check_place(out)
    partial = out.with_name(f".{out.name}.partial")
    if partial.exists() and not resume:
        shutil.rmtree(partial)
    partial.mkdir(parents=True, exist_ok=True)
    for leftover in partial.iterdir():  # of a killed training; only checkpoints are of use
        if not leftover.match(CHECKPOINTS):
            leftover.unlink()
    return partial


def checkpoint(folder: Path, member: int) -> Path:
    """Where the state of a network in training is kept: an ensemble has several, counted from 0."""
    return folder / CHECKPOINTS.replace("*", str(member))


def check_place(out: Path) -> None:
    """Make sure that a run may take the place ``out``.

    Raises
    ------
    RunError
        If there is something else than a run folder.
    """
    if out.exists() and not (out.is_dir() and ((out / "run.json").is_file() or not any(out.iterdir()))):
        raise RunError(
            f"{out}: expected a new name or a run folder to replace, got something else; choose another --out"
        )


def write(
    partial: Path,
    info: Mapping[str, Any],
    history: Sequence[Mapping[str, Any]],
    answers: Mapping[Split, Predictions],
    features: Float16,
) -> None:
    """Write a run's own files; run.json last, so that a folder with one is whole."""
    table = io.StringIO()
    writer = csv.DictWriter(table, list(history[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    atomic_write(partial / "history.csv", table.getvalue())
    for split, predictions in answers.items():
        with whole_file(partial / f"{split}.npz") as file:
            np.savez_compressed(file, labels=predictions.labels, probabilities=predictions.probabilities)
    with whole_file(partial / "features.npz") as file:
        np.savez_compressed(file, test=features)
    atomic_json(partial / "run.json", {"format": FORMAT, **info})


def finish(partial: Path, out: Path) -> Run:
    """Put a finished run in its place; an earlier one there goes only now, and the checkpoints last of all."""
    replace_folder(partial, out)
    for checkpoint in out.glob(CHECKPOINTS):
        checkpoint.unlink()
    return Run.open(out)
