import io

import numpy as np
import pytest
from PIL import Image

from digitwise.checks import SplitData, Subject, chosen, run_checks
from digitwise.checks.measures import _close, likeness
from digitwise.data.raw import Raw
from tests.helpers import glyphs

LABELS = np.arange(300) % 10


def found(code, pixels, labels=None, test=None):
    part = None if test is None else SplitData("test", Raw(test, None))
    subject = Subject(
        "drawn", SplitData("train", Raw(pixels, LABELS[: len(pixels)] if labels is None else labels)), part
    )
    return run_checks(subject, chosen([code])).findings


def jpeg(image):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=75)
    return np.asarray(Image.open(file))


def moved(image):
    return np.roll(image, (1, -1), axis=(0, 1))


def test_different_images_have_no_copies():
    for code in ("DW010", "DW011", "DW012"):
        assert not found(code, glyphs(300))


def test_the_surplus_of_exact_copies_is_listed():
    pixels = glyphs(300)
    pixels[[100, 200]] = pixels[5]
    (finding,) = found("DW010", pixels)
    assert finding.indices.tolist() == [100, 200]
    assert finding.evidence["groups"] == [[5, 100, 200]]


@pytest.mark.parametrize("change", [moved, jpeg])
def test_copies_that_were_moved_or_stored_with_loss_are_near_but_not_exact(change):
    pixels = glyphs(300)
    pixels[100] = change(pixels[5])
    assert not found("DW010", pixels)
    (finding,) = found("DW011", pixels)
    assert finding.indices.tolist() == [100]


def test_thin_digits_are_compared_too():
    pixels = glyphs(300) // 8 * 2  # their mean grey value is below that of JPEG's noise
    pixels[100] = moved(pixels[5])
    assert found("DW011", pixels)


def test_faint_strokes_on_like_paper_are_no_copies_and_a_copy_still_is():
    light = 200 - 60 * np.linspace(0, 1, 28)  # the paper under a lamp
    pixels = (light - glyphs(60) / 8).astype(np.uint8)
    assert not found("DW011", pixels)
    assert not found("DW012", pixels)
    pixels[50] = np.minimum(pixels[5] + 1, 255)
    (finding,) = found("DW011", pixels)
    assert finding.indices.tolist() == [50]


def test_the_same_image_with_two_labels_is_an_error_and_a_like_one_a_warning():
    pixels, labels = glyphs(300), LABELS.copy()
    pixels[100], labels[100] = pixels[5], labels[5] + 1
    (finding,) = found("DW012", pixels, labels)
    assert (finding.severity, finding.indices.tolist()) == ("error", [5, 100])
    pixels[100] = jpeg(pixels[5])
    (finding,) = found("DW012", pixels, labels)
    assert finding.severity == "warning"


def test_test_images_that_stand_in_training_are_listed_with_their_twins():
    train, test = glyphs(200), glyphs(60, seed=1)
    test[[3, 4, 5]] = train[7], moved(train[8]), jpeg(train[9])
    (finding,) = found("DW020", train, test=test)
    assert (finding.severity, finding.indices.tolist()) == ("error", [3, 4, 5])
    assert (finding.evidence["exact"], finding.evidence["near"]) == (1, 2)
    assert {"test": 3, "train": 7, "how": "exact"} in finding.evidence["pairs"]


def test_blank_images_are_no_copies_of_each_other():
    pixels = glyphs(300)
    pixels[[10, 20, 30]] = 0
    assert not found("DW010", pixels)
    assert not found("DW020", pixels, test=np.zeros((60, 28, 28), np.uint8))


def test_a_set_of_nearly_equal_images_does_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr("digitwise.checks.measures.PAIRS", 100)
    pixels = np.repeat(glyphs(1), 200, axis=0)
    pixels[:, 0, :] = np.arange(200)[:, None] % 60 + 30
    names = likeness([pixels], [pixels]).near
    assert len(names) == 200


def test_thousands_of_equal_descriptors_come_to_an_end(monkeypatch):
    monkeypatch.setattr("digitwise.checks.measures.PAIRS", 100)
    pairs = _close(np.tile(np.arange(25, dtype=np.float32), (500, 1)))
    assert len(pairs) == 499


def test_evidence_of_copies_names_their_files():
    first, second = glyphs(2)
    raw = Raw(np.stack([first, second, first]), np.array([0, 1, 2]), files=("a/0.png", "b/1.png", "c/2.png"))
    held = Raw(np.stack([second]), np.array([1]), files=("t/0.png",))
    subject = Subject("own", SplitData("train", raw), SplitData("test", held))
    checked = run_checks(subject, chosen(["DW010", "DW012", "DW020"]))
    found = {finding.code: finding.evidence for finding in checked.findings}
    for code in ("DW010", "DW012"):
        assert found[code]["groups"] == [[0, 2]]
        assert found[code]["group_files"] == [["a/0.png", "c/2.png"]]
    (pair,) = found["DW020"]["pairs"]
    assert (pair["test_file"], pair["train_file"]) == ("t/0.png", "b/1.png")
