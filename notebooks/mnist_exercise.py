# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Classification of MNIST
#
# MNIST has 70,000 handwritten digits of 28×28 grey values; a network predicts which digit an image shows. You look at
# the data, train a first network, find a better one, study its errors, and change the training to reduce them.
# There are ten points.
#
# One rule holds throughout: **the test images decide nothing.** Every choice (network, epochs, ranges of the
# augmentation) is made on validation images, which are split off the training set. Each finished network predicts the
# test images once. An accuracy that was used for a choice is too optimistic for new images.

# %% [markdown] tags=["solved"]
# ## Solved
#
# This is a worked solution. It does each step in plain Keras first, then with one line of digitwise.
#
# One training each, <!-- data.test -->10,000<!-- end --> test images:
#
# | | wrong | error rate | 95 % interval |
# |---|---|---|---|
# | model 1: one convolution | <!-- model1.wrong -->155<!-- end --> | <!-- model1.share -->1.55 %<!-- end --> | <!-- model1.interval -->1.32 % to 1.81 %<!-- end --> |
# | model 2: four convolutions, normalised | <!-- model2.wrong -->59<!-- end --> | <!-- model2.share -->0.59 %<!-- end --> | <!-- model2.interval -->0.45 % to 0.76 %<!-- end --> |
# | model 3: the same network, augmented images, more of the worst classes | <!-- model3.wrong -->44<!-- end --> | <!-- model3.share -->0.44 %<!-- end --> | <!-- model3.interval -->0.32 % to 0.59 %<!-- end --> |
#
# The numbers in the text come from the run whose outputs are stored here. Your own run gives slightly different ones,
# because processors round differently.

# %%
import json
import logging
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
from keras import layers
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import train_test_split

import digitwise

DATA = "mnist"  # the name of a data set, or the path of your own
SEED = 1
Path("results").mkdir(exist_ok=True)
logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it warns when a session makes many networks
BLUE, ORANGE = "#0072b2", "#d55e00"
plt.rcParams.update({"figure.dpi": 80, "font.size": 9, "axes.spines.top": False, "axes.spines.right": False})

# %% tags=["solved"]
import os

if os.environ.get("DIGITWISE_QUICK") == "1":  # a small data set: every cell runs within a minute
    from digitwise.data import load_or_embedded

    small = load_or_embedded("mnist")
    train, test = (part.take(np.arange(min(600, len(part)))) for part in (small.train, small.test))
    DATA = "quick.npz"
    np.savez(DATA, x_train=train.images, y_train=train.labels, x_test=test.images, y_test=test.labels)

# %% [markdown]
# <details><summary>Names in older notebooks</summary>
#
# Books and earlier editions of this exercise use names of Keras 1 and 2:
#
# | older | today |
# |---|---|
# | `np_utils.to_categorical` | `keras.utils.to_categorical`, or plain labels with `sparse_categorical_crossentropy` |
# | `model.fit_generator(...)` | `model.fit(...)` |
# | `model.predict_classes(x)` | `model.predict(x).argmax(axis=1)` |
# | `history.history["acc"]` | `history.history["accuracy"]` |
# | `ImageDataGenerator` | the layers `RandomRotation`, `RandomTranslation`, `RandomZoom`; the class itself is still in `tf.keras.preprocessing.image` |
# | `model.save("model.h5")` | `model.save("model.keras")`; `keras.models.load_model("model.h5")` still reads the older file |
# | `model.save_weights("model.h5")` | `model.save_weights("model.weights.h5")` |
#
# </details>

# %% [markdown]
# ## Load and look
#
# `digitwise.load` reads MNIST from the disk, or downloads it. Keras downloads the same arrays:
# `(x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()`.

# %%
dataset = digitwise.load(DATA)
(x_train, y_train), (x_test, y_test) = ((part.images, part.labels) for part in (dataset.train, dataset.test))
for name, array in (("x_train", x_train), ("y_train", y_train), ("x_test", x_test), ("y_test", y_test)):
    print(f"{name:8} {array.shape!s:16} {array.dtype}, {array.min()} to {array.max()}")


# %%
def show(images, titles, columns=10):
    """Draw images in rows, each under its title."""
    rows = max(1, -(-len(titles) // columns))
    figure, axes = plt.subplots(rows, columns, figsize=(0.8 * columns, 1.1 * rows), squeeze=False)
    for place in axes.flat:
        place.axis("off")
    for place, image, title in zip(axes.flat, images, titles):
        place.imshow(np.squeeze(image), cmap="gray", vmin=0)
        place.set_title(title, fontsize=8, pad=3)
    figure.tight_layout(pad=0.3)
    plt.show()


show(x_train[:20], y_train[:20])

# %% [markdown] tags=["solved"]
# Each image shows one centred digit, light on dark. The labels fit the images.
#
# ### How to debug and check the training data
#
# Faults in the data look like faults of the network: test images in the training set, wrong labels, blank, inverted or
# differently scaled images. A network still trains on them, but it is poor, or seems better than it is. So check the
# data before the first training.

# %% tags=["solved"]
checked = digitwise.check(DATA)
for finding in checked.findings:
    print(f"{finding.severity}: {finding.code} {finding.words}")
print(f"{len(checked.passed)} checks found nothing: {', '.join(checked.passed)}")

# %% [markdown] tags=["solved"]
# There are <!-- checks.findings -->0<!-- end --> findings, and <!-- checks.passed -->13<!-- end --> checks found nothing. Do
# the checks detect faults? Here are some, made on purpose:

# %% tags=["solved"]
faulty, labels = x_train[:500].copy(), y_train[:500].copy()
faulty[:20] = 255 - faulty[:20]  # inverted
faulty[20:30] = 0  # blank
faulty[30:40], labels[30:40] = x_test[:10], y_test[:10]  # test images in training
faulty[50:60] = faulty[40:50]  # copies, with labels of their own
np.savez("results/faulty.npz", x_train=faulty, y_train=labels, x_test=x_test[:100], y_test=y_test[:100])
for finding in digitwise.check("results/faulty.npz", select=["DW01", "DW02", "DW030", "DW032"]).findings:
    print(f"{finding.severity}: {finding.code} {finding.words}")

# %% [markdown] tags=["solved"]
# `digitwise check mnist` does the same on the command line and writes a page with the images concerned.
# `docs/checks.md` describes what each check looks for, and what to do about its findings.

# %% [markdown] digitwise={"task": "histogram", "role": "question"}
# ## Histogram of the classes (1 point)
#
# Draw the number of training images of each digit. Are the classes balanced enough to train a classifier?
#
# <details><summary>Hint</summary>
#
# `np.bincount(y_train)` counts, `plt.bar` draws. If one class had ten times as many images as another, how accurate would
# a network be that always predicts the large class?
#
# </details>

# %% digitwise={"task": "histogram", "role": "code", "gap": ""}
counts = np.bincount(y_train, minlength=10)
plt.figure(figsize=(6, 2.4))
bars = plt.bar(range(10), counts, color=BLUE)
plt.bar_label(bars, fontsize=8)
plt.xticks(range(10))
plt.xlabel("class")
plt.ylabel("training images")
plt.show()

# %% [markdown] digitwise={"task": "histogram", "role": "answer"}
# **Are the classes even enough to train on?**
#
# Yes. The rarest class has <!-- classes.rare -->5,421 images of 5<!-- end -->, the most frequent <!-- classes.common -->6,742 of 1<!-- end -->:
# that is <!-- classes.ratio -->1.24<!-- end --> times as many. Every class has thousands of images, and none is so large
# that always predicting it gives a good accuracy. So the classes need no weights, and accuracy is a fair measure.

# %% tags=["solved"]
from digitwise.data.balance import class_balance

print(class_balance(dataset.train, dataset.test).verdict)

# %% [markdown] digitwise={"task": "shape", "role": "question"}
# ## Preparing the data (1 point)
#
# Convert the images to the shape (-1, 28, 28, 1) and to values from 0 to 1, as `x_train` and `x_test`. Keep the labels
# `y_train` and `y_test`, numbers from 0 to 9, unchanged. Explain the four numbers of the shape.
#
# <details><summary>Hint</summary>
#
# `reshape`, `astype("float32")`, and a division. Running the cell twice divides twice; then start again from the top.
#
# </details>

# %% digitwise={"task": "shape", "role": "code", "gap": "x_train, x_test"}
x_train = x_train.reshape(-1, 28, 28, 1).astype("float32") / 255
x_test = x_test.reshape(-1, 28, 28, 1).astype("float32") / 255
print(x_train.shape, x_train.dtype, x_train.min(), x_train.max())

# %% [markdown] digitwise={"task": "shape", "role": "answer"}
# **Why (-1, 28, 28, 1)?**
#
# - **-1**: the number of images, which NumPy computes from the other sides.
# - **28, 28**: height and width. They stay separate axes, because a convolution uses neighbours in both directions.
# - **1**: the channels. A convolution expects this axis; a grey image has one channel, a colour image three.
#
# The values are scaled to 0 to 1 because the initial weights are made for inputs of about that size: with values up to
# 255 the first steps of the training would be far too large.

# %% [markdown]
# From here on, a twelfth of the training images, with the same share of each class, is used for validation. All choices
# are made on these images.

# %%
x_fit, x_val, y_fit, y_val = train_test_split(x_train, y_train, test_size=1 / 12, stratify=y_train, random_state=0)
print(f"{len(x_fit):,} images to fit, {len(x_val):,} to validate, {len(x_test):,} to test")

# %% tags=["solved"]
from digitwise.data.prepare import to_input

print("digitwise prepares the same array:", np.allclose(to_input(dataset.train.images), x_train))

# %% [markdown] digitwise={"task": "model1", "role": "question"}
# ## The first model (2 points)
#
# Build `model` with exactly one convolution and ten softmax outputs, and train it: `history = model.fit(...)`, with
# `validation_data=(x_val, y_val)`. It should classify at least 97 % of the test images correctly.
#
# <details><summary>Hint</summary>
#
# `Conv2D`, `MaxPooling2D`, `Flatten`, `Dense`. Labels from 0 to 9 need the loss `sparse_categorical_crossentropy`. If the
# loss does not fall, check the input: `x_fit[0]`, `y_fit[0]`, the range of the values.
#
# </details>

# %% digitwise={"task": "model1", "role": "code", "gap": "model, history"}
keras.utils.set_random_seed(SEED)
model = keras.Sequential(
    [
        keras.Input((28, 28, 1)),
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(128, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ]
)
model.summary()

# %% digitwise={"task": "model1", "role": "code"}
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
epochs = max(5, 100_000 // len(x_fit))  # a small data set needs more of them
history = model.fit(x_fit, y_fit, batch_size=128, epochs=epochs, validation_data=(x_val, y_val), verbose=2)

# %% [markdown] tags=["solved"]
# digitwise has this network as a recipe. One line trains it, evaluates it once on the test images, and stores weights,
# curves, predictions, seed and versions in a run folder.

# %% tags=["solved"]
baseline = digitwise.train("baseline", DATA, seed=SEED, out="results/baseline")
print(digitwise.evaluate(baseline).in_production())

# %% [markdown] digitwise={"task": "prediction", "role": "question"}
# ## The first prediction (1 point)
#
# Predict the first test image with the first model, as `prediction`: ten numbers. Explain what they mean.
#
# <details><summary>Hint</summary>
#
# `model.predict` takes an array of images; `x_test[:1]` is an array of one. What is the sum of the ten numbers?
#
# </details>

# %% digitwise={"task": "prediction", "role": "code", "gap": "prediction"}
prediction = model.predict(x_test[:1], verbose=0)
print(np.array2string(prediction, precision=6, suppress_small=True))
figure, (left, right) = plt.subplots(1, 2, figsize=(6, 2), width_ratios=(1, 3))
left.imshow(x_test[0, ..., 0], cmap="gray")
left.axis("off")
right.bar(range(10), prediction[0], color=BLUE)
right.set(xlabel="class", ylabel="probability", xticks=range(10), ylim=(0, 1))
figure.tight_layout()
plt.show()

# %% tags=["solved"]
stored = baseline.predictions("test").probabilities[0]
print(np.array2string(stored, precision=6, suppress_small=True))

# %% [markdown] digitwise={"task": "prediction", "role": "answer"}
# **What do the ten numbers mean?**
#
# Each is the network's probability that the image shows this digit. Softmax makes them lie between 0 and 1 with a sum
# of <!-- prediction.sum -->1.0000<!-- end -->. The largest is <!-- prediction.highest -->0.999998<!-- end -->, for the digit <!-- prediction.answer -->7<!-- end -->:
# this is the predicted class. The label is <!-- prediction.label -->7<!-- end -->.
# The probabilities are the network's own estimates, not observed frequencies; networks are often overconfident.

# %% [markdown]
# ## Training progress
#
# Draw loss and accuracy of training and validation by epoch. Then count the test images that the finished network
# classifies wrongly.


# %%
def plot_curves(history):
    """Draw loss and accuracy of training and validation by epoch."""
    figure, axes = plt.subplots(1, 2, figsize=(7.5, 2.4))
    for place, name in zip(axes, ("loss", "accuracy")):
        epochs = range(1, len(history.history[name]) + 1)
        place.plot(epochs, history.history[name], "o-", ms=3, color=BLUE, label="training")
        place.plot(epochs, history.history[f"val_{name}"], "o-", ms=3, color=ORANGE, label="validation")
        place.set(xlabel="epoch", ylabel=name)
        place.xaxis.get_major_locator().set_params(integer=True)
    axes[0].legend(frameon=False)
    figure.tight_layout()
    plt.show()


def test_probabilities(network):
    """Predict the test images and print how many are wrong. Call it once for each finished network."""
    probabilities = network.predict(x_test, verbose=0)
    wrong = int((probabilities.argmax(axis=1) != y_test).sum())
    low, high = binomtest(wrong, len(y_test)).proportion_ci()  # Clopper and Pearson's exact 95 % interval
    print(f"{wrong} of {len(y_test):,} test images wrong: {100 * wrong / len(y_test):.2f} %")
    print(f"95 % interval of the error rate: {100 * low:.2f} % to {100 * high:.2f} %")
    return probabilities


# %%
plot_curves(history)
probabilities1 = test_probabilities(model)

# %% [markdown] tags=["solved"]
# After <!-- model1.epochs -->5<!-- end --> epochs the accuracy is <!-- model1.training -->99.39 %<!-- end --> on the training images and <!-- model1.validation -->98.24 %<!-- end --> on the validation images. Training accuracy still rises, validation accuracy hardly does: the
# network begins to memorise its training images, and more epochs would not help. Of the
# test images <!-- model1.wrong -->155<!-- end --> are wrong. A run of digitwise stores the same curves:

# %% tags=["solved"]
for row in baseline.history:
    print(f"epoch {row['epoch']:.0f}: loss {row['loss']:.4f}, validation {row['val_loss']:.4f}")

# %% [markdown] digitwise={"task": "model2", "role": "question"}
# ## The improved model (2 points)
#
# Find a better network, `model2` with `history2`, with an error rate clearly below 1 % on the test images: the upper end
# of its 95 % interval should be below 1 % too. Link the sources of your ideas, and state the gain in numbers.
#
# <details><summary>Hint</summary>
#
# More convolutions, normalisation, dropout, a falling learning rate. Change one thing at a time, and compare by
# `val_accuracy`.
#
# </details>


# %% digitwise={"task": "model2", "role": "code", "gap": "model2, history2"}
def improved_network():
    """Build four convolutions; the first has a stride, which makes the wide ones cheap."""
    normalised = {"momentum": 0.9}  # Keras' 0.99 averages over more steps than a short training has
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 5, strides=2, activation="relu"),
            layers.Conv2D(64, 3, use_bias=False),
            layers.BatchNormalization(**normalised),
            layers.ReLU(),
            layers.Conv2D(64, 3, use_bias=False),
            layers.MaxPooling2D(),
            layers.BatchNormalization(**normalised),
            layers.ReLU(),
            layers.Conv2D(128, 3, use_bias=False),
            layers.BatchNormalization(**normalised),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(10, activation="softmax"),
        ]
    )


def compile_for(network, images, epochs, batch_size=128):
    """Compile with Adam and a learning rate that falls to zero at the last step."""
    rate = keras.optimizers.schedules.CosineDecay(0.003, epochs * -(-len(images) // batch_size))
    network.compile(keras.optimizers.Adam(rate), loss="sparse_categorical_crossentropy", metrics=["accuracy"])


keras.utils.set_random_seed(SEED)
model2 = improved_network()
compile_for(model2, x_fit, epochs=8)
history2 = model2.fit(x_fit, y_fit, batch_size=128, epochs=8, validation_data=(x_val, y_val), verbose=2)

# %%
plot_curves(history2)
probabilities2 = test_probabilities(model2)


# %% tags=["solved"]
def compared(first, second):
    """Count the images that only one of two networks gets wrong, and give the p-value of the exact McNemar test."""
    wrong_first, wrong_second = first.argmax(axis=1) != y_test, second.argmax(axis=1) != y_test
    only_first, only_second = int((wrong_first & ~wrong_second).sum()), int((wrong_second & ~wrong_first).sum())
    different = only_first + only_second
    return only_first, only_second, binomtest(only_first, different).pvalue if different else 1.0


only1, only2, p = compared(probabilities1, probabilities2)
print(f"only model 1 wrong: {only1}, only model 2 wrong: {only2}, p = {p:.2g}")

# %% [markdown] digitwise={"task": "model2", "role": "answer"}
# **Where do the ideas come from, and what is gained?**
#
# - Several convolutions in a row, and dropout before the last layer: Keras'
#   [Simple MNIST convnet](https://keras.io/examples/vision/mnist_convnet/).
# - A stride in place of the first pooling: J. T. Springenberg et al., [Striving for Simplicity: The All Convolutional
#   Net](https://arxiv.org/abs/1412.6806).
# - Batch normalisation: S. Ioffe, C. Szegedy, [Batch Normalization](https://arxiv.org/abs/1502.03167).
# - A learning rate with cosine decay: I. Loshchilov, F. Hutter,
#   [SGDR](https://arxiv.org/abs/1608.03983).
#
# The gain: <!-- model2.wrong -->59<!-- end --> wrong instead of <!-- model1.wrong -->155<!-- end -->, so <!-- gain.fewer -->96<!-- end --> fewer,
# with <!-- model2.parameters -->136,010<!-- end --> parameters instead of <!-- model1.parameters -->693,962<!-- end -->. The error rate is
# now <!-- model2.share -->0.59 %<!-- end -->, with a 95 % interval from <!-- model2.interval -->0.45 % to 0.76 %<!-- end -->: even its upper end is below 1 %.
# Is it chance? Only model 1 is wrong on <!-- gain.only_first -->114<!-- end --> images, only model 2 on <!-- gain.only_second -->18<!-- end -->;
# two equally good models would hardly ever differ so much (exact McNemar test, two-sided, <!-- gain.p -->p < 0.001<!-- end -->).

# %% tags=["solved"]
improved = digitwise.train("improved", DATA, seed=SEED, out="results/improved")
print(digitwise.evaluate(improved).in_production())
print(digitwise.compare(baseline, improved).verdict("baseline", "improved"))

# %% [markdown] digitwise={"task": "saving", "role": "question"}
# ## Saving and loading
#
# Save `model2` in `results`: the architecture as JSON, the weights in a separate file. If both files exist, load them
# instead. Run both branches, and check that `loaded` has the same predictions as `model2`. This task has no points, but
# saves you a training.
#
# <details><summary>Hint</summary>
#
# `model.to_json()`, `keras.models.model_from_json`, `save_weights`, `load_weights`. The name of a weight file
# must end in `.weights.h5` in Keras 3. Create the folder before saving in it.
#
# </details>


# %% digitwise={"task": "saving", "role": "code", "gap": "loaded"}
def saved(network, folder):
    """Load the network from the folder if it is stored there, else save it there."""
    architecture, weights = folder / "model2.json", folder / "model2.weights.h5"
    if architecture.exists() and weights.exists():
        print(f"loaded from {folder}")
        found = keras.models.model_from_json(architecture.read_text())
        found.load_weights(weights)
        return found
    print(f"saved in {folder}")
    folder.mkdir(parents=True, exist_ok=True)
    architecture.write_text(network.to_json())
    network.save_weights(weights)
    return network


folder = Path("results") / "exercise"
for earlier in folder.glob("model2.*"):  # from an earlier run, with other weights
    earlier.unlink()
saved(model2, folder)  # no files yet: saves
loaded = saved(model2, folder)  # both files are there: loads
print("same predictions:", np.allclose(loaded.predict(x_val, verbose=0), model2.predict(x_val, verbose=0), atol=1e-6))

# %% [markdown] tags=["solved"]
# Older notebooks name the weight file `model.h5`, which Keras 3 refuses for weights, and load the model before it is
# saved. A run folder of digitwise holds the same two files, and both in one as `model.keras`:

# %% tags=["solved"]
print(sorted(file.name for file in Path("results/improved").glob("model*")))
print(digitwise.load_model("results/improved").count_params(), "parameters")

# %% [markdown] digitwise={"task": "errors", "role": "question"}
# ## Characteristics of the errors (1 point)
#
# Compute the confusion matrix of `model2` on the test images, as `confusion`: a row for each given class, a column for
# each predicted class. Show wrongly classified images. What do they have in common?
#
# <details><summary>Hint</summary>
#
# Use `confusion_matrix` of scikit-learn, and `show(images, titles)` from above. Look at the pairs of digits, and at the
# probability of the wrong class.
#
# </details>


# %%
def plot_confusion(confusion):
    """Draw a confusion matrix; the diagonal has no colour, so that the errors stand out."""
    errors = np.where(np.eye(len(confusion)), 0, confusion)
    plt.figure(figsize=(4.2, 4.2))
    plt.imshow(errors, cmap="Blues")
    for row, column in np.argwhere(confusion):
        count = confusion[row, column]
        strong = row != column and count > 0.6 * errors.max()
        plt.text(column, row, count, ha="center", va="center", fontsize=7, color="white" if strong else "black")
    plt.xticks(range(10))
    plt.yticks(range(10))
    plt.xlabel("predicted")
    plt.ylabel("given")
    plt.show()


# %% digitwise={"task": "errors", "role": "code", "gap": "confusion"}
predicted2 = probabilities2.argmax(axis=1)
confusion = confusion_matrix(y_test, predicted2, labels=range(10))
plot_confusion(confusion)

# %% digitwise={"task": "errors", "role": "code"}
wrong2 = np.flatnonzero(predicted2 != y_test)
wrong2 = wrong2[np.argsort(-probabilities2[wrong2].max(axis=1))]  # the most confident mistake first
titles = [f"{y_test[i]} → {predicted2[i]}\n{100 * probabilities2[i].max():.0f} %" for i in wrong2]
show(x_test[wrong2[:40]], titles[:40], columns=8)

# %% tags=["solved"]
pairs = np.where(np.eye(10), 0, confusion + confusion.T)
sure = probabilities2.max(axis=1)
right2 = predicted2 == y_test
print(f"mean probability of the prediction: wrong images {sure[~right2].mean():.3f}, right {sure[right2].mean():.3f}")
second_choice = np.argsort(-probabilities2, axis=1)[:, 1]
print(f"second choice right: {np.sum(second_choice[wrong2] == y_test[wrong2])} of {len(wrong2)}")
for given, predicted in np.argwhere(pairs * np.tri(10) >= 3):
    print(f"{predicted} and {given}: confused {pairs[given, predicted]} times")

# %% [markdown] digitwise={"task": "errors", "role": "answer"}
# **What do the wrongly classified images have in common?**
#
# They look like other digits: <!-- errors.pair -->3 and 5<!-- end --> are confused most often
# (<!-- errors.pair_count -->9<!-- end --> times in both directions). Loops are open, or closed by accident; strokes are missing,
# broken or unusually bent. Some are hard for a person too. The network is less sure where it is
# wrong: the mean probability of its prediction is <!-- errors.sure_wrong -->0.79<!-- end --> on the wrong images and <!-- errors.sure_right -->0.998<!-- end -->
# on the right ones. The second choice is the label on <!-- errors.second -->56<!-- end --> of the <!-- model2.wrong -->59<!-- end --> wrong ones.

# %% [markdown] tags=["solved"]
# digitwise gives the same for its own run, and `digitwise report results/improved` writes a page about it:

# %% tags=["solved"]
for pair in digitwise.evaluate(improved).confused:
    print(f"{pair.given} taken for {pair.predicted}: {pair.count}")

# %% [markdown] tags=["solved"]
# Some errors are not the network's: a label may be wrong. Networks that were not trained on an image, but confidently
# predict another digit than its label, show which labels to check. They doubt <!-- labels.doubtful -->10<!-- end --> labels. Here are
# the most doubtful ones, with their labels and predictions; a person decides.

# %% tags=["solved"]
doubtful = digitwise.check(DATA, labels=True, select=["DW040"])
for finding in doubtful.findings:
    print(finding.words)
    tiles = finding.tiles[:16]
    show([dataset.train.images[tile.index] for tile in tiles], [tile.caption for tile in tiles], columns=8)

# %% [markdown] digitwise={"task": "model3", "role": "question"}
# ## The new training strategy (2 points)
#
# Train the same network with another strategy, as `model3` with `history3`: more training images, or more weight, for
# the classes with the most errors; and augmentation by `datagen`, which rotates, shifts and zooms the images slightly in
# each epoch. Change only training images. State the resulting accuracy. Is the new model really better than the
# improved one? Set `model3_is_better` to `True` or `False`, and give your reason.
#
# <details><summary>Hint</summary>
#
# The exercise was made for `ImageDataGenerator`, which Keras 3 no longer has; its preprocessing layers do the same
# (`RandomRotation`, `RandomTranslation`, `RandomZoom`), and `tf.keras.preprocessing.image.ImageDataGenerator` remains for
# old code. Which changes would turn a digit into another one? Find the classes with the most errors on the validation
# images. McNemar's test compares two models image by image: `binomtest` on the images that only one of them
# classifies wrongly.
#
# </details>

# %% [markdown] tags=["solved"]
# First, which classes have the most errors on the validation images? Each class gets extra samples in proportion to
# these errors; one is added to every count, since a few dozen errors say little about a single class.

# %% digitwise={"task": "model3", "role": "code", "gap": "datagen, model3, history3"}
wrong_val = model2.predict(x_val, verbose=0).argmax(axis=1) != y_val
errors = np.bincount(y_val[wrong_val], minlength=10)
share = (errors + 1) / (errors + 1).sum()
chance = share[y_fit] / np.bincount(y_fit, minlength=10)[y_fit]
extra = np.random.default_rng(SEED).choice(len(x_fit), size=len(x_fit) // 6, p=chance / chance.sum())
x_more, y_more = np.concatenate([x_fit, x_fit[extra]]), np.concatenate([y_fit, y_fit[extra]])
for digit in range(10):
    print(f"{digit}: {errors[digit]:2} validation errors, {np.sum(y_fit[extra] == digit):,} extra samples")

# %% [markdown] tags=["solved"]
# Then the augmentation. The ranges have the names of `ImageDataGenerator`, which changed images one by one in Python.
# Preprocessing layers change a whole batch at once, and only in training: `predict` and `evaluate` use the original
# images. There are no flips, since a mirrored 2 is no 2, and no large rotations, since an upside-down 6 is a 9.

# %% digitwise={"task": "model3", "role": "code"}
rotation_range = 8  # degrees
width_shift_range = height_shift_range = 0.06  # of the side
zoom_range = 0.1
black = {"fill_mode": "constant", "fill_value": 0.0}  # the value outside the image
datagen = keras.Sequential(
    [
        layers.RandomRotation(rotation_range / 360, **black),
        layers.RandomTranslation(height_shift_range, width_shift_range, **black),
        layers.RandomZoom(zoom_range, zoom_range, **black),
    ]
)
keras.utils.set_random_seed(SEED)
samples = np.repeat(x_fit[:4], 5, axis=0)
show(datagen(samples, training=True), np.repeat(y_fit[:4], 5))  # each label still fits its image

# %% digitwise={"task": "model3", "role": "code"}
keras.utils.set_random_seed(SEED)
model3 = improved_network()
training = keras.Sequential([keras.Input((28, 28, 1)), datagen, model3])
compile_for(training, x_more, epochs=12)
history3 = training.fit(x_more, y_more, batch_size=128, epochs=12, validation_data=(x_val, y_val), verbose=2)

# %% [markdown]
# ### Model 3: curves and confusion matrix

# %%
plot_curves(history3)
probabilities3 = test_probabilities(model3)
plot_confusion(confusion_matrix(y_test, probabilities3.argmax(axis=1), labels=range(10)))

# %% digitwise={"task": "model3", "role": "code", "gap": "model3_is_better"}
only2, only3, p = compared(probabilities2, probabilities3)
model3_is_better = bool(p < 0.05 and only3 < only2)
print(f"only model 2 wrong: {only2}, only model 3 wrong: {only3}, p = {p:.2g}; better: {model3_is_better}")

# %% [markdown] digitwise={"task": "model3", "role": "answer"}
# **What is the resulting accuracy, and is model 3 really better?**
#
# The accuracy is <!-- model3.right -->99.56 %<!-- end -->: of the test images <!-- model3.wrong -->44<!-- end --> are wrong (95 % interval of the error
# rate <!-- model3.interval -->0.32 % to 0.59 %<!-- end -->), compared with <!-- model2.wrong -->59<!-- end --> for model 2. Only model 2 is wrong on <!-- strategy.only_first -->33<!-- end -->
# images, only model 3 on <!-- strategy.only_second -->18<!-- end --> (exact McNemar test, two-sided, <!-- strategy.p -->p = 0.049<!-- end -->).
# Better? <!-- strategy.verdict -->Yes: chance alone hardly makes such a difference<!-- end -->.

# %% [markdown] tags=["solved"]
# The curves differ from those of model 2. It ended with an accuracy of <!-- model2.training -->99.96 %<!-- end --> on training images
# and <!-- model2.validation -->99.42 %<!-- end --> on validation images; model 3 has <!-- model3.training -->99.67 %<!-- end --> and <!-- model3.validation -->99.58 %<!-- end -->. For most of the
# training the training accuracy is the lower one: augmented images are harder, and cannot be memorised.
#
# In digitwise both parts of the strategy are recipes: `augmented` changes the images, `focus` also adds samples of the
# classes with the most errors.

# %% tags=["solved"]
augmented = digitwise.train("augmented", DATA, seed=SEED, out="results/augmented")
focus = digitwise.train("focus", DATA, seed=SEED, out="results/focus")
for run in (augmented, focus):
    print(run.name, digitwise.evaluate(run).in_production())

# %% [markdown] tags=["solved"]
# ## Comparison of the three models
#
# All networks predicted the same images, so they are compared image by image. Each interval shows the uncertainty of
# one network's error rate.

# %% tags=["solved"]
runs = {"baseline": baseline, "improved": improved, "augmented": augmented, "focus": focus}
names = [f"model {number}" for number in (1, 2, 3)] + list(runs)
every = [
    probabilities1,
    probabilities2,
    probabilities3,
    *(run.predictions("test").probabilities for run in runs.values()),
]
wrong = np.array([int((probabilities.argmax(axis=1) != y_test).sum()) for probabilities in every])
bounds = np.array([binomtest(int(count), len(y_test)).proportion_ci() for count in wrong]) * len(y_test)
places = np.arange(len(names))
plt.figure(figsize=(6.5, 2.6))
spans = [wrong - bounds[:, 0], bounds[:, 1] - wrong]
for chosen, colour in ((places < 3, BLUE), (places >= 3, ORANGE)):
    plt.errorbar(wrong[chosen], places[chosen], xerr=[side[chosen] for side in spans], fmt="o", capsize=3, color=colour)
plt.axvline(0.01 * len(y_test), color="gray", lw=1, ls=":")
plt.yticks(places, names)
plt.gca().invert_yaxis()
plt.xlim(left=0)
plt.xlabel(f"wrong of {len(y_test):,} test images, with 95 % interval; dotted: 1 %")
plt.show()

# %% tags=["solved"]
for first, second in ((0, 1), (1, 2), (0, 2)):
    only_first, only_second, p = compared(every[first], every[second])
    print(f"{names[first]} and {names[second]}: {only_first} and {only_second} wrong alone, p = {p:.2g}")
for first, second in (("baseline", "improved"), ("improved", "augmented"), ("improved", "focus")):
    print(digitwise.compare(runs[first], runs[second]).verdict(first, second))

# %% [markdown] tags=["solved"]
# The gain from model 1 to model 2 is large and certain, that from model 2 to model 3 is small: with so few errors, ten
# thousand images hardly suffice to distinguish two good networks. The runs of digitwise agree: `baseline`
# has <!-- baseline.wrong -->143<!-- end --> wrong, `improved` <!-- improved.wrong -->31<!-- end -->, `augmented` <!-- augmented.wrong -->30<!-- end --> and
# `focus` <!-- focus.wrong -->32<!-- end -->. Another seed changes each number slightly.
#
# ### Using it
#
# A reader gives the digit of an image with its confidence, and `unsure` where the confidence is too low. It has a bundled
# model and converts scans to MNIST's form; `digitwise export results/focus` makes a model file from your own run.

# %% tags=["solved"]
reading = digitwise.Reader(max_error=0.005).read(dataset.test.images[0])
print(f"{reading.label}, {reading.confidence:.4f}, {reading.status}")

# %% [markdown] tags=["solved"]
# ### The numbers in the text
#
# They are computed here, and `notebooks/build.py` fills them into the text.


# %% tags=["solved"]
def rates(name, network, history, probabilities):
    """Give the numbers that the text states about one network."""
    wrong = int((probabilities.argmax(axis=1) != y_test).sum())
    low, high = binomtest(wrong, len(y_test)).proportion_ci()
    return {
        f"{name}.wrong": wrong,
        f"{name}.share": f"{100 * wrong / len(y_test):.2f} %",
        f"{name}.right": f"{100 - 100 * wrong / len(y_test):.2f} %",
        f"{name}.interval": f"{100 * low:.2f} % to {100 * high:.2f} %",
        f"{name}.epochs": len(history.epoch),
        f"{name}.parameters": f"{network.count_params():,}",
        f"{name}.training": f"{100 * history.history['accuracy'][-1]:.2f} %",
        f"{name}.validation": f"{100 * history.history['val_accuracy'][-1]:.2f} %",
    }


def pair(first, second):
    """Give the numbers that the text states about two networks."""
    only_first, only_second, p = compared(first, second)
    return {"only_first": only_first, "only_second": only_second, "p": f"p = {p:.2g}" if p >= 0.001 else "p < 0.001"}


NOT_SHOWN = "That is not shown: chance alone makes such a difference too often"
rare, common = counts.argmin(), counts.argmax()
one, other = sorted(np.unravel_index(pairs.argmax(), pairs.shape))
measured = {
    "seed": SEED,
    "checks.findings": len(checked.findings),
    "checks.passed": len(checked.passed),
    "data.train": f"{len(y_train):,}",
    "data.test": f"{len(y_test):,}",
    "classes.rare": f"{counts[rare]:,} images of {rare}",
    "classes.common": f"{counts[common]:,} of {common}",
    "classes.ratio": f"{counts[common] / counts[rare]:.2f}",
    "prediction.answer": int(prediction.argmax()),
    "prediction.label": int(y_test[0]),
    "prediction.highest": f"{prediction.max():.6f}",
    "prediction.sum": f"{prediction.sum():.4f}",
    **rates("model1", model, history, probabilities1),
    **rates("model2", model2, history2, probabilities2),
    **rates("model3", model3, history3, probabilities3),
    "gain.fewer": int(wrong[0] - wrong[1]),
    **{f"gain.{key}": value for key, value in pair(probabilities1, probabilities2).items()},
    "errors.pair": f"{one} and {other}",
    "errors.pair_count": int(pairs.max()),
    "errors.sure_wrong": f"{sure[~right2].mean():.2f}",
    "errors.sure_right": f"{sure[right2].mean():.3f}",
    "errors.second": int(np.sum(second_choice[wrong2] == y_test[wrong2])),
    "labels.doubtful": sum(finding.total for finding in doubtful.findings),
    "strategy.extra": f"{len(extra):,}",
    **{f"strategy.{key}": value for key, value in pair(probabilities2, probabilities3).items()},
    "strategy.verdict": "Yes: chance alone hardly makes such a difference" if model3_is_better else NOT_SHOWN,
    **{f"{name}.wrong": int(count) for name, count in zip(names[3:], wrong[3:])},
}
print(json.dumps(measured, indent=1))
