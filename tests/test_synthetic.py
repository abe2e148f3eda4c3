import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy.ndimage import label

from digitwise.synthetic import scan_of
from digitwise.synthetic.noise import plasma, smooth_noise
from digitwise.synthetic.pens import Hand, written
from digitwise.synthetic.thinning import centre_line


def rng(*seed):
    return np.random.default_rng(seed or 0)


def digit(kind="ring", width=3):
    """A 0, or a 1, with light ink on a dark ground."""
    picture = Image.new("L", (28, 28))
    pen = ImageDraw.Draw(picture)
    if kind == "ring":
        pen.ellipse((8, 4, 20, 23), outline=255, width=width)
    else:
        pen.line([(15, 4), (13, 23)], fill=255, width=width)
    return np.array(picture)


# --- thinning and pens


def test_a_thinned_ring_is_a_ring_of_one_pixel():
    line = centre_line(np.kron(digit() > 0, np.ones((4, 4), bool)))
    assert label(line, np.ones((3, 3)))[1] == 1
    assert label(~line)[1] == 2
    assert not (line[:-1, :-1] & line[1:, :-1] & line[:-1, 1:] & line[1:, 1:]).any()


def test_a_thinned_line_lies_within_the_strokes():
    strokes = np.kron(digit("line") > 0, np.ones((4, 4), bool))
    line = centre_line(strokes)
    assert line.any()
    assert not (line & ~strokes).any()
    assert line.sum() < 0.15 * strokes.sum()


@pytest.mark.parametrize("height", [20, 60, 200])
@pytest.mark.parametrize("width", [0.05, 0.1, 0.2])
def test_a_pen_writes_as_wide_as_it_is(height, width):
    ink = written(digit("line"), height, Hand(width), rng=rng())
    measured = ink.sum(axis=1)[len(ink) // 3 : -len(ink) // 3].mean()
    assert measured == pytest.approx(max(width * height, 1), rel=0.3)


@pytest.mark.parametrize("height", [20, 60, 200])
def test_a_digit_gets_the_height_asked_for(height):
    ink = written(digit(), height, Hand(None), rng=rng())
    assert ink.dtype == np.float32
    assert len(ink) == pytest.approx(height, abs=0.06 * height + 1)
    assert ink.min() >= 0
    assert ink.max() <= 1


def test_a_hand_can_write_narrowly():
    plain, narrow = (written(digit(), 80, Hand(0.08, aspect=aspect), rng=rng()) for aspect in (1, 0.6))
    assert narrow.shape[1] < 0.75 * plain.shape[1]
    assert len(narrow) == pytest.approx(len(plain), abs=2)


def test_a_hand_can_slant_to_the_right():
    ink = written(digit("line"), 80, Hand(0.08, slant=0.5), rng=rng()) > 0.5
    assert np.flatnonzero(ink[5]).mean() > np.flatnonzero(ink[-5]).mean() + 10


def test_a_digit_without_ink_is_written_as_nothing():
    assert written(np.zeros((28, 28), np.uint8), 50, Hand(None), rng=rng()).max() == 0


# --- noise


def test_smooth_noise_has_no_fine_detail():
    noise = smooth_noise((60, 80), 20, rng=rng())
    assert noise.shape == (60, 80)
    assert np.abs(np.diff(noise, axis=0)).max() < 0.4


def test_plasma_lies_between_0_and_1_and_differs():
    clouds = plasma(3, 32, 2.0, rng=rng())
    assert clouds.shape == (3, 32, 32)
    assert clouds.min() == 0
    assert clouds.max() == 1
    assert not np.allclose(clouds[0], clouds[1])


# --- scans


def test_a_scan_is_the_same_for_the_same_seed():
    pool = np.stack([digit(), digit("line")])
    for seed in range(5):
        first, again = (scan_of(digit(), rng=rng(seed), pool=pool) for _ in range(2))
        assert np.array_equal(first, again)


def test_scans_are_rgb_pictures_of_many_sizes():
    scans = [scan_of(digit(), rng=rng(seed)) for seed in range(40)]
    assert all(scan.dtype == np.uint8 and scan.ndim == 3 and scan.shape[2] == 3 for scan in scans)
    heights = [len(scan) for scan in scans]
    assert min(heights) < 50
    assert max(heights) > 150


def test_scans_are_mostly_dark_on_light():
    lighter = 0
    for seed in range(60):
        scan = scan_of(digit("line"), rng=rng(seed)).mean(axis=2)
        lighter += np.median(scan) > scan.mean()
    assert 40 < lighter < 60


def test_a_digit_is_seen_on_every_scan():
    for seed in range(60):
        scan = scan_of(digit(), rng=rng(seed)).astype(float)
        assert (scan.max(axis=(0, 1)) - scan.min(axis=(0, 1))).max() > 25


def test_a_picture_without_ink_gives_a_scan_too():
    assert scan_of(np.zeros((28, 28), np.uint8), rng=rng()).dtype == np.uint8
