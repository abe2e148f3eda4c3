import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter

from digitwise.normalization import BOX, centred, in_form, normalize, normalize_all, stroke_width
from digitwise.synthetic.glyphs import font
from tests.helpers import glyphs

GOLDEN = Path(__file__).parent / "golden" / "normalize.npz"
GLYPHS = glyphs(12, seed=3)


def scan(digit: np.ndarray, *, scale: float = 2.4, paper: float = 215.0, ink: float = 60.0) -> np.ndarray:
    """Dark ink on paper, enlarged, with a margin."""
    size = round(34 * scale)
    amount = np.asarray(Image.fromarray(np.pad(digit, 3)).resize((size, size), Image.Resampling.BICUBIC)) / 255
    return (paper + (ink - paper) * amount).astype(np.uint8)


def alike(one: np.ndarray, other: np.ndarray) -> float:
    """The correlation of two images, looked at a little out of focus; rounding may shift one by a pixel."""
    soft, given = (gaussian_filter(image.astype(float), 0.7) for image in (one, other))
    shifted = [np.roll(soft, (down, right), axis=(0, 1)) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    return max(float(np.corrcoef(each.ravel(), given.ravel())[0, 1]) for each in shifted)


def jpeg(image: np.ndarray, quality: int = 60) -> np.ndarray:
    packed = io.BytesIO()
    Image.fromarray(image).save(packed, "JPEG", quality=quality)
    return np.asarray(Image.open(packed))


@pytest.mark.parametrize("digit", GLYPHS, ids=range(len(GLYPHS)))
def test_what_comes_out_has_mnist_s_form(digit):
    image = normalize(scan(digit)).image
    assert image.shape == (28, 28)
    assert image.dtype == np.uint8
    y, x = np.flatnonzero(image.max(axis=1)), np.flatnonzero(image.max(axis=0))
    assert BOX - 1 <= max(np.ptp(y), np.ptp(x)) + 1 <= BOX
    mass = image.astype(float)
    centre = (mass * np.mgrid[:28, :28]).sum(axis=(1, 2)) / mass.sum()
    assert np.abs(centre - 14).max() <= 0.6
    assert image.max() == 255


def test_mnist_passes_unchanged(mnist):
    assert in_form(mnist.train.images).all()
    assert in_form(mnist.test.images).all()
    first = mnist.test.images[0]
    assert normalize(first).image is first


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda p: 255 - p, id="inverted"),
        pytest.param(lambda p: np.pad(p, 40, mode="edge"), id="padded"),
        pytest.param(lambda p: np.pad(p, ((40, 3), (3, 60)), mode="edge"), id="shifted"),
        pytest.param(lambda p: (p * 0.4 + 20).astype(np.uint8), id="low-contrast"),
        pytest.param(lambda p: np.clip(p.astype(int) + 40, 0, 255).astype(np.uint8), id="brighter"),
        pytest.param(lambda p: np.stack([p, p, p], axis=2), id="rgb"),
        pytest.param(lambda p: np.stack([p, 255 - p, np.full_like(p, 128)], axis=2), id="red-on-green"),
        pytest.param(lambda p: np.stack([p // 2 + 120, p // 2 + 110, 60 - p // 8], axis=2), id="yellow-paper"),
        pytest.param(lambda p: (p * np.linspace(0.45, 1, p.shape[1])).astype(np.uint8), id="light-from-one-side"),
        pytest.param(lambda p: np.asarray(Image.fromarray(p).resize((34, 34), Image.Resampling.BOX)), id="1x"),
        pytest.param(lambda p: np.asarray(Image.fromarray(p).resize((680, 680), Image.Resampling.BICUBIC)), id="20x"),
        pytest.param(jpeg, id="jpeg"),
        pytest.param(
            lambda p: np.where(np.random.default_rng(0).random(p.shape) < 0.05, 255, p).astype(np.uint8), id="salt"
        ),
        pytest.param(
            lambda p: np.clip(p + np.random.default_rng(0).normal(0, 15, p.shape), 0, 255).astype(np.uint8), id="noise"
        ),
    ],
)
def test_the_form_does_not_hang_on_how_it_was_scanned(change):
    likeness = [alike(normalize(scan(d)).image, normalize(change(scan(d))).image) for d in GLYPHS]
    assert min(likeness) > 0.9
    assert np.median(likeness) > 0.96


@pytest.mark.parametrize("scale", [1.0, 2.3, 7.0, 20.0])
def test_a_digit_keeps_its_shape_at_any_size(scale):
    reference = [normalize(scan(digit)).image for digit in GLYPHS]
    likeness = [alike(normalize(scan(d, scale=scale)).image, r) for d, r in zip(GLYPHS, reference, strict=True)]
    assert min(likeness) > 0.85
    assert np.median(likeness) > 0.95


@pytest.mark.parametrize(
    "paper",
    [
        pytest.param(np.full((60, 40), 255.0), id="white"),
        pytest.param(np.full((60, 40), 0.0), id="black"),
        pytest.param(200 + np.random.default_rng(0).normal(0, 4, (60, 40)), id="noise"),
        pytest.param(128 + np.random.default_rng(0).normal(0, 40, (60, 40)), id="much-noise"),
        pytest.param(210 + 60 * gaussian_filter(np.random.default_rng(0).normal(0, 1, (60, 40)), 1), id="texture"),
        pytest.param(np.linspace(120, 240, 80)[None] + np.linspace(0, -60, 60)[:, None], id="light-from-a-corner"),
        pytest.param(np.full((1, 1), 200.0), id="1x1"),
        pytest.param(np.full((3, 1000), 200.0), id="1000x3"),
    ],
)
def test_paper_alone_is_blank(paper):
    found = normalize(np.clip(paper, 0, 255).astype(np.uint8))
    assert found.blank
    assert not found.image.any()


def test_a_neighbour_s_ink_at_the_rim_is_left_out():
    digit = scan(GLYPHS[0], scale=3)
    with_neighbour = digit.copy()
    with_neighbour[20:60, :4] = 60
    assert alike(normalize(digit).image, normalize(with_neighbour).image) > 0.98


def test_specks_are_left_out():
    digit = scan(GLYPHS[1], scale=4)
    dirty = digit.copy()
    dirty[5:8, 5:8] = dirty[100:102, 9:11] = 60
    assert alike(normalize(digit).image, normalize(dirty).image) > 0.98


@pytest.mark.parametrize("thick", [1, 3])
def test_a_form_s_cell_around_the_digit_is_left_out(thick):
    digit = np.pad(scan(GLYPHS[2], scale=3), 8, mode="edge")
    framed = digit.copy()
    for line in (framed[:thick], framed[-thick:], framed[:, :thick], framed[:, -thick:]):
        line[:] = 40
    inner = digit.copy()
    inner[4:-4, 4:7] = inner[4:-4, -7:-4] = inner[4:7, 4:-4] = inner[-7:-4, 4:-4] = 40
    assert alike(normalize(digit).image, normalize(framed).image) > 0.95
    assert alike(normalize(digit).image, normalize(inner).image) > 0.95


def test_a_paper_s_edge_beside_the_digit_is_no_ink():
    digit = scan(GLYPHS[4], scale=3)
    edge = np.concatenate([digit, np.full((102, 36), 90, np.uint8)], axis=1)
    assert alike(normalize(digit).image, normalize(edge).image) > 0.95


def test_a_bar_that_stands_apart_belongs_to_the_digit():
    five = np.full((90, 70), 220, np.uint8)
    five[15:20, 32:56] = 50  # the bar
    five[24:70, 22:27] = five[65:70, 22:50] = five[42:70, 46:51] = 50
    assert normalize(five).image[:7].any()


def test_thin_strokes_become_as_wide_as_mnist_s():
    ring = np.full((200, 160), 230, np.uint8)
    y, x = np.mgrid[:200, :160]
    ring[np.abs(np.hypot((y - 100) / 80, (x - 80) / 55) - 1) < 0.012] = 40
    assert 1.5 < stroke_width(normalize(ring).image / np.float32(255)) < 3


def test_no_ink_is_centred_to_nothing():
    assert not centred(np.zeros((5, 5), np.float32)).any()


def test_golden_images_come_out_as_ever():
    golden = np.load(GOLDEN)
    for i, digit in enumerate(GLYPHS):
        now = normalize(scan(digit, scale=2.5, paper=200, ink=40)).image.astype(int)
        assert (np.abs(now - golden["images"][i].astype(int)) <= 3).mean() > 0.99, f"glyph {i}: raise normalize.VERSION"


def test_images_are_normalised_together_as_one_by_one():
    rng = np.random.default_rng(0)
    stack = np.stack([scan(digit, scale=1, paper=120 + 10 * i) for i, digit in enumerate(GLYPHS)])
    noisy = np.clip(stack + rng.normal(0, 12, stack.shape), 0, 255).astype(np.uint8)
    shaded = (stack * np.linspace(0.4, 1, stack.shape[2])).astype(np.uint8)
    images = np.concatenate([stack, 255 - stack, noisy, shaded, np.full_like(stack[:1], 200)])
    forms, blank = normalize_all(images)
    one_by_one = [normalize(image) for image in images]
    assert np.array_equal(forms, np.stack([form.image for form in one_by_one]))
    assert blank.tolist() == [form.blank for form in one_by_one]
    colours = np.stack([stack, 255 - stack, stack // 2], axis=3)
    assert np.array_equal(normalize_all(colours)[0], np.stack([normalize(image).image for image in colours]))


def test_large_images_are_normalised_together_too():
    images = np.stack([scan(digit, scale=4) for digit in GLYPHS[:3]])
    forms, _ = normalize_all(images)
    assert np.array_equal(forms, np.stack([normalize(image).image for image in images]))


def test_no_images_are_normalised_to_none():
    assert len(normalize_all(np.zeros((0, 28, 28), np.uint8))[0]) == 0


@pytest.mark.parametrize("light", [1.0, np.linspace(0.6, 1, 300)], ids=["even", "from-one-side"])
def test_a_thin_digit_on_much_paper_is_found(light):
    page = np.full((300, 300), 250.0)
    page[75:225, 148:152] = 20  # an upright line, a hundred and fiftieth of the image
    image = normalize((page * light).astype(np.uint8)).image
    assert image[5:23, 12:17].max(axis=1).min() > 150


def cut_out(*, bar: bool = False, pen: int = 1) -> np.ndarray:
    """A bilevel 7, light on dark, cut at its ink: 20 pixels high, its bar from side to side, or only a short one."""
    seven = np.zeros((20, 16), np.uint8)
    seven[: 2 * pen, 0 if bar else 2 :] = 255
    for row in range(20):
        column = 15 - round(row * 11 / 19)
        seven[row, max(0, column - 2 * pen) : column + 1] = 255
    return seven


@pytest.mark.parametrize("bar", [False, True], ids=["short bar", "bar from side to side"])
@pytest.mark.parametrize("turned", [False, True], ids=["light on dark", "dark on light"])
def test_a_bilevel_digit_that_is_cut_at_its_ink_stays_whole(bar, turned):
    seven = cut_out(bar=bar)
    image = normalize(255 - seven if turned else seven).image
    assert np.array_equal(image, centred(seven / np.float32(255)))


def test_thick_strokes_that_fill_more_than_half_of_a_cut_out_are_the_ink():
    eight = np.full((20, 14), 255, np.uint8)
    eight[4:8, 4:10] = eight[12:17, 4:10] = 0
    eight[8:12, :3] = eight[8:12, -3:] = 0
    eight[0, :3] = eight[0, -3:] = eight[-1, :3] = eight[-1, -3:] = 0
    assert 0.6 < (eight > 0).mean() < 0.7
    assert np.array_equal(normalize(eight).image, centred(eight / np.float32(255)))


def test_a_line_through_a_bilevel_cell_is_left_out():
    cell = np.zeros((40, 40), np.uint8)
    cell[10:30, 12:28] = cut_out()
    ruled = cell.copy()
    ruled[37:39] = 255
    assert np.array_equal(normalize(ruled).image, normalize(cell).image)


def test_a_dithered_image_is_looked_through_as_noise():
    grey = np.pad(np.asarray(Image.fromarray(GLYPHS[0]).resize((84, 84))), 6)
    dots = np.where(np.random.default_rng(0).random(grey.shape) * 255 < 0.1 * 255 + 0.8 * grey, 255, 0)
    assert alike(normalize(dots.astype(np.uint8)).image, normalize(grey).image) > 0.7


@pytest.mark.parametrize("digit", GLYPHS[:6], ids=range(6))
def test_bands_of_the_other_shade_beside_the_digit_are_no_ink(digit):
    striped = digit.copy()
    for columns in (np.s_[:7], np.s_[-7:]):
        striped[:, columns] = 255 - striped[:, columns]
    assert alike(normalize(striped).image, digit) > 0.75


@pytest.mark.parametrize("grows", [0, 15, 30, 40])
def test_thick_strokes_are_not_hollowed_in_light_that_grows(grows):
    nine = Image.new("L", (215, 250))
    ImageDraw.Draw(nine).text((107, 120), "9", 255, font("DejaVuSans-BoldOblique", 250), anchor="mm")
    ink = np.asarray(nine) / np.float32(255)
    paper = 190 + np.linspace(-grows, grows, 250)[:, None]
    image = (paper + (35 - paper) * ink).astype(np.uint8)
    assert alike(normalize(image).image, centred(ink)) > 0.98
