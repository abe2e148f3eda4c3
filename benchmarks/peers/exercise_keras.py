"""The exercise's notebook as a student completes it in Keras: plain ``model.fit`` on arrays.

Defaults everywhere, but that images moved by the generator get black borders.

References
----------
Keras' "Simple MNIST convnet" example (the second network, batch size and epochs)
"""

from __future__ import annotations

import time
from typing import Any

from benchmarks.peers.result import Result
from digitwise.data.prepare import one_hot, to_input
from digitwise.images import Dataset
from digitwise.training.backend import BACKEND, keras

from keras.src.legacy.preprocessing.image import ImageDataGenerator  # isort: skip  # once its backend is chosen

layers = keras.layers

AUGMENTATION = {  # of tutorials on MNIST
    "rotation_range": 10,
    "width_shift_range": 0.1,
    "height_shift_range": 0.1,
    "zoom_range": 0.1,
    "fill_mode": "constant",
}
BATCH = 128


def first_network() -> Any:
    """One convolution, one hidden layer."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def second_network() -> Any:
    """Two convolutions and dropout."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def train(dataset: Dataset, seed: int, *, model: int) -> Result:
    """Train the exercise's model 1 (5 epochs), 2 (15 epochs) or 3 (model 2 through ``ImageDataGenerator``)."""
    keras.utils.set_random_seed(seed)
    images, labels = to_input(dataset.train.images), one_hot(dataset.train.labels, 10)

    started = time.perf_counter()
    network = first_network() if model == 1 else second_network()
    network.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    settings = {"epochs": 5 if model == 1 else 15, "verbose": 0}
    if model == 3:
        flow = ImageDataGenerator(**AUGMENTATION).flow(images, labels, batch_size=BATCH, seed=seed)
        network.fit(flow, **settings)
    else:
        network.fit(images, labels, batch_size=BATCH, **settings)
    fitted = time.perf_counter()

    answers = network.predict(to_input(dataset.test.images), verbose=0).argmax(axis=1)
    wrong = int((answers != dataset.test.labels).sum())
    took = time.perf_counter() - fitted
    return Result(errors=wrong, fit_seconds=fitted - started, evaluate_seconds=took, backend=BACKEND)
