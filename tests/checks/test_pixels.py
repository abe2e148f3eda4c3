import numpy as np
import pytest

from digitwise.checks import SplitData, Subject, chosen, run_checks
from digitwise.data.raw import Raw
from tests.helpers import glyphs

LABELS = np.arange(400) % 10


def found(code, pixels, test=None):
    part = None if test is None else SplitData("test", Raw(test, None))
    return run_checks(
        Subject("drawn", SplitData("train", Raw(pixels, LABELS[: len(pixels)])), part), chosen([code])
    ).findings


@pytest.mark.parametrize("code", ["DW030", "DW031", "DW032", "DW033"])
def test_clean_images_are_passed(code):
    assert not found(code, glyphs(400), test=glyphs(100, seed=1))


@pytest.mark.parametrize(
    ("code", "spoil"),
    [
        ("DW030", lambda image: image * 0),
        ("DW030", lambda image: image * 0 + 255),
        ("DW031", lambda image: (image > 127).astype(np.uint8)),
        ("DW031", lambda image: image // 2),
        ("DW032", lambda image: 255 - image),
        ("DW033", lambda image: np.pad(image, ((0, 0), (6, 0)))[:, :28]),
        ("DW033", lambda image: np.pad(image[::2, ::2], 7)),
    ],
    ids=["black", "white", "0 to 1", "half the contrast", "inverted", "moved", "half the size"],
)
@pytest.mark.parametrize(("n", "severity"), [(1, "warning"), (40, "error")], ids=["single", "bulk"])
def test_spoilt_images_are_found_singly_and_in_bulk(code, spoil, n, severity):
    pixels = glyphs(400)
    pixels[:n] = np.stack([spoil(image) for image in pixels[:n]])
    (finding,) = found(code, pixels)
    assert set(range(n)) <= set(finding.indices.tolist())
    assert finding.severity == severity
    assert len(finding.indices) == n


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x: (x / 255 - 0.13) / 0.31, "standardised"),
        (lambda x: np.where(x > 150, np.nan, x / 255), "NaN"),
        (lambda x: x.astype(np.int32) * 16, "scale"),
        (lambda x: (x > 127).astype(np.uint8), "lost their greys"),
    ],
    ids=["standardised", "NaN", "12 bit", "0 and 1"],
)
def test_a_set_on_a_wrong_scale_is_an_error(change, words):
    (finding,) = found("DW031", change(glyphs(400)))
    assert finding.severity == "error"
    assert words in finding.words


def test_floats_from_0_to_1_are_fine():
    assert not found("DW031", glyphs(400) / np.float32(255))


def test_splits_of_opposite_polarity_are_an_error():
    (finding,) = found("DW032", glyphs(400), test=255 - glyphs(100, seed=1))
    assert (finding.severity, finding.split, finding.total) == ("error", "test", 100)


def test_a_set_that_is_dark_on_light_is_told_and_checked_as_if_it_were_not():
    pixels = 255 - glyphs(400)
    (finding,) = found("DW032", pixels)
    assert finding.severity == "info"
    for code in ("DW030", "DW031", "DW033"):
        assert not found(code, pixels)


@pytest.mark.parametrize(
    "spoil",
    [lambda x: np.where(x > 0.9, np.nan, x), lambda x: (x - 0.13) / 0.31, lambda x: x * 255],
    ids=["NaN", "standardised", "0 to 255"],
)
def test_a_image_on_another_scale_among_floats_is_named(spoil):
    pixels = glyphs(400) / np.float32(255)
    pixels[7] = spoil(pixels[7])
    (finding,) = found("DW031", pixels)
    assert finding.indices.tolist() == [7]
    assert finding.severity == "warning"


def test_polarity_is_told_as_it_is_in_the_files():
    train = SplitData("train", Raw(glyphs(100), None, inverted=True))
    test = SplitData("test", Raw(255 - glyphs(100, seed=1), None, inverted=True))
    (finding,) = run_checks(Subject("drawn", train, test), chosen(["DW032"])).findings
    assert finding.words == "the test images are light on dark, the training images dark on light"
