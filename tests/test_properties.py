import numpy as np
import pytest
from PIL import Image, ImageDraw

from digitwise.properties import PROPERTIES, properties


def draw(*strokes, width=3, grey=255, ellipse=None, arc=None):
    """Draw lines, an ellipse or an arc on a 28x28 ground."""
    image = Image.new("L", (28, 28))
    pen = ImageDraw.Draw(image)
    for stroke in strokes:
        pen.line(stroke, fill=grey, width=width)
    if ellipse:
        pen.ellipse(ellipse, outline=grey, width=width)
    if arc:
        pen.arc(arc[0], *arc[1:], fill=grey, width=width)
    return np.array(image)


def of(image, name):
    return float(properties(image[None])[name][0])


def test_every_property_is_measured_for_every_image():
    found = properties(np.random.default_rng(0).integers(0, 256, (5, 28, 28), dtype=np.uint8))
    assert list(found) == [p.name for p in PROPERTIES]
    assert all(values.shape == (5,) and values.dtype == np.float64 for values in found.values())


@pytest.mark.parametrize(("top", "degrees"), [(14, 0), (21, 45), (7, -45)])
def test_slant_is_in_degrees_and_right_is_positive(top, degrees):
    assert of(draw([(top, 7), (28 - top, 21)]), "slant") == pytest.approx(degrees, abs=3)


@pytest.mark.parametrize("width", [2, 4, 6])
def test_stroke_width_is_in_pixels(width):
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 10 : 10 + width] = 255
    assert of(image, "stroke_width") == pytest.approx(width, rel=0.35)


def test_wider_strokes_measure_wider():
    measured = [of(draw([(8, 4), (20, 24)], width=width), "stroke_width") for width in (2, 3, 5)]
    assert measured == sorted(measured)


def test_ring_has_a_hole_and_a_c_has_an_open_loop():
    ring, c = draw(ellipse=(6, 4, 22, 24)), draw(arc=((8, 6, 20, 22), 9, 351))
    assert (of(ring, "holes"), of(ring, "open_loops")) == (1, 0)
    assert (of(c, "holes"), of(c, "open_loops")) == (0, 1)


def test_two_strokes_apart_are_two_parts_and_specks_are_none():
    two = draw([(6, 4), (6, 24)], [(20, 4), (20, 24)])
    assert of(two, "parts") == 2
    two[0, 27] = 255
    assert of(two, "parts") == 2


def test_pieces_of_different_images_do_not_join():
    image = draw([(14, 4), (14, 24)])
    assert properties(np.stack([image] * 4))["parts"].tolist() == [1, 1, 1, 1]


def test_size_offset_and_shape_follow_the_box():
    image = np.zeros((28, 28), np.uint8)
    image[2:22, 3:8] = 200
    found = {name: float(values[0]) for name, values in properties(image[None]).items()}
    assert (found["size"], found["height_to_width"]) == (20, 4)
    assert found["offset"] == pytest.approx(np.hypot(11.5 - 13.5, 5 - 13.5))
    assert found["ink"] == pytest.approx(100 * 100 / 784 * 200 / 255)


def test_blank_and_colour_images_are_measured():
    blank = properties(np.zeros((2, 28, 28), np.uint8))
    assert all((values == 0).all() for values in blank.values())
    grey = draw([(14, 4), (14, 24)])
    colour = properties(np.repeat(grey[None, :, :, None], 3, axis=3))
    assert colour["parts"][0] == 1
