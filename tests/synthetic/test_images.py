import numpy as np
import pytest
from scipy.ndimage import label

from digitwise.errors import DataError
from digitwise.synthetic import CORRUPTIONS, corrupted, cutout_of, drawn_digit, other_ink, scan_of
from digitwise.synthetic.noise import plasma, smooth_noise
from digitwise.synthetic.pens import Writer, centre_line, written
from digitwise.synthetic.scans import half_of
from tests.synthetic.strokes import digit, rng

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
    ink = written(digit("line"), height, Writer(width), rng=rng())
    measured = ink.sum(axis=1)[len(ink) // 3 : -len(ink) // 3].mean()
    assert measured == pytest.approx(max(width * height, 1), rel=0.3)


@pytest.mark.parametrize("height", [20, 60, 200])
def test_a_digit_gets_the_height_asked_for(height):
    ink = written(digit(), height, Writer(None), rng=rng())
    assert ink.dtype == np.float32
    assert len(ink) == pytest.approx(height, abs=0.06 * height + 1)
    assert ink.min() >= 0
    assert ink.max() <= 1


def test_a_writer_can_write_narrowly():
    plain, narrow = (written(digit(), 80, Writer(0.08, aspect=aspect), rng=rng()) for aspect in (1, 0.6))
    assert narrow.shape[1] < 0.75 * plain.shape[1]
    assert len(narrow) == pytest.approx(len(plain), abs=2)


def test_a_writer_can_slant_to_the_right():
    ink = written(digit("line"), 80, Writer(0.08, slant=0.5), rng=rng()) > 0.5
    assert np.flatnonzero(ink[5]).mean() > np.flatnonzero(ink[-5]).mean() + 10


def test_a_digit_without_ink_is_written_as_nothing():
    assert written(np.zeros((28, 28), np.uint8), 50, Writer(None), rng=rng()).max() == 0


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


def test_scans_are_rgb_images_of_many_sizes():
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


def test_an_image_without_ink_gives_a_scan_too():
    assert scan_of(np.zeros((28, 28), np.uint8), rng=rng()).dtype == np.uint8


@pytest.mark.parametrize("seed", range(20))
def test_a_cutout_is_bilevel_small_and_cut_at_the_ink(seed):
    image = cutout_of(digit(), rng=rng(seed))
    assert set(np.unique(image)) == {0, 255}
    assert 12 <= max(image.shape) <= 36
    assert image.any(axis=1)[[0, -1]].all() or image.any(axis=0)[[0, -1]].all()
    assert np.array_equal(image, cutout_of(digit(), rng=rng(seed)))


@pytest.mark.parametrize("label", range(10))
def test_a_drawn_digit_is_light_ink_in_a_frame_and_never_twice_the_same(label):
    first, second = (drawn_digit(label, rng=rng(seed)) for seed in (0, 1))
    assert first.shape == (48, 48)
    assert first.max() == 255
    assert first[[0, -1]].max() == first[:, [0, -1]].max() == 0
    assert not np.array_equal(first, second)


def test_other_ink_is_of_many_kinds_and_can_be_scanned():
    pool = np.stack([digit(), digit(width=3)])
    inks = [other_ink(pool, rng=rng(seed)) for seed in range(40)]
    assert all(ink.dtype == np.uint8 and ink.max() > 100 for ink in inks)
    assert len({ink.shape for ink in inks}) > 3
    assert scan_of(inks[0], rng=rng()).ndim == 3


def test_half_of_a_digit_is_less_than_it_and_a_stroke_is_not_halved():
    pool = np.stack([digit(), digit("line")])
    whole = np.ptp(np.argwhere(digit()), axis=0) + 1
    for seed in range(10):
        half = np.ptp(np.argwhere(half_of(pool, rng=rng(seed))), axis=0) + 1
        assert half.min() < whole.min()
        assert half.max() > 0.3 * whole.max()


# --- corruptions

TABLE = [(kind.name, severity) for kind in CORRUPTIONS.values() for severity in kind.severities]


@pytest.fixture(scope="module")
def images():
    return np.stack([digit(), digit("line"), digit(width=2), digit("line", 4)])


@pytest.mark.parametrize(("kind", "severity"), TABLE, ids=[f"{kind} {severity}" for kind, severity in TABLE])
def test_a_corruption_changes_every_image_and_keeps_their_kind(images, kind, severity):
    given = images.copy()
    worse = corrupted(images, kind, severity, rng=rng())
    assert worse.dtype == np.uint8
    assert worse.shape == images.shape
    assert (worse != images).any(axis=(1, 2)).all()
    assert np.array_equal(images, given)
    assert np.array_equal(worse, corrupted(images, kind, severity, rng=rng()))


def test_an_unknown_corruption_is_refused_with_the_known_ones(images):
    with pytest.raises(DataError, match="rotation, shift"):
        corrupted(images, "rust", 1, rng=rng())


def test_no_images_stay_none():
    assert corrupted(np.zeros((0, 28, 28), np.uint8), "fog", 1, rng=rng()).shape == (0, 28, 28)


def test_more_images_than_a_block_keep_their_order():
    many = np.repeat(np.arange(1200) % 200, 784).reshape(-1, 28, 28).astype(np.uint8)
    assert np.array_equal(corrupted(many, "inverted", 1, rng=rng()), 255 - many)


def test_rotation_by_a_quarter_is_a_quarter_turn(images):
    turned = corrupted(images, "rotation", 90, rng=rng())
    for before, after in zip(images, turned, strict=True):
        assert any(np.abs(np.rot90(before, k).astype(int) - after).max() <= 1 for k in (1, 3))


def test_shift_moves_the_centre_of_mass_by_its_pixels(images):
    for before, after in zip(images, corrupted(images, "shift", 3, rng=rng()), strict=True):
        moved = np.subtract(*(np.argwhere(p > 127).mean(axis=0) for p in (after, before)))
        assert np.hypot(*moved) == pytest.approx(3, abs=0.5)


def test_scale_is_the_factor_of_the_size(images):
    small = corrupted(images, "scale", 0.5, rng=rng())
    rows = [np.ptp(np.flatnonzero((p > 100).any(axis=1))) for p in (images[0], small[0])]
    assert rows[1] == pytest.approx(rows[0] / 2, abs=1)


@pytest.mark.parametrize(("kind", "severity", "factor"), [("thinning", 0.5, 0.5), ("thickening", 1, 2)])
def test_strokes_get_thinner_and_thicker_by_their_share(images, kind, severity, factor):
    line = digit("line", 4)[None]
    widths = [p[0, 10:18].sum(axis=1).mean() for p in (line, corrupted(line, kind, severity, rng=rng()))]
    assert widths[1] == pytest.approx(factor * widths[0], rel=0.25)


def test_stripes_are_the_outer_quarters(images):
    striped = corrupted(images, "stripes", 0.25, rng=rng())
    assert np.array_equal(striped[:, :, 7:21], images[:, :, 7:21])
    assert np.array_equal(striped[:, :, :7], 255 - images[:, :, :7])
