import base64
import io

import numpy as np
import pytest
from PIL import Image

from digitwise.report import sprite
from digitwise.report.sprite import make_sprite
from tests.helpers import blobs, predictions


def sheet_of(made):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(made.url.partition(",")[2]))))


def tile(made, place):
    top, left = place // made.columns * made.height, place % made.columns * made.width
    return sheet_of(made)[top : top + made.height, left : left + made.width]


@pytest.mark.parametrize("channels", [1, 3])
def test_every_picture_has_its_tile(channels):
    pictures = blobs(10, channels=channels)
    made = make_sprite(pictures, predictions(pictures.labels.tolist(), [0] * 10))
    assert made.indices.tolist() == list(range(10))
    assert all(np.array_equal(tile(made, i), pictures.images[i]) for i in range(10))


def test_where_room_is_short_the_wrong_ones_come_first(monkeypatch):
    monkeypatch.setattr(sprite, "MOST_PIXELS", 12 * 28 * 28)
    pictures = blobs(60)
    answers = predictions(pictures.labels.tolist(), [*[0] * 15, *pictures.labels[15:].tolist()])
    made = make_sprite(pictures, answers)
    assert len(made.indices) == 12
    assert set(answers.wrong.tolist()) <= set(made.indices.tolist())


def test_large_pictures_are_scaled_down():
    pictures = blobs(4, size=100)
    made = make_sprite(pictures, predictions(pictures.labels.tolist(), [0] * 4))
    assert (made.height, made.width, made.rows) == (48, 48, 2)
