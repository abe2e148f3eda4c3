"""What the caller knows chooses among readings, and never makes a number up."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from digitwise.decoding import Decoded
from digitwise.errors import DataError, ModelError
from digitwise.reading.finder import bundled
from digitwise.reading.known import REST, SLIP, Known, Region
from digitwise.reading.numbers import page_of
from digitwise.reading.reader import Reader
from tests.reading.drawing import HEIGHT, page, photo, write


def outcomes(**chances):
    return [("", 1 - sum(chances.values())), *((sign.strip("_"), chance) for sign, chance in chances.items())]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,2,30,40", Region(1, 2, 30, 40)),
        (" 60% , 10%, 30%,8.5% ", Region(60, 10, 30, 8.5, per_cent=True)),
        ((1, 2, 30, 40), Region(1, 2, 30, 40)),
    ],
)
def test_regions_are_pixels_or_per_cent(text, expected):
    assert Region.parsed(text) == expected


@pytest.mark.parametrize("text", ["", "1,2,3", "1,2,3,4,5", "1%,2,3,4", "a,b,c,d", "1;2;3;4", (1, 2, 3)])
def test_what_is_no_region_is_refused(text):
    with pytest.raises(DataError, match=r"expected a region as x,y,w,h in pixels or 10%,20%,30%,5%, got "):
        Region.parsed(text)


@pytest.mark.parametrize("text", ["300,10,50,50", "-60,0,50,50", "0,0,0,10", "nan,0,10,10", "0%,100%,10%,10%"])
def test_a_region_without_a_pixel_of_the_image_is_refused(text):
    with pytest.raises(DataError, match=r"expected a region in"):
        Region.parsed(text).of(Decoded(np.zeros((100, 200), np.uint8)))


def test_a_region_of_an_image_that_came_smaller_is_in_the_files_pixels():
    whole = Decoded(np.arange(200, dtype=np.uint8).reshape(10, 20), scale=4.0)
    part = Region.parsed("8,4,40,12").of(whole)
    assert np.array_equal(part.image, whole.image[1:4, 2:12])
    assert part.origin == (8, 4)
    assert Region.parsed("50%,0%,50%,100%").of(part).origin == (28, 4)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"pattern": r"\d", "expect": 1}, "got both"),
        ({"expect": 0}, "expected 1 to 40 digits"),
        ({"pattern": "("}, "expected a regular expression"),
    ],
)
def test_what_cannot_be_known_is_refused(given, message):
    with pytest.raises(DataError, match=message):
        Known.of(**given)


def test_nothing_is_known_where_nothing_is_given():
    assert Known.of() is None


def test_the_most_probable_reading_that_fits_is_taken():
    four_or_nine = outcomes(_4=0.6, _9=0.38)
    best, confidence = Known.of(pattern="[19]+").best([outcomes(_1=0.99), four_or_nine])
    assert best == ("1", "9")
    assert 0.9 < confidence < 1


def test_a_digit_that_was_left_out_is_taken_in_where_the_number_asks_for_it():
    objects = [outcomes(_1=0.99), outcomes(_2=0.99), outcomes(_3=0.3)]
    assert Known.of(expect=3).best(objects)[0] == ("1", "2", "3")
    assert Known.of(expect=2).best(objects)[0] == ("1", "2", "")


def test_what_is_all_but_impossible_is_not_sure_though_it_fits():
    objects = [outcomes(_1=0.9999), outcomes(_2=0.9999)]
    best, confidence = Known.of(expect=1).best(objects)
    assert len("".join(best)) == 1
    assert confidence < 0.0002 / SLIP


def test_nothing_is_best_where_nothing_fits():
    assert Known.of(expect=3).best([outcomes(_1=0.9), outcomes(_2=0.9)]) is None


def test_a_stroke_that_nobody_has_read_is_counted_but_never_told():
    stroke = [("", 0.5), ("?", 0.5)]
    objects = [outcomes(_1=0.99), stroke, outcomes(_2=0.99)]
    assert Known.of(expect=2).best(objects)[0] == ("1", "", "2")
    assert Known.of(expect=3).best(objects) is None
    _, confidence = Known.of(pattern=".+").best([*objects, outcomes(_3=0.99)])
    assert confidence < 0.6


def test_probabilities_are_those_of_all_readings_that_fit():
    """By Bayes' theorem over every way to read three objects."""
    rng = np.random.default_rng(0)
    objects = []
    for _ in range(3):
        chances = rng.dirichlet(np.ones(4))
        objects.append([("", chances[0]), ("1", chances[1]), ("7", chances[2]), (".", chances[3])])
    known = Known.of(pattern=r"[17]\.?[17]")
    shares = {}
    for way in itertools.product(*objects):
        written = "".join(sign for sign, _ in way)
        if known.fitting(written) is not None:
            digits = written.replace(".", "")
            shares[digits] = shares.get(digits, 0) + np.prod([chance for _, chance in way])
    fit = sum(shares.values())
    believed = fit * (1 - SLIP) / (fit * (1 - SLIP) + (1 - fit) * SLIP)
    best, confidence = known.best(objects)
    assert "".join(best).replace(".", "") == max(shares, key=shares.get)
    assert confidence == pytest.approx(max(shares.values()) / fit * believed, rel=3 * REST)


def read(image, **known):
    return page_of(bundled().find(image), path=None, least=0.5, known=Known.of(**known))


def test_a_number_that_fits_is_as_it_was_and_surer():
    plain = read(photo(page(("31475",)))).numbers[0]
    (fitting,) = read(photo(page(("31475",))), expect=5).numbers
    assert (fitting.text, fitting.status, fitting.box) == ("31475", "read", plain.box)
    assert fitting.confidence > plain.confidence


def test_a_number_that_fits_is_no_surer_than_its_digits_and_the_turn():
    sight = replace(bundled().find(photo(page(("31475",)))), standing=0.6)
    (number,) = page_of(sight, path=None, least=0.0, known=Known.of(expect=5)).numbers
    assert 0 < number.confidence <= min(digit.confidence for digit in number.digits) <= 0.6


def test_a_number_that_cannot_fit_is_unsure():
    (number,) = read(photo(page(("31475",))), expect=9).numbers
    assert (number.status, number.text) == ("unsure", "?????")


def test_numbers_that_a_wide_gap_parts_are_one_where_only_that_fits():
    ink = photo(page(("314 75", "24357")))
    assert [number.text for number in read(ink).numbers] == ["314", "75", "24357"]
    assert [number.text for number in read(ink, expect=5).numbers] == ["31475", "24357"]


def test_signs_are_asked_for_or_left_out():
    ink = np.zeros((140, 420), np.float32)
    boxes = write(ink, "31475", 60, 50, gap=22)
    x, bottom = boxes[1][2] + 9, 50 + HEIGHT
    ink[bottom - 3 : bottom + 2, x : x + 5] = 1
    for pattern in (r"\d\d\.\d{3}", r"\d{5}"):
        (number,) = read(photo(ink), pattern=pattern).numbers
        assert (number.text, number.written, number.status) == ("31475", "31.475", "read")


def test_a_reader_reads_a_region_with_boxes_of_the_whole_image():
    image = photo(page())
    whole, part = (Reader().read_numbers(image, **given) for given in ({}, {"region": (0, 150, 620, 270), "expect": 5}))
    assert [number.text for number in part.numbers] == ["92653"]
    assert np.abs(np.subtract(part.numbers[0].box, whole.numbers[1].box)).max() <= 3


def test_a_model_of_letters_reads_no_numbers(monkeypatch):
    reader = Reader()
    monkeypatch.setattr(Reader, "class_names", tuple("abcdefghij"))
    with pytest.raises(ModelError, match="expected a model of the digits 0 to 9 to read numbers, got 10 other classes"):
        reader.read_numbers(photo(page()))
    assert reader.auto_of(Decoded(photo(page()))).reading.status in ("read", "unsure")
