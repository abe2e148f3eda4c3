import numpy as np
import pytest
from keras.src.legacy.preprocessing.image import ImageDataGenerator

from digitwise.recipes import Augmentation
from digitwise.training.augment import RandomWarp, transforms
from digitwise.training.backend import keras


def warped(image, *, theta=0.0, tx=0.0, ty=0.0, shear=0.0, zx=1.0, zy=1.0):
    """One image through our warp, angles in degrees as ImageDataGenerator has them."""

    def one(value):
        return np.array([value], np.float32)

    matrix = transforms(
        one(np.radians(theta)), (one(tx), one(ty)), one(np.radians(shear)), (one(zx), one(zy)), *image.shape[:2]
    )
    batch = image[None].astype(np.float32)
    return np.asarray(keras.ops.image.affine_transform(batch, matrix, interpolation="bilinear"))[0]


@pytest.mark.parametrize(
    "change",
    [
        {"theta": 14},
        {"tx": 2.5},
        {"ty": -1.5},
        {"shear": 11},
        {"zx": 1.1, "zy": 0.92},
        {"theta": -9, "tx": 1.2, "ty": 0.7, "shear": -6, "zx": 0.9, "zy": 1.05},
    ],
    ids=["rotation", "x shift", "y shift", "shear", "zoom", "all"],
)
def test_warp_draws_what_image_data_generator_draws(digits, change):
    image = digits.train.images[3][..., None].astype(np.float32)
    full = {"theta": 0, "tx": 0, "ty": 0, "shear": 0, "zx": 1, "zy": 1, **change}
    expected = ImageDataGenerator(fill_mode="constant", cval=0.0).apply_transform(image, full)
    difference = np.abs(warped(image, **change) - expected)
    # SciPy leaves the outermost fraction of a pixel out, TensorFlow fades it in: only the dark border can differ.
    assert difference[2:-2, 2:-2].max() < 0.05


def test_warp_is_off_in_inference_and_on_in_training(digits):
    batch = digits.train.images[:4][..., None].astype(np.float32)
    layer = RandomWarp(Augmentation(rotation_range=20), seed=0)
    assert np.array_equal(np.asarray(layer(batch, training=False)), batch)
    assert not np.array_equal(np.asarray(layer(batch, training=True)), batch)


def test_each_image_of_a_batch_gets_its_own_warp(digits):
    batch = np.repeat(digits.train.images[:1][..., None].astype(np.float32), 3, axis=0)
    out = np.asarray(RandomWarp(Augmentation(width_shift_range=3), seed=0)(batch, training=True))
    assert not np.array_equal(out[0], out[1])
    assert not np.array_equal(out[1], out[2])


def test_shift_below_one_is_a_share_of_the_side():
    from digitwise.training.augment import _pixels

    assert _pixels(0.1, 28) == pytest.approx(2.8)
    assert _pixels(2, 28) == 2
