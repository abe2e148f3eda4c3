"""The run folder while a training builds it: beside its place, put there in one step, gone where the training fails."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from digitwise import outputs
from digitwise.errors import RunError
from digitwise.files import atomic_json, atomic_write, whole_file
from digitwise.images import Float16
from digitwise.predictions import Predictions
from digitwise.runs import CHECKPOINTS, FORMAT, RUN, Run, Split


@contextmanager
def building(out: Path, *, resume: bool) -> Iterator[Path]:
    """Yield a folder to build a run in, and lock ``out`` meanwhile; see :func:`begin`.

    On an error it is removed, unless there are checkpoints to go on with.
    """
    with outputs.claimed(out, RUN):
        partial = begin(out, resume=resume)
        try:
            yield partial
        except BaseException:
            _abandon(partial)
            raise


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
        If ``out`` is something else than a run folder, or holds more than that.
    """
    outputs.recover(out, RUN)
    check_place(out)
    partial = _partial(out)
    if partial.exists():  # of a killed training; only checkpoints are of use
        outputs.discard(partial, RUN, keep=CHECKPOINTS if resume else "")
    partial.mkdir(parents=True, exist_ok=True)
    return partial


def abandon(out: Path) -> None:
    """Remove the unfinished run of a process that was ended, unless it has checkpoints to resume from."""
    if _partial(out).is_dir():
        with suppress(RunError), outputs.claimed(out, RUN):  # or somebody else is at work there
            _abandon(_partial(out))


def _abandon(partial: Path) -> None:
    if partial.is_dir() and not any(partial.glob(CHECKPOINTS)):
        outputs.discard(partial, RUN)


def _partial(out: Path) -> Path:
    return out.with_name(f".{out.name}.partial")


def checkpoint(folder: Path, member: int) -> Path:
    """Where the state of a network in training is kept: an ensemble has several, counted from 0."""
    return folder / CHECKPOINTS.replace("*", str(member))


def check_place(out: Path) -> None:
    """Raise RunError if ``out`` is something else than a run folder, or holds more than digitwise wrote."""
    outputs.check_folder(out, RUN)


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
    outputs.put_folder(partial, out, RUN)
    for checkpoint in out.glob(CHECKPOINTS):
        checkpoint.unlink()
    return Run.open(out)
