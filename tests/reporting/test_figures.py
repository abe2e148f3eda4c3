import numpy as np
import pytest
from PIL import Image

from digitwise import drawing
from digitwise.data.balance import class_balance
from digitwise.reporting import figures
from tests.helpers import blobs, predictions


def drawn(path):
    with Image.open(path) as image:
        assert round(image.info["dpi"][0]) == drawing.DPI
        return np.asarray(image.convert("L"))


@pytest.mark.parametrize("channels", [1, 3], ids=["grey", "colour"])
def test_sheet_and_histogram_are_drawn(tmp_path, channels):
    images = blobs(20, channels=channels)
    figures.sample_sheet(images, tmp_path / "a.png")
    figures.class_histogram(class_balance(images, images), tmp_path / "b.png")
    assert drawn(tmp_path / "a.png").std() > 10
    assert drawn(tmp_path / "b.png").std() > 10


@pytest.mark.parametrize("normalize", [False, True], ids=["counts", "percent"])
def test_confusion_is_drawn_also_without_errors(tmp_path, normalize):
    figures.confusion_image(predictions([0, 1, 2], [0, 1, 2]), tmp_path / "a.png", normalize=normalize)
    figures.confusion_image(predictions([0, 1, 2], [1, 1, 2]), tmp_path / "b.png", normalize=normalize)
    assert drawn(tmp_path / "a.png").shape == drawn(tmp_path / "b.png").shape


def test_gallery_shows_each_wrong_image_up_to_the_limit(tmp_path):
    images = blobs(30)
    wrong = predictions(images.labels.tolist(), ((images.labels + 1) % 3).tolist())
    assert figures.error_gallery(images, wrong, tmp_path / "a.png", limit=12) == 12
    right = predictions(images.labels.tolist(), images.labels.tolist())
    assert figures.error_gallery(images, right, tmp_path / "b.png") == 0


def test_prediction_is_drawn(tmp_path):
    figures.prediction_bars(blobs(1).images[0], np.array([0.1, 0.2, 0.7]), "012", tmp_path / "b.png")
    assert drawn(tmp_path / "b.png").std() > 5
