"""The model in the package, on real digits."""

import os
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digitwise import Reader
from digitwise.images import UInt8

SCANS = Path(os.environ.get("DIGITWISE_DATA", "")) / "scans"
needs_scans = pytest.mark.skipif(
    not SCANS.is_dir() and "DIGITWISE_REQUIRE_MNIST" not in os.environ, reason="other people's scans are not at hand"
)


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader()


def enlarged(digit: UInt8, scale: float) -> UInt8:
    return np.asarray(Image.fromarray(digit).resize((round(28 * scale),) * 2, Image.Resampling.BICUBIC))


def test_bundled_model_is_small_and_says_what_it_is(reader):
    assert (files("digitwise.reading") / "model.onnx").stat().st_size < 1.5e6
    card = reader.model.card.document
    assert card["recipe"]["name"] == "reader"
    assert card["data"]["name"] == "mnist"
    assert card["normalization"] == "ink-1"
    assert card["metrics"]["test"]["n"] == 10_000


def test_bundled_model_makes_the_errors_that_its_card_tells(reader, mnist):
    read = reader.probabilities(mnist.test.images).argmax(axis=1)
    assert (read != mnist.test.labels).sum() == reader.model.card.document["metrics"]["test"]["errors"]


def test_its_guarantees_hold_on_the_test_images(mnist):
    strict = Reader(max_error=0.005)
    answers = strict.answers(mnist.test.images)
    sure = answers.sure
    wrong = answers.probabilities.argmax(axis=1) != mnist.test.labels
    assert sure.mean() > 0.9
    assert wrong[sure].mean() <= 0.005


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda d: 255 - d, id="inverted"),
        pytest.param(lambda d: np.pad(d, 30), id="padded"),
        pytest.param(lambda d: np.pad(d, ((20, 2), (3, 25))), id="shifted"),
        pytest.param(lambda d: (d * 0.3 + 60).astype(np.uint8), id="low-contrast"),
        pytest.param(lambda d: np.clip(d.astype(int) + 80, 0, 255).astype(np.uint8), id="brighter"),
        pytest.param(lambda d: enlarged(d, 1.3), id="1.3x"),
        pytest.param(lambda d: enlarged(d, 5), id="5x", marks=pytest.mark.slow),
        pytest.param(lambda d: enlarged(d, 20), id="20x", marks=pytest.mark.slow),
    ],
)
def test_the_reading_does_not_hang_on_size_place_or_shades(reader, mnist, change):
    digits = mnist.train.images[:60]  # a digit that is surely read; those that are not may go either way
    plain, changed = reader.read(list(digits)), reader.read([change(digit) for digit in digits])
    sure = [(one, other) for one, other in zip(plain, changed, strict=True) if one.status == "read"]
    assert len(sure) > 50
    assert [one.label for one, _ in sure] == [other.label for _, other in sure]


@needs_scans
def test_other_people_s_scans_are_read(reader):
    photos = sorted((SCANS / "digits").glob("*/*.png"))
    readings = reader.read(photos)
    assert sum(r.label == photo.parent.name for r, photo in zip(readings, photos, strict=True)) >= 75
    with np.load(SCANS / "drawn_on_screen_1000.npz") as drawn:
        images, labels = drawn["images"][::4], drawn["labels"][::4]
        answers = reader.read(images)
        assert sum(r.label == str(label) for r, label in zip(answers, labels, strict=True)) >= 249


def test_paper_is_blank(reader):
    assert reader.read(np.full((60, 60), 230, np.uint8)).status == "blank"
