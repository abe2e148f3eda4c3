"""Finding the pictures that a run was trained and tested on."""

from __future__ import annotations

from pathlib import Path

from digitwise.data import load
from digitwise.data.sources import NAMES
from digitwise.errors import RunError
from digitwise.images import Dataset
from digitwise.runs import Run


def dataset_of(run: Run, data: str | Path | None = None) -> Dataset:
    """Load a run's data set again, and make sure that it is the same.

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
    dataset = load(data or (known["name"] if known["name"] in NAMES else known["source"]))
    if dataset.test.fingerprint != known["fingerprint"]["test"]:
        raise RunError(
            f"{dataset.source}: expected the test pictures of {run.path} "
            f"(sha256 {known['fingerprint']['test'][:12]}…), got others ({dataset.test.fingerprint[:12]}…); "
            f"give the right data with --data"
        )
    return dataset
