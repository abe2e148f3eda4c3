"""Numbers are found wherever they stand, and what is not read is named."""

import itertools
import time
from dataclasses import replace

import numpy as np
import pytest

from digitwise.reading import trust
from digitwise.reading.finder import bundled, grey_of
from digitwise.reading.numbers import page_of
from tests.reading.drawing import HEIGHT, page, photo, write

LINES = ("31415", "92653")


def read(image, least=0.0, turn=None):
    return page_of(bundled().find(grey_of(np.ascontiguousarray(image)), turn=turn), path=None, least=least)


def text_of(image):
    return [line.text for line in read(image).lines]


def test_lines_are_read_from_top_to_bottom_and_left_to_right():
    assert text_of(photo(page())) == list(LINES)


def test_a_wide_gap_parts_numbers_but_not_a_line():
    found = read(photo(page(("314 15", "92653"))))
    assert [line.text for line in found.lines] == ["314 15", "92653"]
    assert [number.text for number in found.numbers] == ["314", "15", "92653"]


def test_a_second_line_that_begins_further_left_is_still_second():
    ink = np.zeros((420, 620), np.float32)
    write(ink, "31415", 220, 80)
    write(ink, "92653", 60, 170)
    assert text_of(photo(ink)) == list(LINES)


@pytest.mark.parametrize("degrees", [-6, 6])
def test_lines_that_lie_askew_are_followed(degrees):
    from scipy.ndimage import rotate

    assert text_of(photo(np.clip(rotate(page(), degrees, reshape=False, order=1), 0, 1))) == list(LINES)


def test_a_shadow_leaves_the_reading_alone():
    light = 1 - 0.6 / (1 + np.exp(-(np.arange(620) - 250) / 25.0))
    assert text_of(np.uint8(photo(page(), noise=0) * light[None, :])) == list(LINES)


def test_faint_ink_in_the_shadow_is_found_beside_dark_ink_in_the_light():
    ink = page()
    ink[150:] *= 0.3
    light = 1 - 0.5 / (1 + np.exp(-(np.arange(420) - 150) / 8.0))
    assert text_of(np.uint8(photo(ink, noise=1) * light[:, None])) == list(LINES)


def test_a_desk_alone_is_no_number():
    from scipy.ndimage import gaussian_filter

    grain = gaussian_filter(np.random.default_rng(1).normal(size=(900, 700)), 2)
    found = read(np.uint8(np.clip(80 + 15 * grain / grain.std(), 5, 160)))
    assert (found.lines, found.numbers) == ((), ())


def test_specks_points_and_dashes_are_no_digits():
    ink = page()
    ink[20:24, 20:24] = ink[300:303, 400:403] = 1  # dirt
    ink[112:118, 140:146] = 0.9  # a decimal point
    ink[195:200, 440:475] = 1  # a dash
    assert text_of(photo(ink)) == list(LINES)


def test_digits_that_touch_are_read_one_by_one():
    ink = np.zeros((300, 620), np.float32)
    write(ink, "3", 60, 100)
    left = write(ink, "22", 160, 100, gap=-3)[1][0]
    ink[130:135, left - 6 : left + 8] = 1  # the foot of one runs into the other
    write(ink, "5", 300, 100)
    assert text_of(photo(ink)) == ["3225"]


def test_the_bar_of_a_five_that_stands_off_belongs_to_it():
    ink = page(("34", "53"))
    left, top, right, _ = write(ink, "5", 300, 80)[0]
    ink[top + 7 : top + 10, left - 2 : right + 2] = 0  # cut off
    assert text_of(photo(ink)) == ["34 5", "53"]


@pytest.mark.parametrize("pen", [(200, 40, 50), (30, 60, 170), (20, 110, 60)], ids=["red", "blue", "green"])
@pytest.mark.parametrize("paper", [(240, 235, 120), (235, 235, 235)], ids=["yellow", "white"])
def test_coloured_ink_on_coloured_paper_is_read(pen, paper):
    assert text_of(photo(page(), paper=paper, pen=pen)) == list(LINES)


def test_red_ink_on_green_paper_of_the_same_brightness_is_read():
    assert text_of(photo(page(), paper=(90, 160, 90), pen=(215, 100, 85))) == list(LINES)


def test_light_ink_on_a_dark_page_is_read():
    assert text_of(photo(page(), paper=40, pen=220)) == list(LINES)


@pytest.mark.parametrize("squared", [False, True], ids=["ruled", "squared"])
def test_ruled_lines_are_no_ink_and_leave_digits_whole(squared):
    ink = page(shape=(700, 900))
    paper = np.full(ink.shape, 225.0)
    paper[30::45] = paper[31::45] = 150
    if squared:
        paper[:, 25::45] = paper[:, 26::45] = 150
    assert text_of(photo(ink, paper=0, pen=0, noise=0) + np.uint8(paper * (1 - ink) + 45 * ink)) == list(LINES)


@pytest.mark.parametrize("kind", ["tight", "framed", "boxed", "underlined"])
def test_what_surrounds_a_number_is_not_read(kind):
    ink = np.zeros((120, 420), np.float32)
    boxes = write(ink, "31415", 60, 40, gap=20)
    left, bottom, right = boxes[0][0], 40 + HEIGHT, boxes[-1][2]
    if kind == "tight":
        ink = ink[40:bottom, left:right]
    elif kind == "underlined":
        ink[bottom + 4 : bottom + 7, left:right] = 1
    else:
        ink[28:31, left - 12 : right + 13] = ink[bottom + 9 : bottom + 12, left - 12 : right + 13] = 1
        edges = [left - 12, right + 10]
        edges += [(one[2] + other[0]) // 2 for one, other in itertools.pairwise(boxes)] * (kind == "boxed")
        for edge in edges:
            ink[28 : bottom + 12, edge : edge + 3] = 1
    (text,) = text_of(photo(ink))
    assert len(text) == 5
    assert kind == "tight" or text == "31415"  # cut at its ink, this 4 of eight pixels may be a 6


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_a_blank_page_has_no_numbers(shade):
    image = np.random.default_rng(0).normal(shade, 4, size=(600, 500)).clip(0, 255)
    found = read(np.uint8(image))
    assert (found.lines, found.numbers, found.has_ink) == ((), (), False)


def test_tiny_images_have_no_numbers():
    for shape in ((1, 1), (3, 900), (900, 3)):
        assert read(np.full(shape, 200, np.uint8)).numbers == ()


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_a_turned_page_is_turned_back(quarters):
    found = read(np.rot90(photo(page(("314157", "926535"))), -quarters))
    assert found.turn == quarters
    assert [line.text for line in found.lines] == ["314157", "926535"]


def test_a_turn_that_is_known_is_kept():
    found = read(np.rot90(photo(page()), -1), turn=1)
    assert (found.turn, [line.text for line in found.lines]) == (1, list(LINES))


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
@pytest.mark.parametrize("enlarged", [1, 4])
def test_boxes_are_in_the_pixels_of_the_image_as_it_is(quarters, enlarged):
    ink = np.zeros((420, 620), np.float32)
    boxes = [*write(ink, "31475", 80, 80), *write(ink, "24357", 80, 200)]
    large = photo(np.kron(ink, np.ones((enlarged, enlarged), np.float32)), noise=0)
    found = read(np.rot90(large, -quarters))
    size = np.array([large.shape[1], large.shape[0]])
    for digit, box in zip([d for line in found.lines for d in line.digits], boxes, strict=True):
        middle = np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]) * enlarged
        for turn in range(quarters):
            middle = np.array([(size[1], size[0])[turn % 2] - middle[1], middle[0]])
        left, top, right, bottom = digit.box
        assert np.abs(middle - [(left + right) / 2, (top + bottom) / 2]).max() < 0.15 * HEIGHT * enlarged


def test_small_digits_on_a_large_page_are_found():
    ink = page(("31475",), shape=(420, 620))
    small = np.zeros((1400, 2000), np.float32)
    small[600:740, 900:1107] = ink[::3, ::3]
    (number,) = read(photo(small, noise=1)).numbers
    assert len(number.text) == 5


def test_digits_much_smaller_than_others_are_found_with_them():
    ink = np.kron(page(("314",), shape=(210, 310)), np.ones((4, 4), np.float32))
    boxes = write(ink, "26535", 700, 700, gap=22)
    x, bottom = boxes[1][2] + 9, 700 + HEIGHT
    ink[bottom - 3 : bottom + 2, x : x + 5] = 1
    large, small = read(photo(ink, noise=1)).numbers
    assert (large.text, small.text) == ("314", "26535")
    assert small.written in ("26.535", "26,535")


def test_a_digit_that_other_looks_take_for_another_is_less_sure():
    sight = bundled().find(photo(page(("2574",))))
    others = [replace(each.found, classes=np.roll(each.found.classes, 1, axis=1)) for each in sight.looks]
    denied = tuple(replace(look, found=found) for look, found in zip(sight.looks, others, strict=True))
    same, less = (
        page_of(replace(sight, looks=looks), path=None, least=0.0).numbers[0] for looks in (sight.looks, denied)
    )
    assert same.text == less.text
    assert less.confidence < same.confidence


def test_what_was_turned_by_few_digits_is_less_sure():
    turned = np.rot90(photo(page(("58",))), -1)
    (found,), (given,) = read(turned).numbers, read(turned, turn=1).numbers
    assert found.text == given.text
    assert found.confidence < 0.95 * given.confidence


def test_signs_are_written_and_are_no_digits():
    ink = np.zeros((140, 420), np.float32)
    boxes = write(ink, "31415", 60, 50, gap=22)
    x, bottom = boxes[1][2] + 9, 50 + HEIGHT
    ink[bottom - 3 : bottom + 2, x : x + 5] = 1
    (number,) = read(photo(ink)).numbers
    assert number.text == "31415"
    assert number.written in ("31.415", "31,415")


def test_ink_of_a_digits_size_that_is_no_digit_is_named():
    ink = np.zeros((200, 620), np.float32)
    write(ink, "31415", 60, 60)
    yy, xx = np.mgrid[:200, :620]
    ring = np.hypot(yy - 80, xx - 500)
    ink[(ring < 24) & (ring > 3) & ((xx - yy) % 9 < 3)] = 1  # a hatched disc
    found = read(photo(ink))
    assert found.lines[0].text.startswith("31415")
    inside = [other for other in found.others if other.box[0] < 520 and other.box[2] > 480]
    unsure = [digit for line in found.lines for digit in line.digits if digit.box[0] > 460]
    assert inside or unsure


def test_a_number_is_as_sure_as_its_digits_together():
    (number,) = read(photo(page(("31415",)))).numbers
    assert 0 < number.confidence <= min(digit.confidence for digit in number.digits) <= 1
    assert read(photo(page(("31415",))), least=number.confidence).numbers[0].status == "read"
    strict = read(photo(page(("31415",))), least=number.confidence + 1e-6).numbers[0]
    assert (strict.status, "?" in strict.text) == ("unsure", True)


def test_a_stricter_guarantee_asks_for_more_confidence():
    table = trust.bundled()
    asked = [error for error, _ in table.thresholds]
    least = [table.least(error) for error in asked]
    assert asked == sorted(asked)
    assert least == sorted(least, reverse=True)
    assert 0 < least[-1] < least[0] < 1


def test_where_a_guarantee_cannot_be_kept_no_number_is_sure():
    least = trust.bundled().least(1e-9)
    assert [number.status for number in read(photo(page()), least=least).numbers] == ["unsure", "unsure"]


def test_sixteen_times_the_pixels_cost_less_than_eight_times_the_work():
    """A photo of twelve megapixels is looked at no larger than its digits ask for."""
    small = photo(page(), noise=0)
    large = photo(np.kron(page(), np.ones((4, 4), np.float32)), noise=0)
    seconds = []
    for image in (small, small, large):  # the first also fills caches
        start = time.process_time()
        read(image)
        seconds.append(time.process_time() - start)
    assert seconds[2] < 8 * seconds[1]
