"""Finding the pictures that a run was trained and tested on."""

from __future__ import annotations

from pathlib import Path

from digitwise.data import load
from digitwise.data.patches import read_patch
from digitwise.data.sources import NAMES
from digitwise.data.streamed import AnyDataset, open_streamed
from digitwise.errors import RunError
from digitwise.images import Dataset, Int64, Mask
from digitwise.runs import Run


def dataset_of(run: Run, data: str | Path | None = None) -> AnyDataset:
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
    place = data or (known["name"] if known["name"] in NAMES else known["source"])
    dataset: AnyDataset
    if "streamed" in known:  # its training pictures may be more than memory holds
        dataset = open_streamed(str(place), validation=known["validation"], seed=known["split_seed"])
    else:
        dataset = load(place, patch=run.patch)
    if dataset.test.fingerprint != known["fingerprint"]["test"]:
        raise RunError(
            f"{dataset.source}: expected the test pictures of {run.path} "
            f"(sha256 {known['fingerprint']['test'][:12]}…), got others ({dataset.test.fingerprint[:12]}…); "
            f"give the right data with --data"
        )
    return dataset


def in_memory(dataset: AnyDataset, what: str) -> Dataset:
    """A data set whose training pictures are at hand.

    Raises
    ------
    RunError
        If they are not, because the run was trained from shards; ``what`` needs them.
    """
    if not isinstance(dataset, Dataset):
        raise RunError(
            f"{what} needs all training pictures in memory, expected a run trained so, got one trained with --stream; "
            f"train again without it"
        )
    return dataset


def patched_test(run: Run, dataset: AnyDataset, patch: Path | None) -> tuple[Int64, Mask] | None:
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
        decisions.apply(in_memory(dataset, "a label patch"))  # which makes sure that it is about this data
    return decisions.of(dataset.test)
