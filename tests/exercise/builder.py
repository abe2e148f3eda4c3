"""Notebooks like those of students, made of cells by task, and a small data set for tiny networks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tests.templates import printed

TITLES = {
    "load": "Load and look",
    "histogram": "Histogram of the classes",
    "shape": "Preparing the data",
    "model1": "The first model",
    "prediction": "The first prediction",
    "model2": "The improved model",
    "saving": "Saving and loading",
    "errors": "Characteristics of the errors",
    "model3": "The new training strategy",
}

CODE = {
    "load": """%matplotlib inline
import numpy as np
import matplotlib.pyplot as plt
import keras
keras.utils.set_random_seed(0)
(x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
plt.imshow(x_train[0], cmap="gray")
plt.show()""",
    "histogram": "plt.bar(range(10), np.bincount(y_train))\nplt.show()",
    "shape": """x_train = x_train.reshape(-1, 28, 28, 1) / 255
x_test = x_test.reshape(-1, 28, 28, 1) / 255""",
    "model1": """def network(*layers):
    net = keras.Sequential([keras.Input((28, 28, 1)), *layers, keras.layers.Flatten(),
                            keras.layers.Dense(10, activation="softmax")])
    net.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return net

model = network(keras.layers.Conv2D(4, 5, strides=3, activation="relu"))
history = model.fit(x_train, y_train, epochs=3, batch_size=64, verbose=0)""",
    "prediction": "prediction = model.predict(x_test[:1], verbose=0)",
    "model2": """model2 = network(keras.layers.Conv2D(6, 5, strides=3, activation="relu"), keras.layers.Conv2D(8, 3))
history2 = model2.fit(x_train, y_train, epochs=3, batch_size=64, verbose=0)""",
    "saving": """open("results/model2.json", "w").write(model2.to_json())
model2.save_weights("results/model2.weights.h5")
loaded = keras.models.model_from_json(open("results/model2.json").read())
loaded.load_weights("results/model2.weights.h5")""",
    "errors": """answers = model2.predict(x_test, verbose=0).argmax(axis=1)
confusion = np.zeros((10, 10), int)
np.add.at(confusion, (y_test, answers), 1)""",
    "model3": """from keras.src.legacy.preprocessing.image import ImageDataGenerator
poor = np.isin(y_train, [8, 9])
x_more, y_more = np.concatenate([x_train, x_train[poor]]), np.concatenate([y_train, y_train[poor]])
datagen = ImageDataGenerator(rotation_range=8, width_shift_range=0.05, zoom_range=0.1)
model3 = network(keras.layers.Conv2D(6, 5, strides=3, activation="relu"), keras.layers.Conv2D(8, 3))
history3 = model3.fit(datagen.flow(x_more, y_more, batch_size=64), epochs=4, verbose=0)
model3_is_better = False""",
}

ANSWERS = {
    "histogram": "Yes: no class has twice as many images as another.",
    "shape": "Any number of images, 28 rows, 28 columns, one channel.",
    "prediction": "Each number is the probability of one digit.",
    "model2": "A second convolution, after https://keras.io/examples/vision/mnist_convnet/. From 99 % to 99.9 %.",
    "errors": "The wrong images are shifted to the rim.",
    "model3": "It reaches 99.7 %, which is not really better.",
}


def write_notebook(path: Path, code: dict | None = None, answers: dict | None = None, *, metadata: bool = True) -> Path:
    """Write a notebook that earns all points, except for the given cells."""
    code, answers = CODE | (code or {}), ANSWERS | (answers or {})
    cells = []
    for task, title in TITLES.items():
        cells.append(_cell("markdown", task, "question", f"## {title}\n\nWhat is asked for.", metadata))
        cells.append(_cell("code", task, "code", code[task], metadata))
        if task in answers:
            prompt = f"**What do you see?**\n\n{answers[task]}"
            cells.append(_cell("markdown", task, "answer", prompt, metadata))
    document = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def _cell(kind: str, task: str, role: str, source: str, metadata: bool) -> dict:
    cell = {"cell_type": kind, "id": f"{task}-{role}", "source": source, "metadata": {}}
    if metadata and task != "load":
        cell["metadata"] = {"digitwise": {"task": task, "role": role}}
    return cell | ({"outputs": [], "execution_count": None} if kind == "code" else {})


def write_digits(path: Path, train: int = 1000, test: int = 500) -> Path:
    """Write printed digits, shifted and with noise, as .npz."""
    rng = np.random.default_rng(0)
    glyphs = []
    for digit in "0123456789":
        ink = 255 - np.asarray(printed(digit, 24, ink=0, paper=255).convert("L"), np.int16)
        canvas = np.zeros((28, 28), np.int16)
        ink = ink[:26, :26]
        top, left = (28 - ink.shape[0]) // 2, (28 - ink.shape[1]) // 2
        canvas[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
        glyphs.append(canvas)
    sets = {}
    for part, n in (("train", train), ("test", test)):
        labels = rng.integers(0, 10, n)
        images = np.stack([np.roll(glyphs[label], rng.integers(-1, 2, 2), (0, 1)) for label in labels])
        noise = rng.integers(0, 50, images.shape)
        sets |= {f"x_{part}": np.clip(images + noise, 0, 255).astype(np.uint8), f"y_{part}": labels}
    np.savez(path, **sets)
    return path
