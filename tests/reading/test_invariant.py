"""What is on paper is accounted for, and what is put beside it changes no sure digit in silence."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from sklearn.datasets import load_digits

from digitwise.maps import SIGNS
from digitwise.reading import trust
from digitwise.reading.finder import TALL, Sight, bundled
from digitwise.reading.numbers import page_of
from digitwise.reading.objects import Objects
from digitwise.reading.results import UNSURE, Digit, Number, Page
from tests.reading.strips import RELATIONS, Box, Strip, strip

LIKE = 0.3  # intersection over union from which two boxes are of the same ink
PLAIN = "2345"  # lines of these stand one way only: a 6 turned is a 9, and 0, 1, 7 and 8 read as digits when turned


def examples(count: int):
    """So many made lines, always the same."""
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(derandomize=True, deadline=None, max_examples=count, suppress_health_check=checks, database=None)


@functools.cache
def glyphs() -> dict[str, list[np.ndarray]]:
    """scikit-learn's digits enlarged and cut at their ink, by label."""
    data = load_digits()
    found: dict[str, list[np.ndarray]] = {str(digit): [] for digit in range(10)}
    for image, label in zip(data.images, data.target, strict=True):
        large = np.asarray(Image.fromarray(np.uint8(image * 15.9)).resize((48, 48), Image.Resampling.BICUBIC))
        ink = np.clip((large.astype(np.float32) - 100) / 60, 0, 1)
        ys, xs = np.flatnonzero(ink.max(axis=1) > 0.3), np.flatnonzero(ink.max(axis=0) > 0.3)
        found[str(label)].append(np.ascontiguousarray(ink[ys[0] : ys[-1] + 1, xs[0] : xs[-1] + 1]))
    return found


@st.composite
def strips(draw, digits: str = "0123456789", least: int = 1) -> Strip:
    labels = draw(st.text(digits, min_size=least, max_size=8))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    written = [glyphs()[label][int(rng.integers(len(glyphs()[label])))] for label in labels]
    return strip(written, labels, rng=rng)


def read(image: np.ndarray) -> Page:
    return page_of(bundled().find(np.ascontiguousarray(image)), path=None, least=trust.bundled().least(None))


def digits_of(page: Page) -> list[tuple[Number, Digit]]:
    return [(number, digit) for number in page.numbers for digit in number.digits]


def like(one: Box, other: Box) -> float:
    """Intersection over union."""
    wide, tall = (min(one[k + 2], other[k + 2]) - max(one[k], other[k]) for k in (0, 1))
    common = max(wide, 0) * max(tall, 0)
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return common / (areas - common)


def covers(box: Box, ink: Box) -> bool:
    x, y = (ink[0] + ink[2]) / 2, (ink[1] + ink[3]) / 2
    return (box[0] <= x <= box[2] and box[1] <= y <= box[3]) or like(box, ink) > LIKE


def unaccounted(page: Page, made: Strip) -> list[str]:
    """The digits of a line that are neither read nor unsure nor named."""
    told = [digit.box for _, digit in digits_of(page)] + [other.box for other in page.others]
    places = zip(made.labels, map(made.seen, made.boxes), strict=True)
    return [label for label, place in places if not any(covers(box, place) for box in told)]


def became(page: Page, place: Box) -> str | None:
    """What ink is in a reading: a label, ``?`` where it is unsure or named as other ink, None where it is gone."""
    there = [digit for _, digit in digits_of(page) if covers(digit.box, place)]
    if there:
        return max(there, key=lambda digit: like(digit.box, place)).text
    return UNSURE if any(covers(other.box, place) for other in page.others) else None


def turned_box(box: Box, shape: tuple[int, ...], quarters: int) -> Box:
    """Where a box lies after an image of a shape (h, w) was turned clockwise."""
    left, top, right, bottom = box
    high, wide = shape
    for _ in range(quarters):
        left, top, right, bottom = high - bottom, left, high - top, right
        high, wide = wide, high
    return left, top, right, bottom


@examples(40)
@given(made=strips())
def test_each_digit_of_a_line_is_read_or_unsure_or_named(made):
    assert unaccounted(read(made.image), made) == []


@pytest.mark.parametrize("relation", sorted(RELATIONS))
@examples(10)
@given(made=strips(), seed=st.integers(0, 2**32 - 1))
def test_more_around_a_line_changes_no_sure_digit_in_silence(made, seed, relation):
    before, more = read(made.image), RELATIONS[relation](made, np.random.default_rng(seed))
    after = read(more.image)
    assert unaccounted(after, more) == []
    x, y = made.view[0] - more.view[0], made.view[1] - more.view[1]
    for number, digit in digits_of(before):
        left, top, right, bottom = digit.box
        if number.status == "read":
            assert became(after, (left + x, top + y, right + x, bottom + y)) in (digit.label, UNSURE)


@examples(10)
@given(made=strips(digits=PLAIN, least=4), quarters=st.integers(1, 3))
def test_a_turned_line_has_the_same_sure_digits_or_unsure_ones(made, quarters):
    before, after = read(made.image), read(np.rot90(made.image, -quarters))
    for number, digit in digits_of(before):
        if number.status == "read":
            assert became(after, turned_box(digit.box, made.image.shape, quarters)) in (digit.label, UNSURE)


@examples(15)
@given(made=strips(), relation=st.sampled_from(sorted(RELATIONS)), quarters=st.integers(0, 3))
def test_a_page_is_whole(made, relation, quarters):
    """Boxes lie in the image, confidences are probabilities, and text, lines and numbers say the same."""
    image = np.rot90(RELATIONS[relation](made, np.random.default_rng(0)).image, quarters)
    page = read(image)
    high, wide = image.shape
    told = [digit for _, digit in digits_of(page)]
    for left, top, right, bottom in [each.box for each in (*told, *page.numbers, *page.others)]:
        assert 0 <= left < right <= wide
        assert 0 <= top < bottom <= high
    for each in (*told, *page.numbers, *(other for other in page.others if other.confidence is not None)):
        assert 0 <= each.confidence <= 1
    for number in page.numbers:
        assert number.text == "".join(digit.text for digit in number.digits)
        assert (number.status == "read") == (UNSURE not in number.text)
    assert [digit for line in page.lines for digit in line.digits] == told
    assert page.text.split() == [number.text for number in page.numbers]


@examples(5)
@given(made=strips())
def test_an_image_read_twice_gives_the_same(made):
    assert read(made.image) == read(made.image)


def sight_of(*objects: tuple[str, float, str, float]) -> Sight:
    """Objects side by side, each likeliest a sign, less likely another, and with a score."""
    classes = np.full((len(objects), len(SIGNS)), 1e-4, np.float32)
    for row, (first, chance, second, _) in zip(classes, objects, strict=True):
        row[SIGNS.index(first)], row[SIGNS.index(second)] = chance, 1 - chance
    lefts = 20 + 32.0 * np.arange(len(objects))
    boxes = np.stack([lefts, lefts * 0 + 20, lefts + 22, lefts * 0 + 20 + TALL], axis=1).astype(np.float32)
    seen = np.full((76, 40 + 32 * len(objects)), 220, np.uint8)
    for left, top, right, bottom in boxes.astype(int):
        seen[top:bottom, left + 8 : right - 8] = 30
    scores = np.array([score for *_, score in objects], np.float32)
    turns = np.tile(np.array([0.97, 0.01, 0.01, 0.01], np.float32), (len(objects), 1))
    return Sight(Objects(boxes, scores, classes, turns, np.zeros_like(scores)), 0, seen.shape, 1.0, seen)


DIGITS = [(label, 0.995, "0", 0.9) for label in "295"]


def test_a_stroke_that_may_be_a_one_makes_its_number_less_sure_and_is_named():
    sure, doubtful = (
        page_of(sight_of(*DIGITS[:2], ("/", share, "1", 0.8), DIGITS[2]), path=None, least=0.9)
        for share in (0.999, 0.6)
    )
    assert [(number.written, number.status) for number in sure.numbers] == [("29/5", "read")]
    assert [number.status for number in doubtful.numbers] == ["unsure"]
    assert [other.kind for other in sure.others] == []
    assert [(other.kind, round(other.confidence, 1)) for other in doubtful.others] == [("digit?", 0.4)]


def test_a_sign_that_is_not_written_is_named_as_ink():
    page = page_of(sight_of(*DIGITS, ("/", 0.99, "1", 0.3)), path=None, least=0.9)
    assert [number.written for number in page.numbers] in (["295"], ["2?5"], ["???"])
    assert [other.kind for other in page.others] == ["digit?"]
