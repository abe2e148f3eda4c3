"""The state of a training after an epoch, in one file, so that a killed one can go on."""

from __future__ import annotations

import json
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitwise.errors import RunError
from digitwise.files import whole_file


@dataclass
class Progress:
    """Where a training stands.

    Parameters
    ----------
    key : str
        Recipe, seed and data, so that a checkpoint is not continued with others.
    history : list of dict
        One row a finished epoch.
    steps : int
        Taken so far.
    share : float
        Of the whole training that is done, in [0, 1].
    seconds, compile_seconds : float
        Fit time so far, earlier sessions included, and the part of it until the first step was done.
    class_errors : list of int
        Validation errors of each class, summed over the finished epochs.
    best_epoch : int
        Of the lowest validation loss, from 1; 0 before the first epoch.
    """

    key: str
    history: list[dict[str, Any]] = field(default_factory=list)
    steps: int = 0
    share: float = 0.0
    seconds: float = 0.0
    compile_seconds: float = 0.0
    class_errors: list[int] = field(default_factory=list)
    best_epoch: int = 0


Arrays = list[NDArray[Any]]


def save_checkpoint(path: Path, progress: Progress, state: Arrays, best: Arrays) -> None:
    """Write a checkpoint, whole or not at all.

    Parameters
    ----------
    path : Path
    progress : Progress
    state : list of ndarray
        Everything that training changes: weights, optimizer, random seeds.
    best : list of ndarray
        The network's weights of the best epoch; empty where the recipe keeps the last.
    """
    arrays: dict[str, Any] = {"progress": np.array(json.dumps(asdict(progress)))}
    arrays |= {f"state_{i}": array for i, array in enumerate(state)}
    arrays |= {f"best_{i}": array for i, array in enumerate(best)}
    with whole_file(path) as temporary:
        np.savez(temporary, **arrays)


def load_checkpoint(path: Path, key: str) -> tuple[Progress, Arrays, Arrays] | None:
    """Read a checkpoint back; None where there is none.

    Raises
    ------
    RunError
        If it belongs to another recipe, seed or data set, or is damaged.
    """
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as archive:
            progress = Progress(**json.loads(str(archive["progress"])))
            groups = [
                [archive[f"{kind}{i}"] for i in range(sum(name.startswith(kind) for name in archive.files))]
                for kind in ("state_", "best_")
            ]
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise RunError(f"{path}: not a checkpoint of this version; start again without --resume") from error
    if progress.key != key:
        raise RunError(f"{path}: a checkpoint of another recipe, seed or data set; start again without --resume")
    return progress, groups[0], groups[1]
