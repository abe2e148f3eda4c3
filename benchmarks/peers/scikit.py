"""Two classifiers of scikit-learn, for scale: neither knows that pixels have neighbours."""

from __future__ import annotations

import time
from typing import Any

from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier

from benchmarks.peers.result import Result
from digitwise.data.prepare import to_input
from digitwise.images import Dataset


def train(dataset: Dataset, seed: int, *, kind: str) -> Result:
    """Fit an ``mlp`` (256 hidden units, 10 epochs) or ``knn`` (3 neighbours); all else as scikit-learn has it."""
    images = [to_input(part.images).reshape(len(part), -1) for part in (dataset.train, dataset.test)]
    model: Any = KNeighborsClassifier(3) if kind == "knn" else MLPClassifier((256,), max_iter=10, random_state=seed)

    started = time.perf_counter()
    model.fit(images[0], dataset.train.labels)
    fitted = time.perf_counter()
    wrong = int((model.predict(images[1]) != dataset.test.labels).sum())
    return Result(errors=wrong, fit_seconds=fitted - started, evaluate_seconds=time.perf_counter() - fitted)
