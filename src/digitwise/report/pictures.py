"""Finding the pictures that a run was trained and tested on."""

from __future__ import annotations

from pathlib import Path

from digitwise.data import load
from digitwise.data.patches import read_patch
from digitwise.data.sources import NAMES
from digitwise.errors import RunError
from digitwise.images import Dataset, Int64, Mask
from digitwise.runs import Run


def dataset_of(run: Run, data: str | Path | None = None) -> Dataset:
    """Load a run's data set again, under the label patch it was trained under, and make sure that it is the same.

    Parameters
    ----------
    run : Run
    data : str or Path, optional
        Where it lies now, if it has moved.

    Raises
    ------
    RunError
        If the test pictures are not those the run was tested on.
    """
    known = run.info["data"]
    dataset = load(data or (known["name"] if known["name"] in NAMES else known["source"]), patch=run.patch)
    if dataset.test.fingerprint != known["fingerprint"]["test"]:
        raise RunError(
            f"{dataset.source}: expected the test pictures of {run.path} "
            f"(sha256 {known['fingerprint']['test'][:12]}…), got others ({dataset.test.fingerprint[:12]}…); "
            f"give the right data with --data"
        )
    return dataset


def patched_test(run: Run, dataset: Dataset, patch: Path | None) -> tuple[Int64, Mask] | None:
    """What a label patch, by default the run's own, says of the test pictures; None where there is none.

    Returns
    -------
    labels : ndarray of int64, shape (n,)
    dropped : ndarray of bool, shape (n,)
    """
    path = patch or run.patch
    if path is None:
        return None
    decisions = read_patch(path)
    if patch is not None:
        decisions.apply(dataset)  # which makes sure that it is about this data
    return decisions.of(dataset.test)
