import numpy as np
import pytest

from digitwise.data import load, read_labelled
from digitwise.data.labelled import of_classes
from digitwise.errors import DataError
from digitwise.images import ImageSet
from tests.data.test_load import write_images
from tests.helpers import blobs


def saved(place, images, **more):
    np.savez(place / "own.npz", images=images.images, labels=images.labels, **more)
    return place / "own.npz"


def test_all_images_of_a_set_without_a_test_split_are_there_to_test_with(tmp_path):
    found = read_labelled(saved(tmp_path, blobs(60)))
    assert len(found.to_test()) == 60
    assert len(found.split().test) == 12


def test_of_a_set_that_a_model_was_trained_on_only_what_was_held_out_is_taken(tmp_path):
    path = saved(tmp_path, blobs(60))
    held = load(path).test
    assert read_labelled(path).to_test(held.fingerprint).fingerprint == held.fingerprint
    assert len(read_labelled(path).to_test("another")) == 60


def test_a_handful_of_images_of_some_classes_will_do_to_test_with(tmp_path):
    images = ImageSet(blobs(5).images, np.array([9, 9, 7, 1, 1]), tuple("0123456789"))
    path = saved(tmp_path, images)
    assert read_labelled(path).to_test().labels.tolist() == [9, 9, 7, 1, 1]
    with pytest.raises(DataError, match="are too few to hold a test set out"):
        load(path)


def test_a_class_without_images_in_the_test_split_is_a_note(tmp_path):
    write_images(tmp_path / "train", blobs(30))
    write_images(tmp_path / "test", blobs(4, classes=2))
    dataset = load(tmp_path)
    assert "test: no images of class 2" in dataset.notes
    assert len(dataset.test) == 4


@pytest.mark.parametrize(
    ("given", "known", "labels"),
    [
        (("0", "1", "2"), ("0", "1", "2", "3"), [0, 1, 2]),
        (("b", "a", "c"), ("a", "b", "c"), [1, 0, 2]),
        (("0", "1", "2"), ("zero", "one", "two"), [0, 1, 2]),
        (("7", "9", "8"), tuple("0123456789"), [7, 9, 8]),
    ],
    ids=["fewer", "other order", "numbers for names", "folders of some"],
)
def test_images_come_under_the_classes_of_a_model(given, known, labels):
    images = ImageSet(blobs(3).images, np.arange(3), given)
    found = of_classes(images, known, "own", "the model")
    assert found.class_names == known
    assert found.labels.tolist() == labels


def test_images_of_a_class_that_a_model_does_not_know_are_refused():
    images = ImageSet(blobs(3).images, np.arange(3), ("a", "b", "x"))
    with pytest.raises(DataError, match="own: expected the 2 classes that the model was trained on, got 1 others: x"):
        of_classes(images, ("a", "b"), "own", "the model")
