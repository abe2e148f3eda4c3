import time

import numpy as np
import pytest

from digitwise.reading.pages.numbers import read_page
from tests.reading.drawing import HEIGHT, by_likeness, find_digits, page, photo, text_of, write

LINES = ("31415", "92653")


def read(picture):
    return text_of(find_digits(picture, by_likeness))


def test_lines_are_read_from_top_to_bottom_and_left_to_right():
    assert read(photo(page())) == list(LINES)


def test_a_wide_gap_does_not_end_a_line():
    assert read(photo(page(("314 15", "92653")))) == list(LINES)


def test_a_second_line_that_begins_further_left_is_still_second():
    ink = np.zeros((420, 620), np.float32)
    write(ink, "31415", 220, 80)
    write(ink, "92653", 60, 170)
    assert read(photo(ink)) == list(LINES)


@pytest.mark.parametrize("degrees", [-6, 6])
def test_lines_that_lie_askew_are_followed(degrees):
    from scipy.ndimage import rotate

    assert read(photo(np.clip(rotate(page(), degrees, reshape=False, order=1), 0, 1))) == list(LINES)


def test_a_long_seven_beside_small_zeros_is_in_their_line():
    ink = np.zeros((420, 620), np.float32)
    write(ink, "0", 60, 100)
    write(ink, "0", 200, 100)
    ink[95:170, 130:136] = 1  # a long 1
    ink[200:275, 130:136] = 1
    write(ink, "0", 60, 205)
    write(ink, "0", 200, 205)
    assert [len(line) for line in find_digits(photo(ink), by_likeness)] == [3, 3]


def test_a_shadow_leaves_the_reading_alone():
    light = 1 - 0.6 / (1 + np.exp(-(np.arange(620) - 250) / 25.0))
    picture = photo(page(), noise=0) * light[None, :]
    assert read(np.uint8(picture)) == list(LINES)


def test_faint_ink_in_the_shadow_is_found_beside_dark_ink_in_the_light():
    ink = page()
    ink[150:] *= 0.3
    light = 1 - 0.5 / (1 + np.exp(-(np.arange(420) - 150) / 8.0))
    assert read(np.uint8(photo(ink, noise=1) * light[:, None])) == list(LINES)


@pytest.mark.parametrize("pen", [(200, 40, 50), (30, 60, 170), (20, 110, 60)], ids=["red", "blue", "green"])
@pytest.mark.parametrize("paper", [(240, 235, 120), (235, 235, 235)], ids=["yellow", "white"])
def test_coloured_ink_on_coloured_paper_is_read(pen, paper):
    assert read(photo(page(), paper=paper, pen=pen)) == list(LINES)


def test_red_ink_on_green_paper_of_the_same_brightness_is_read():
    assert read(photo(page(), paper=(90, 160, 90), pen=(215, 100, 85))) == list(LINES)


def test_light_ink_on_a_dark_page_is_read():
    assert read(photo(page(), paper=40, pen=220)) == list(LINES)


def desk(shape, seed=1):
    from scipy.ndimage import gaussian_filter

    grain = gaussian_filter(np.random.default_rng(seed).normal(size=shape), 2)
    return np.clip(80 + 15 * grain / grain.std(), 5, 160)


def test_a_desk_around_the_page_gives_no_digits():
    picture = desk((640, 840))
    picture[110:530, 110:730] = photo(page())
    assert read(np.uint8(picture)) == list(LINES)


def test_a_desk_alone_gives_hardly_anything():
    assert sum(map(len, find_digits(np.uint8(desk((900, 700))), by_likeness))) <= 3


@pytest.mark.parametrize("squared", [False, True], ids=["ruled", "squared"])
def test_ruled_lines_are_no_ink_and_leave_digits_whole(squared):
    ink = page(shape=(700, 900))
    paper = np.full(ink.shape, 225.0)
    paper[30::45] = paper[31::45] = 150
    if squared:
        paper[:, 25::45] = paper[:, 26::45] = 150
    assert read(photo(ink, paper=0, pen=0, noise=0) + np.uint8(paper * (1 - ink) + 45 * ink)) == list(LINES)


def test_specks_points_and_dashes_are_no_digits():
    ink = page()
    ink[20:24, 20:24] = ink[300:303, 400:403] = 1  # dirt
    ink[112:118, 140:146] = 0.9  # a decimal point
    ink[195:200, 440:475] = 1  # a dash
    assert read(photo(ink)) == list(LINES)


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_a_blank_page_has_no_lines(shade):
    picture = np.random.default_rng(0).normal(shade, 4, size=(600, 500)).clip(0, 255)
    assert read_page(np.uint8(picture), by_likeness).lines == ()


def test_tiny_pictures_have_no_lines():
    for shape in ((1, 1), (3, 900), (900, 3)):
        assert read_page(np.full(shape, 200, np.uint8), by_likeness).lines == ()


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_a_turned_page_is_turned_back(quarters):
    found = read_page(np.rot90(photo(page(("314157", "926535"))), -quarters).copy(), by_likeness)
    assert found.turn == quarters
    assert text_of(line.digits for line in found.lines) == ["314157", "926535"]


def test_boxes_are_in_the_pixels_of_a_picture_that_was_shrunk():
    ink = np.zeros((420, 620), np.float32)
    boxes = write(ink, "314", 80, 80)
    large = photo(np.kron(ink, np.ones((4, 4), np.float32)), noise=0)
    found = read_page(large, by_likeness).lines[0].digits
    for digit, box in zip(found, boxes, strict=True):
        assert np.abs(np.array(digit.box) - 4 * np.array(box)).max() <= HEIGHT * 4 * 0.1


def test_boxes_of_a_turned_page_are_in_the_picture_as_it_is():
    picture = np.rot90(photo(page()), 1).copy()
    for line in read_page(picture, by_likeness).lines:
        for digit in line.digits:
            left, top, right, bottom = digit.box
            assert picture[top:bottom, left:right].min() < 80


def test_sixteen_times_the_pixels_cost_less_than_eight_times_the_work():
    """A photo of twelve megapixels takes about a second, three times as long as a scan of the same page."""
    small = photo(page(), noise=0)
    large = photo(np.kron(page(), np.ones((4, 4), np.float32)), noise=0)
    seconds = []
    for picture in (small, small, large):  # the first also fills caches
        start = time.process_time()
        read_page(picture, by_likeness)
        seconds.append(time.process_time() - start)
    assert seconds[2] < 8 * seconds[1]
