"""Training on a few hundred images of one's own: begun with random weights, or with those of the bundled network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.cells import head, line
from benchmarks.measure import Row, keep, spread
from digitwise.data import load
from digitwise.data.splits import split_validation
from digitwise.images import Float32, ImageSet, Int64
from digitwise.normalization import normalize_all
from digitwise.reading.model import Model
from digitwise.recipes import find
from digitwise.training.fit import fit
from digitwise.training.options import FitOptions
from digitwise.training.predict import predict
from digitwise.training.saving import BUNDLED

SIZES = 100, 300, 900  # images to train on, a fifth of them to validate
SEEDS = 3
NOWHERE = "nowhere"
AS_IT_IS = "bundled model, not trained further"
STARTS = {NOWHERE: "from random weights", BUNDLED: "from the bundled model"}


def bench_small() -> None:
    """A row a size, start and seed: errors on the images of the set that were not trained on."""
    rows: list[Row] = []
    whole = _digits()
    for size in SIZES:
        for seed in range(SEEDS):
            order = np.random.default_rng(seed).permutation(len(whole))
            train, test = _part(whole, order[:size]), _part(whole, order[max(SIZES) :])
            splits = split_validation(train, size=size // 5, seed=seed)
            recipe = find("reader").for_size(len(splits.train)).long_enough(len(splits.train))
            as_it_is = Model(None).probabilities(test.images)
            rows.append(_row(size, AS_IT_IS, seed, as_it_is, test))
            for start in (NOWHERE, BUNDLED):
                fitted = fit(recipe, splits, FitOptions(seed=seed, start_from=None if start == NOWHERE else start))
                row = _row(size, STARTS[start], seed, predict(fitted.model, test).probabilities, test)
                rows.append(row | {"epochs": len(fitted.history), "fit_seconds": round(fitted.fit_seconds, 1)})
                print(rows[-1], flush=True)
    print(small_table([{key: str(value) for key, value in row.items()} for row in rows]))
    keep("small", rows)


def _row(size: int, start: str, seed: int, probabilities: Float32, test: ImageSet) -> Row:
    errors = int((probabilities.argmax(axis=1) != test.labels).sum())
    return {"size": size, "start": start, "seed": seed, "n": len(test), "errors": errors}


def _digits() -> ImageSet:
    """The embedded set, both parts, in MNIST's form."""
    found = load("digits")
    images = np.concatenate([found.train.images, found.test.images])
    labels = np.concatenate([found.train.labels, found.test.labels])
    return ImageSet(normalize_all(images)[0], labels, found.train.class_names)


def _part(whole: ImageSet, places: Int64) -> ImageSet:
    return ImageSet(whole.images[places], whole.labels[places], whole.class_names)


def small_table(rows: Sequence[Row]) -> str:
    """A line a size, a column a start: the share of test images read wrong, mean and spread over the seeds."""
    starts = list(dict.fromkeys(row["start"] for row in rows))
    lines = head("images to train on", *starts)
    for size in dict.fromkeys(row["size"] for row in rows):
        each = [[row for row in rows if (row["size"], row["start"]) == (size, start)] for start in starts]
        shares = ([100 * int(row["errors"]) / int(row["n"]) for row in own] for own in each)
        lines.append(line(str(size), *(f"{spread(own)} %" for own in shares)))
    return "\n".join(lines)
