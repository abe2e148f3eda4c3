"""What each trick is worth: ``augmented``, shortened, with one thing changed at a time; ``accurate``'s two networks.

Judged by the last 10,000 training images; the test set has no part in it. Neighbours in MNIST's file are by one
writer, so a random draw would have the writers of training in it, as the test set has not.
"""

from __future__ import annotations

import dataclasses
import itertools
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from benchmarks.measure import Row, keep, median, spread
from digitwise.images import Splits
from digitwise.recipes import Recipe, find

EPOCHS = 2
VALIDATION = 10_000
SEEDS = range(5)
LENGTHS = 16, 24  # epochs of ``accurate``'s networks, in ``bench_members``
# Of ``accurate``'s two kinds of network: how many of each are averaged
MIXES = ((1, 0), (0, 1), (2, 0), (1, 1), (0, 2), (3, 0), (2, 1), (1, 2), (0, 3), (5, 0), (4, 1), (3, 2), (2, 3), (0, 5))


def variants() -> dict[str, Recipe]:
    """The recipe and its neighbours."""
    recipe = find("augmented").replace(epochs=EPOCHS)
    without = dataclasses.replace
    return {
        "as it is": recipe,
        "Adam for all weights": recipe.replace(optimizer="adam"),
        "Adam's usual betas": recipe.replace(betas=(0.9, 0.999)),
        "constant learning rate, a quarter of the peak": recipe.replace(
            schedule="constant", learning_rate=recipe.learning_rate / 4
        ),
        "no label smoothing": recipe.replace(label_smoothing=0.0),
        "no augmentation": without(recipe, augmentation=None),
        "stronger warps, as accurate has them": recipe.replace(augmentation=find("accurate").augmentation),
        "batches of 128": recipe.replace(batch_size=128),
        "batches of 256": recipe.replace(batch_size=256),
        "64 channels in the second convolution, not 32": recipe.replace(model="compact-cnn"),
        "not averaged over shifts": recipe.replace(test_shifts=False),
        "float32": recipe,
        "Keras' batch normalisation": recipe,
        "no batch normalisation": recipe,
    }


@contextmanager
def normalised(variant: str) -> Iterator[None]:
    """Put another layer in the place of the fused batch normalisation, where the variant is about that."""
    from digitwise.training import trainer
    from digitwise.training.backend import MOMENTUM, batch_norm, keras

    class Affine(keras.layers.BatchNormalization):  # type: ignore[misc]  # the same weights, but no moments
        def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
            return super().call(inputs, training=False, mask=mask)

    kinds: dict[str, Any] = {
        "Keras' batch normalisation": lambda **settings: keras.layers.BatchNormalization(momentum=MOMENTUM, **settings),
        "no batch normalisation": Affine,
    }
    trainer.batch_norm = kinds.get(variant, batch_norm)
    try:
        yield
    finally:
        trainer.batch_norm = batch_norm


def held_out() -> Splits:
    """MNIST's training images, the last 10,000 of them set aside."""
    from digitwise.data import load

    images = load("mnist").train
    places = np.arange(len(images))
    return Splits(images.take(places[:-VALIDATION]), images.take(places[-VALIDATION:]))


def bench_ablation() -> None:
    """Every variant with every seed, seed by seed; print the table."""
    from digitwise.training.fit import fit
    from digitwise.training.options import FitOptions
    from digitwise.training.predict import predict

    splits = held_out()
    rows: list[Row] = []
    for seed in SEEDS:
        for name, recipe in variants().items():
            with normalised(name):
                fitted = fit(recipe, splits, FitOptions(seed=seed, precision="float32" if name == "float32" else None))
            errors = predict(fitted.model, splits.validation).errors
            rows.append(
                {
                    "variant": name,
                    "epochs": EPOCHS,
                    "seed": seed,
                    "validation_errors": errors,
                    "seconds": round(fitted.fit_seconds, 2),
                }
            )
            print(f"seed {seed}, {name}: {errors} wrong, {fitted.fit_seconds:.1f} s", flush=True)
            keep("ablation", rows)
    for name in variants():
        errors = [row["validation_errors"] for row in rows if row["variant"] == name]
        print(f"| {name} | {spread(errors)} | {median(rows, 'seconds', variant=name):.1f} |")


def bench_members() -> None:
    """Networks of ``accurate``'s two kinds, each with every seed; a row a length and mix, over all choices of them."""
    from digitwise.training.fit import fit
    from digitwise.training.options import FitOptions
    from digitwise.training.predict import predict

    splits, recipe = held_out(), find("accurate")
    kinds = recipe.model, *recipe.other_models
    rows: list[Row] = []
    for epochs in LENGTHS:
        answers: list[list[Any]] = [[] for _ in kinds]
        for seed in SEEDS:
            for kind, name in enumerate(kinds):
                member = recipe.replace(model=name, epochs=epochs, members=1, other_models=())
                fitted = fit(member, splits, FitOptions(seed=seed))
                found = predict(fitted.model, splits.validation)
                answers[kind].append(found.probabilities)
                print(f"{epochs} epochs, seed {seed}, {name}: {found.errors} wrong", flush=True)
        labels = splits.validation.labels
        for mix in MIXES:
            chosen = (itertools.combinations(given, n) for given, n in zip(answers, mix, strict=True))
            means = (sum(itertools.chain(*choice)) for choice in itertools.product(*chosen))
            errors = [int((mean.argmax(axis=1) != labels).sum()) for mean in means]
            rows.append(
                {
                    "members": " + ".join(f"{n} {name}" for n, name in zip(mix, kinds, strict=True) if n),
                    "epochs": epochs,
                    "networks": len(SEEDS),
                    "choices": len(errors),
                    "validation_errors": round(statistics.mean(errors), 1),
                    "fewest": min(errors),
                    "most": max(errors),
                }
            )
            print(rows[-1], flush=True)
    keep("members", rows)
