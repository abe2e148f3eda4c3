import numpy as np
import pytest

from digitwise.errors import ExportError
from digitwise.exporting.parity import drawings, largest_difference

IMAGES = drawings(20, (8, 8, 1))
ANSWER = np.array([0.5, 0.3, 0.2], np.float32)


def always(answer):
    return lambda images: np.tile(np.asarray(answer, np.float32), (len(images), 1))


def test_each_batch_size_is_compared_on_every_image():
    asked = []

    def ask(images):
        asked.append(len(images))
        return always(ANSWER)(images)

    assert largest_difference(ask, always(ANSWER), IMAGES) == 0
    assert asked == [1] * 20 + [7, 7, 6]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ([0.5002, 0.2998, 0.2], "probabilities differ by up to 0.0002 in batches of 1"),
        (ANSWER[:2], "probabilities differ by up to inf"),
        ([np.nan, 0, 0], "probabilities differ by up to nan"),
    ],
    ids=["other", "fewer", "none"],
)
def test_other_probabilities_are_refused(answer, message):
    with pytest.raises(ExportError, match=f"the export differs from the model.*{message}"):
        largest_difference(always(answer), always(ANSWER), IMAGES)


def test_another_class_is_refused_and_a_tie_is_none():
    near = [0.5, 0.5 - 5e-5, 5e-5]
    with pytest.raises(ExportError, match="20 of 20 images get another class"):
        largest_difference(always([0.5 - 5e-5, 0.5, 5e-5]), always(near), IMAGES)
    tie = [0.4, 0.4 - 3e-8, 0.2]
    assert largest_difference(always([0.4 - 3e-8, 0.4, 0.2]), always(tie), IMAGES) < 1e-6


@pytest.mark.parametrize("shape", [(28, 28, 1), (8, 8, 3), (4, 9, 1)])
def test_drawings_are_no_two_alike_and_the_same_for_the_same_seed(shape):
    images = drawings(200, shape)
    assert images.dtype == np.uint8
    assert images.shape == (200, *(shape if shape[2] == 3 else shape[:2]))
    assert len(np.unique(images.reshape(200, -1), axis=0)) > 195
    assert (np.ptp(images.reshape(200, -1), axis=1) > 30).mean() > 0.95
    assert np.array_equal(images, drawings(200, shape))
    assert not np.array_equal(images, drawings(200, shape, seed=1))
