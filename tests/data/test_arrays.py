"""Arrays and other objects as data: what is understood, told, and refused."""

import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.utils import Bunch

from digitwise.checks import SplitData
from digitwise.data import load, read_labelled
from digitwise.data.raw import read_raw
from digitwise.errors import DataError
from digitwise.images import Dataset, ImageSet
from digitwise.workflows.check import check
from tests.helpers import blobs

X, Y = blobs(30).images, blobs(30).labels


class Hub:
    """What tells that something is a Hugging Face Dataset."""

    column_names, features = (), {}

    def __len__(self):
        return 1


def test_notes_and_repr_tell_what_was_understood():
    channels_first = np.moveaxis(blobs(30, channels=3).images, 3, 1) / 255
    found = Dataset.from_arrays(channels_first, np.eye(3)[Y], name="mine")
    assert "x: channels first, (30, 3, 28, 28)" in found.notes
    assert "labels: one-hot, (30, 3)" in found.notes
    assert "pixels 0 to 1, brought to 0 to 255" in found.notes
    told = repr(found).splitlines()
    assert told[0] == "<Dataset 'mine': 24 training and 6 test images of 28x28x3, 3 classes: 0, 1, 2>"
    assert "  labels: one-hot, (30, 3)" in told


def test_load_digits_is_known_by_its_sixteen_greys():
    found = load(load_digits())
    assert found.train.image_shape == (8, 8, 1)
    assert found.train.images.max() == 255
    assert "pixels 0 to 16, brought to 0 to 255" in found.notes
    assert found.train.class_names == tuple("0123456789")
    assert SplitData("train", read_raw(load_digits())["train"]).stored.max() == 255


def test_a_bunch_of_openml_has_its_labels_as_text():
    data = pd.DataFrame(X.reshape(30, -1), columns=[f"pixel{i}" for i in range(784)])
    target = pd.Series(Y.astype(str), name="class", dtype="category")
    found = read_labelled(Bunch(data=data, target=target, frame=None, target_names=["class"], DESCR="MNIST"))
    assert found.train.fingerprint == blobs(30).fingerprint


def test_text_labels_name_the_classes_and_their_order_can_be_given():
    words = np.array(["seven", "one", "zero"])[Y]
    assert Dataset.from_arrays(X, words).train.class_names == ("one", "seven", "zero")
    found = read_labelled(Dataset.from_arrays(X, words, X, words, class_names=["zero", "one", "seven"]))
    assert found.train.class_names == ("zero", "one", "seven")
    assert found.train.labels[:3].tolist() == [2, 1, 0]


def test_class_names_name_numbers():
    found = Dataset.from_arrays(X, Y, X, Y, class_names=["left", "middle", "right"])
    assert found.train.class_names == ("left", "middle", "right")
    assert (found.train.labels == Y).all()


def test_a_frame_of_paths_reads_the_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for place, image in enumerate(X):
        Image.fromarray(image).save(f"{place}.png")
    frame = pd.DataFrame({"writer": 7, "file": [f"{i}.png" for i in range(30)], "digit": Y})
    found = read_labelled(frame)
    assert found.train.fingerprint == blobs(30).fingerprint
    assert found.notes[:2] == ("images: column 'file'", "label: column 'digit'")
    assert read_labelled((frame["file"], frame["digit"])).train.fingerprint == found.train.fingerprint
    (tmp_path / "3.png").write_bytes(b"broken")
    raw = read_raw(frame)["train"]
    assert [name for name, _ in raw.unreadable] == ["3.png"]
    assert len(raw.pixels) == 29


def test_the_label_of_a_frame_is_found_by_its_values_or_named():
    frame = pd.DataFrame(np.column_stack([X.reshape(30, -1), Y]))
    assert read_labelled(frame).train.fingerprint == blobs(30).fingerprint
    assert read_labelled(frame.rename(columns={784: "truth"}), label_column="truth").notes[0].startswith("label:")
    with pytest.raises(DataError, match="expected it with a frame") as told:
        load((X, Y), label_column="last")
    assert told.value.argument == "label_column"


def test_a_frame_gives_the_set_back(small):
    frame = small.frame()
    assert frame.columns.tolist() == ["split", "label", "image"]
    assert frame["split"].value_counts().to_dict() == {"train": 60, "test": 30}
    assert load(frame).fingerprint == small.fingerprint
    colour = blobs(12, channels=3)
    assert read_labelled(colour.frame()).train.fingerprint == colour.fingerprint


def test_categories_order_the_classes_and_those_without_images_are_left_out():
    labels = pd.Categorical.from_codes(Y, categories=["z", "a", "m"])
    assert Dataset.from_arrays(X, pd.Series(labels)).train.class_names == ("z", "a", "m")
    kept = Y != 1
    assert Dataset.from_arrays(X[kept], pd.Series(labels)[kept]).train.class_names == ("z", "m")


def test_a_data_set_is_given_back_and_may_be_turned(small):
    assert load(small) is small
    assert load(small, turn="mirror").train.images[0].tolist() == small.train.images[0, :, ::-1].tolist()


def test_whole_labels_of_any_dtype_make_an_image_set():
    assert ImageSet(X, Y.astype(np.uint8), ("0", "1", "2")).fingerprint == blobs(30).fingerprint


REFUSED = {
    "floats to 3": ((X / 85.0, Y), "white", "expected pixels 0.0 to 1.0 or 0 to 255, got float64 of 0 to 2.58"),
    "whole numbers 0 and 1": (((X > 100).astype(np.uint8), Y), "white", "white=1"),
    "16 bits": ((X.astype(np.uint16) * 257, Y), "white", "got uint16 of"),
    "standardised": (((X.astype(float) - 60) / 70, Y), "x", "undo any standardisation"),
    "NaN": ((np.where(X == 220, np.nan, X), Y), "x", "expected finite pixels, got NaN or infinity in image 0"),
    "fewer labels": ((X, Y[:20]), "x", "expected one label an image"),
    "images along the last axis": ((np.moveaxis(X, 0, 2), Y), "x", "images along the first axis"),
    "half labels": ((X, Y + 0.5), "data", "expected labels 0, 1, 2, …, got 0.5 at row 0"),
    "soft labels": ((X, np.full((30, 3), 1 / 3)), "data", "expected labels (n,) or one-hot rows"),
    "missing text": ((X, np.array([None, *map(str, Y[1:])], object)), "data", "none for image 0"),
    "no labels": (X, "label_column", "expected a label for each image, got none"),
    "no square": ((X.reshape(30, -1)[:, :700], Y), "x", "expected a square number of pixels"),
    "four channels": ((np.zeros((30, 8, 8, 4)), Y), "x", "expected shape (n, h, w)"),
    "three pixels": ((np.full((30, 3, 3, 3), 200), Y), "data", "at least 4x4"),
    "several sizes": (([X[0], X[1][:20]], [0, 1]), "x", "images of one size"),
    "three parts": ((X, Y, X), "data", "got a tuple of 3"),
    "a number": (7, "data", "expected a name, a path, (x, y)"),
    "a test label of its own": (((X, ["a", "b", "c"] * 10), (X, ["a", "b", "d"] * 10)), "data", "got 'd'"),
    "an empty list": ([], "data", "empty"),
    "a stream": (iter([(X[0], 0)]), "data", "load it without streaming, or make a list of it"),
    "a DatasetDict of other splits": ({"validation": Hub(), "other": Hub()}, "data", "got validation, other; give one"),
}  # fmt: skip


def test_a_tensor_of_a_graph_is_refused():
    tensor = pytest.importorskip("torch").tensor(X / 255.0, requires_grad=True)
    with pytest.raises(DataError, match="a tensor on the CPU") as caught:
        load((tensor, Y))
    assert caught.value.argument == "x"


@pytest.mark.parametrize(("data", "argument", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_understood_names_what_settles_it(data, argument, words):
    with pytest.raises(DataError) as told:
        load(data)
    assert words in str(told.value)
    assert told.value.argument == argument


@pytest.mark.parametrize(
    ("x", "white"),
    [(X / 85.0, 255 / 85), ((X > 100).astype(np.uint8), 1), (X.astype(np.uint16) * 257, 65535)],
    ids=["floats to 3", "0 and 1", "16 bits"],
)
def test_white_settles_the_scale(x, white):
    found = Dataset.from_arrays(x, Y, x, Y, white=white)
    assert found.train.images.max() == (255 if x.max() == white else 220)
    assert "brought to 0 to 255" in found.notes[0]


def test_white_below_a_pixel_is_refused():
    with pytest.raises(DataError, match="as white says") as told:
        Dataset.from_arrays(X, Y, white=100)
    assert (told.value.argument, told.value.expected) == ("white", "pixels 0 to 100, as white says")


def test_checks_find_what_loading_refuses():
    broken, labels = X.astype(float), Y.astype(float)
    broken[3] = np.nan
    labels[5], labels[6] = -1, np.nan
    found = check((broken, labels), select=["DW003", "DW031"])
    assert {finding.code: finding.indices.tolist() for finding in found.findings} == {"DW003": [5, 6], "DW031": [3]}
    assert found.subject.name == "arrays"


def test_checks_take_images_without_labels():
    assert check(X, select=["DW030"]).passed == ("DW030",)


def test_a_notebook_shows_counts_and_fifteen_images_and_escapes_names():
    names = ("<b>zero</b>", "one", "two")
    dataset = Dataset.from_arrays(X, Y, X, Y, class_names=names, name="<script>")
    page = dataset._repr_html_()
    assert re.search(r"<td[^>]*>one</td><td[^>]*>10</td><td[^>]*>10</td>", page)
    assert page.count("data:image/png;base64,") == 15
    assert "&lt;b&gt;zero&lt;/b&gt;" in page
    assert "<b>" not in page
    assert "<script>" not in page
    assert re.search(r"<td[^>]*>one</td><td[^>]*>10</td></tr>", dataset.train._repr_html_())
    assert repr(dataset.train) == "<ImageSet: 30 images of 28x28, 3 classes: <b>zero</b>, one, two>"


def test_the_number_of_a_white_pixel_that_is_offered_is_the_highest_and_four_arrays_are_told_their_order():
    images, labels = np.tile(np.eye(8, dtype=np.uint8), (20, 1, 1)), np.arange(20) % 2
    with pytest.raises(DataError, match=r"from_arrays\(\.\.\., white=1\)"):
        Dataset.from_arrays(images, labels)
    assert Dataset.from_arrays(images, labels, white=1).train.images.max() == 255
    with pytest.raises(DataError, match=r"from_arrays\(x_train, y_train, x_test, y_test\)"):
        load((images, images, labels, labels))
