"""Images to check a reading by."""

import numpy as np
from PIL import Image, ImageFont

from digitwise.files import natural
from digitwise.reading.drawings import LEGIBLE, READ, UNREAD, _fitting, contact_sheet, overlay
from digitwise.reading.results import Digit, Line, Page


def page_of(*boxes, status="read", turn=0):
    return Page(None, (Line.of([tuple(Digit("7", 0.9, status, box) for box in boxes)]),), turn)


def places(image, colour):
    rows, columns = np.nonzero((np.asarray(image) == colour).all(axis=2))
    return columns.min(), rows.min(), columns.max(), rows.max()


def test_boxes_lie_around_the_digits_in_the_pixels_of_the_image():
    image = np.full((300, 400), 200, np.uint8)
    drawn = overlay(image, page_of((100, 120, 140, 180)))
    assert drawn.size == (400, 300)
    left, _, right, bottom = places(drawn, READ)
    assert (abs(left - 100), abs(right - 140), abs(bottom - 180)) <= (4, 4, 4)
    halved = overlay(image, page_of((200, 240, 280, 360), status="unsure"), scale=2.0)
    left, _, right, bottom = places(halved, UNREAD)
    assert abs(bottom - 180) <= 4
    assert left <= 100
    assert right >= 140


def test_a_turned_page_is_drawn_upright():
    rng = np.random.default_rng(0)
    image = rng.integers(100, 160, (300, 400), dtype=np.uint8)
    box = (100, 120, 160, 170)
    image[box[1] : box[3], box[0] : box[2]] = 255
    for turn in range(4):
        drawn = np.asarray(overlay(image, page_of(box, turn=turn)))
        white = np.rot90(image == 255, turn)
        rows, columns = np.nonzero(white)
        left, _, right, bottom = places(drawn, READ)
        assert drawn.shape[:2] == white.shape
        assert max(abs(left - columns.min()), abs(right - columns.max()), abs(bottom - rows.max())) <= 5, turn


def test_small_digits_are_enlarged_to_be_legible():
    drawn = overlay(np.full((40, 60, 3), 200, np.uint8), page_of((20, 15, 26, 25)))
    assert drawn.height / 40 * 10 >= LEGIBLE
    assert overlay(np.full((40, 60), 200, np.uint8), Page(None, ())).size == (60, 40)


def test_a_sheet_has_every_input_enlarged():
    images = list(np.random.default_rng(0).integers(0, 256, (23, 28, 28), np.uint8))
    sheet = contact_sheet(images, ["7\nsome name"] * 23)
    assert np.array_equal(np.asarray(sheet)[10:122:4, 10:122:4, 0], images[0])
    assert sheet.width == 10 * 122 + 10
    assert contact_sheet([np.zeros((20, 20, 3), np.uint8)], [""]).width == 100


def test_long_names_keep_their_end():
    short = _fitting("a-very-long-name-of-a-scan-0017.png", ImageFont.load_default(13), 80)
    assert short.startswith("…")
    assert short.endswith("17.png")


def test_numbers_in_names_are_sorted_as_numbers():
    names = ["scan10.png", "scan2.png", "Scan1.png", "a/2/1.png", "a/10.png", "other.png"]
    assert sorted(names, key=natural) == ["a/2/1.png", "a/10.png", "other.png", "Scan1.png", "scan2.png", "scan10.png"]


def test_a_blank_image_is_no_trouble():
    assert isinstance(overlay(np.zeros((1, 1), np.uint8), Page(None, ())), Image.Image)
