"""Two classes of notebooks, run and marked once for all tests."""

from __future__ import annotations

import csv
import json
import os

import pytest

from digitwise.cli.main import main
from digitwise.exercise.notebooks import EDITION, edition_of
from tests.exercise.builder import ANSWERS, CODE, write_digits, write_notebook

NOTHING = dict.fromkeys(CODE, "")
NO_ANSWERS = dict.fromkeys(ANSWERS, "*Your answer here.*")
WITHOUT_KERAS = """import numpy as np
import matplotlib.pyplot as plt
y_train = np.load("mnist.npz")["y_train"]"""
MODEL1 = {name: CODE[name] for name in ("load", "shape", "model1")}

OTHER_FEEDS = """
class Images(keras.utils.PyDataset):
    def __len__(self):
        return 8

    def __getitem__(self, place):
        return x_test[place * 10 : place * 10 + 10], y_test[place * 10 : place * 10 + 10]

other = network()
other.fit(Images(), verbose=0)
pipeline = tf.data.Dataset.from_tensor_slices((x_test[:30], y_test[:30])).map(lambda x, y: (1 - x, y)).batch(10)
stop = keras.callbacks.EarlyStopping(monitor="val_loss")
other.fit(x_train[:50], y_train[:50], validation_data=pipeline, callbacks=[stop], verbose=0)
for _ in range(3):
    other.fit(((x_train[:20], y_train[:20]) for _ in range(2)), verbose=0)
    other.evaluate(x_test, y_test, verbose=0)
"""

LOOP = """model3 = network(keras.layers.Conv2D(6, 5, strides=3, activation="relu"))
flip = keras.layers.RandomFlip("horizontal")
for start in range(0, 1000, 50):
    model3.train_on_batch(flip(x_train[start : start + 50], training=True), y_train[start : start + 50])
"""
INSIDE = """model3 = network(keras.layers.RandomRotation(0.03), keras.layers.Conv2D(6, 5, strides=3, activation="relu"))
history3 = model3.fit(x_train, y_train, batch_size=64, verbose=0)
"""
NETWORK = CODE["model1"].split("model =")[0]

ASLEEP = 1_000_000 + os.getpid()  # seconds, different for every run of the suite

PROBE = """import os, socket, subprocess, sys
assert "TOKEN" not in "".join(os.environ), "the teacher's environment is visible"
if sys.platform == "linux":
    try:
        socket.create_connection(("192.0.2.1", 80), timeout=5)
        raise AssertionError("there is a network")
    except OSError as error:
        assert "unreachable" in str(error), error
    try:
        open({outside!r}, "w")
        raise AssertionError("files elsewhere can be written")
    except PermissionError:
        pass
    try:
        socket.socket(socket.AF_UNIX)
        raise AssertionError("services of this machine can be asked")
    except PermissionError:
        pass
    open("/dev/shm/digitwise-probe", "w").close()
    rights = os.stat("mnist.npz").st_mode
    os.chmod("mnist.npz", 0)
    assert os.stat("mnist.npz").st_mode == rights, "the set can be taken from the others"
try:
    input()
    raise AssertionError("standard input is open")
except (EOFError, Exception) as error:
    assert not isinstance(error, AssertionError), error
assert sorted(os.listdir()) == ["mnist.npz", "results"]
subprocess.Popen([sys.executable, "-c", "import time; time.sleep({asleep})"], start_new_session=True)
import threading, time
threading.Thread(target=time.sleep, args=({asleep},)).start()"""


def class_of(folder, outside):
    """Write the notebooks that run to their end."""
    write_notebook(folder / "perfect.ipynb")
    (folder / "empty.ipynb").write_bytes(EDITION.read_bytes())
    nine = {"load": WITHOUT_KERAS, "histogram": "plt.hist(y_train, bins=9)"}
    write_notebook(folder / "wrong-histogram.ipynb", NOTHING | nine, NO_ANSWERS | {"histogram": ANSWERS["histogram"]})
    two = (
        CODE["model1"]
        .replace("network(", 'network(keras.layers.Conv2D(4, 3, padding="same"), ')
        .replace('def network(keras.layers.Conv2D(4, 3, padding="same"), ', "def network(")
    )
    write_notebook(folder / "two-convolutions.ipynb", NOTHING | MODEL1 | {"model1": two}, NO_ANSWERS)
    faked = CODE["model1"].split("history")[0] + 'print("test accuracy 0.9987")'
    text = {"model3": "The accuracy is 99.9 %, which is better."}
    write_notebook(folder / "faked.ipynb", NOTHING | MODEL1 | {"model1": faked}, NO_ANSWERS | text)
    learned = CODE["model1"].replace(
        "fit(x_train, y_train", "fit(np.concatenate([x_train, x_test]), np.concatenate([y_train, y_test])"
    )
    write_notebook(folder / "test-in-training.ipynb", NOTHING | MODEL1 | {"model1": learned}, NO_ANSWERS)
    flipped = {
        "load": CODE["load"].replace("import keras", "import tensorflow as tf\nkeras = tf.keras"),
        "shape": CODE["shape"],
        "model3": CODE["model1"].split("model =")[0]
        + CODE["model3"]
        .replace("from keras.src.legacy.preprocessing.image", "from tensorflow.keras.preprocessing.image")
        .replace("zoom_range=0.1", "horizontal_flip=True")
        + OTHER_FEEDS,
    }
    write_notebook(folder / "flips.ipynb", NOTHING | flipped, NO_ANSWERS)
    for name, training in (("loop", LOOP), ("inside", INSIDE)):
        code = {"load": CODE["load"], "shape": CODE["shape"], "model3": NETWORK + training}
        write_notebook(folder / f"{name}.ipynb", NOTHING | code, NO_ANSWERS)
    (folder / "german.ipynb").write_bytes(edition_of("de").read_bytes())
    rude = {"load": WITHOUT_KERAS + "\nraise ValueError('half \\ud800, \\x1b[31m[/bold]')"}
    write_notebook(folder / "rude-\udce9.ipynb", NOTHING | rude, NO_ANSWERS)  # a name that is no UTF-8 either
    broken = {"load": WITHOUT_KERAS, "histogram": "plt.bar(range(10), np.bincount(y_train)"}
    write_notebook(folder / "syntax-error.ipynb", NOTHING | broken, NO_ANSWERS | {"histogram": ANSWERS["histogram"]})
    plain = {"load": WITHOUT_KERAS, "histogram": CODE["histogram"]}
    write_notebook(
        folder / "no-metadata.ipynb",
        NOTHING | plain,
        NO_ANSWERS | {"shape": "Images, rows, columns, channels."},
        metadata=False,
    )
    nasty = """import os, shutil
shutil.rmtree("../evidence")
os.remove("../stderr")
os.mkfifo("../stderr")
for _ in range(2000):
    os.mkdir("deeper")
    os.chdir("deeper")"""
    write_notebook(folder / "nasty.ipynb", NOTHING | {"load": nasty}, NO_ANSWERS)
    write_notebook(folder / "probe.ipynb", NOTHING | {"load": PROBE.format(outside=outside, asleep=ASLEEP)}, NO_ANSWERS)
    (folder / "no-notebook.ipynb").write_text("{}")


@pytest.fixture(scope="session")
def marked(tmp_path_factory):
    """The marks of a class by name, its table and its pages."""
    folder, out = tmp_path_factory.mktemp("class"), tmp_path_factory.mktemp("marks")
    class_of(folder, str(out / "outside"))
    data = write_digits(tmp_path_factory.mktemp("data") / "printed.npz")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SECRET_TOKEN", "of the teacher")
        marks = run_class(patch, folder, "--data", data, "--out", out, "--jobs", "2", "--time-limit", "5m")
    marks["perfect"]["data"] = data
    return marks, out


@pytest.fixture(scope="session")
def stopped(tmp_path_factory):
    """The marks of endless notebooks, by name."""
    folder, out = tmp_path_factory.mktemp("class"), tmp_path_factory.mktemp("marks")
    begun = NOTHING | {"load": WITHOUT_KERAS, "histogram": CODE["histogram"]}
    write_notebook(folder / "endless.ipynb", begun | {"shape": "while True: pass"}, NO_ANSWERS)
    write_notebook(
        folder / "hog.ipynb", begun | {"shape": "held = []\nwhile True: held.append(np.ones(10**6))"}, NO_ANSWERS
    )
    data = write_digits(tmp_path_factory.mktemp("data") / "printed.npz", 100, 20)
    limits = ("--time-limit", "12s", "--memory-limit", "900MB", "--jobs", "2")
    with pytest.MonkeyPatch.context() as patch:
        return run_class(patch, folder, "--data", data, "--out", out, *limits)


def run_class(patch, folder, *arguments):
    from digitwise.cli import exercise

    printed = []
    patch.setattr(exercise, "print_json", printed.append)
    patch.setenv("TMPDIR", str(folder / ".tmp"))
    os.mkdir(folder / ".tmp")
    assert main(["exercise", "check", str(folder), "--json", *map(str, arguments)]) == 0
    assert not os.listdir(folder / ".tmp"), "temporary folders are left"
    return {
        os.path.basename(mark["notebook"]).removesuffix(".ipynb"): json.loads(json.dumps(mark)) for mark in printed[0]
    }


def points_table(out):
    with (out / "points.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
