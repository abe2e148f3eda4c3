"""Every kind of object that holds images gives the same data set to load, check, and evaluate."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.utils import Bunch

from digitwise.checks import SplitData
from digitwise.data import load, read_labelled
from digitwise.data.raw import read_raw
from digitwise.images import Dataset
from tests.helpers import blobs

TRAIN, TEST = blobs(30), blobs(12, seed=1)
SETS = (TRAIN, TEST)


def tensor(values):
    return pytest.importorskip("torch").tensor(values)


def tensor_set(images, labels):
    return pytest.importorskip("torch.utils.data").TensorDataset(tensor(images), tensor(labels))


def items(images, form):
    """A map-style torch Dataset, as torchvision's are."""

    class Items(pytest.importorskip("torch.utils.data").Dataset):
        classes = ("0 - zero", "1 - one", "2 - two")

        def __len__(self):
            return len(images)

        def __getitem__(self, place):
            return form(images.images[place]), int(images.labels[place])

    return Items()


class Feature:
    def __init__(self, names=None):
        self.names = names


class Hub:
    """What of a Hugging Face Dataset is used."""

    def __init__(self, images, label="label"):
        self.features = {"image": Feature(), "id": Feature(), label: Feature(list(images.class_names))}
        self.column_names = list(self.features)
        shown = [Image.fromarray(each) for each in images.images]
        self._columns = {"image": shown, "id": list(range(len(images))), label: images.labels.tolist()}

    def __len__(self):
        return len(self._columns["image"])

    def __getitem__(self, key):
        return self._columns[key]


def pairs(images=lambda x: x, labels=lambda y: y):
    return lambda: tuple((images(each.images), labels(each.labels)) for each in SETS)


def flat(images):
    return images.reshape(len(images), -1)


def one_hot(labels):
    return np.eye(3)[labels]


def pixel_frame(images):
    frame = pd.DataFrame(flat(images.images), columns=[f"pixel{i}" for i in range(784)])
    frame.insert(0, "label", images.labels)
    return frame


def bunch():
    everything, labels = (np.concatenate([getattr(each, name) for each in SETS]) for name in ("images", "labels"))
    return Bunch(data=flat(everything) / 255.0, images=everything / 255.0, target=labels, target_names=np.arange(3))


SPLIT = {
    "Dataset": lambda: Dataset("own", "here", TRAIN, TEST),
    "two ImageSets": lambda: SETS,
    "uint8, uint8 labels": pairs(labels=lambda y: y.astype(np.uint8)),
    "float32 to 1, a channel": pairs(lambda x: (x / 255).astype(np.float32)[..., None]),
    "float64 to 255": pairs(lambda x: x.astype(float), lambda y: y.astype(float)),
    "-1 to 1": pairs(lambda x: np.concatenate([x / 127.5 - 1])),
    "channels first": pairs(lambda x: x[:, None]),
    "flat, int32 labels": pairs(flat, lambda y: y.astype(np.int32)),
    "one-hot": pairs(labels=one_hot),
    "one-hot frame": pairs(labels=lambda y: pd.get_dummies(pd.Series(y.astype(str)))),
    "text": pairs(labels=lambda y: y.astype(str)),
    "lists": pairs(list, list),
    "a column of labels": pairs(labels=lambda y: y[:, None]),
    "tensors": pairs(tensor, tensor),
    "frame and series": pairs(lambda x: pd.DataFrame(flat(x)), lambda y: pd.Series(y, dtype="category")),
    "frame of pixels": lambda: tuple(map(pixel_frame, SETS)),
    "frame with splits": lambda: Dataset("own", "here", TRAIN, TEST).frame(),
    "arrays by name": lambda: {
        "x_train": TRAIN.images, "y_train": TRAIN.labels, "x_test": TEST.images, "y_test": TEST.labels
    },
    "TensorDataset": lambda: tuple(tensor_set(s.images / 255, s.labels) for s in SETS),
    "torch Dataset of tensors": lambda: tuple(items(s, lambda x: tensor(x / 255).unsqueeze(0)) for s in SETS),
    "torch Dataset of PIL images": lambda: tuple(items(s, Image.fromarray) for s in SETS),
    "DatasetDict": lambda: {"train": Hub(TRAIN), "test": Hub(TEST)},
}  # fmt: skip
WHOLE = {
    "ImageSet": lambda: TRAIN,
    "pair": lambda: (TRAIN.images, TRAIN.labels),
    "Bunch": bunch,
    "frame": lambda: pixel_frame(TRAIN),
    "frame of images": TRAIN.frame,
    "TensorDataset": lambda: tensor_set(TRAIN.images, TRAIN.labels),
    "Hugging Face Dataset": lambda: Hub(TRAIN),
    "Hugging Face Dataset whose features tell the label": lambda: Hub(TRAIN, "fine_label"),
    "DatasetDict of one split": lambda: {"validation": Hub(TRAIN)},
}
every_split = pytest.mark.parametrize("make", SPLIT.values(), ids=SPLIT)
every_whole = pytest.mark.parametrize("make", WHOLE.values(), ids=WHOLE)


@every_split
def test_loading_gives_the_same_data_set(make):
    loaded = load(make())
    assert loaded.fingerprint == {"train": TRAIN.fingerprint, "test": TEST.fingerprint}


@every_split
def test_checking_sees_the_same_images_and_labels(make):
    found = read_raw(make())
    for split, images in zip(("train", "test"), SETS, strict=True):
        part = SplitData(split, found[split])
        assert (part.images == images.images).all() or part.raw.pixels.min() < 0  # which check stretches
        assert part.classes.tolist() == images.labels.tolist()
        assert part.class_names == images.class_names


@every_whole
def test_a_set_without_splits_has_a_fifth_held_out_for_training_and_nothing_for_evaluating(make):
    found, loaded = read_labelled(make()), load(make())
    assert found.test is None
    assert len(loaded.test) == round(len(found.train) / 5)
    assert "held out" in loaded.notes[-1]
    assert loaded.fingerprint == load(make()).fingerprint


@every_whole
def test_each_kind_gives_the_training_images(make):
    assert (read_labelled(make()).train.images[: len(TRAIN)] == TRAIN.images).all()
