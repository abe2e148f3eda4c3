import numpy as np
import pytest
from PIL import Image

import digitwise
from digitwise.data import load
from digitwise.data.normalized import normalize_set, scans_in
from digitwise.errors import DataError
from digitwise.normalization import VERSION, form_of, normalize_all
from tests.helpers import glyphs


@pytest.fixture
def scans(tmp_path):
    for i, glyph in enumerate(glyphs(12, seed=3)):
        place = tmp_path / "scans" / str(i % 2) / f"{i}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(255 - np.pad(glyph, 4)).resize((90, 90)).save(place)
    return tmp_path / "scans"


def test_a_folder_of_scans_becomes_a_set_in_mnist_s_form(scans, tmp_path):
    found = normalize_set(scans_in(scans), tmp_path / "out")
    assert found.images == 12
    dataset = load(tmp_path / "out")
    assert dataset.train.images.shape[1:] == (28, 28)
    assert form_of(dataset.train.images) == VERSION


def test_blank_scans_are_left_out_and_told(scans, tmp_path):
    Image.new("L", (50, 50), 200).save(scans / "0" / "blank.png")
    found = normalize_set(scans_in(scans), tmp_path / "out")
    assert [file.name for file in found.blank] == ["blank.png"]
    assert found.images == 12


def test_an_unreadable_scan_leaves_nothing_behind(scans, tmp_path):
    (scans / "1" / "torn.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"torn\.png"):
        normalize_set(scans_in(scans), tmp_path / "out")
    assert {entry.name for entry in tmp_path.iterdir()} == {"scans"}


def test_two_scans_of_one_name_are_refused(scans, tmp_path):
    Image.open(scans / "0" / "0.png").save(scans / "0" / "0.bmp")
    with pytest.raises(DataError, match="rename one"):
        normalize_set(scans_in(scans), tmp_path / "out")


def test_an_existing_place_is_refused(scans, tmp_path):
    with pytest.raises(DataError, match="expected a new name"):
        normalize_set([], tmp_path)


def test_a_set_of_another_form_is_told_apart(digits):
    assert form_of(digits.train.images) == "none"
    assert form_of(np.zeros((3, 20, 20), np.uint8)) == "none"


def test_any_set_can_be_written_in_the_form_and_turned(tmp_path):
    digits = load("digits")
    few = np.arange(40)
    np.savez(tmp_path / "lying.npz", images=digits.train.images[few].swapaxes(1, 2), labels=digits.train.labels[few])
    scans = scans_in(tmp_path / "lying.npz")
    assert normalize_set(scans, tmp_path / "out", turn="transpose").images == 40
    upright = normalize_set([(name, image.swapaxes(0, 1)) for name, image in scans], tmp_path / "upright")
    assert upright.images == 40
    assert load(tmp_path / "out").fingerprint == load(tmp_path / "upright").fingerprint


def test_load_turns_all_images(tmp_path):
    digits = load("digits")
    np.savez(tmp_path / "lying.npz", images=digits.train.images[:, ::-1], labels=digits.train.labels)
    loaded = load(tmp_path / "lying.npz", turn="flip")
    assert "all images turned: flip" in loaded.notes
    as_it_was = load(tmp_path / "lying.npz")
    assert np.array_equal(loaded.train.images, as_it_was.train.images[:, ::-1])
    assert np.array_equal(loaded.test.images, as_it_was.test.images[:, ::-1])


def test_a_turn_that_there_is_not_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"turn: expected one of rotate-90, .*, got 'left'"):
        load("digits", turn="left")
    with pytest.raises(DataError, match="got 'left'"):
        normalize_set([], tmp_path / "out", turn="left")


def test_images_in_memory_are_normalised_as_a_reader_does(scans, tmp_path):
    paper = 255 - np.pad(glyphs(4, seed=3), ((0, 0), (10, 10), (20, 20)))
    forms = digitwise.normalize(paper)
    assert (forms == normalize_all(paper)[0]).all()
    assert (digitwise.normalize(paper[1]) == forms[1]).all()
    assert (digitwise.normalize(Image.fromarray(paper[1])) == forms[1]).all()
    assert (digitwise.normalize(list(paper / 255)) == forms).all()
    assert (digitwise.normalize(paper, turn="rotate-180") != forms).any()


def test_a_labelled_set_is_normalised_to_a_folder(scans, tmp_path):
    found = digitwise.normalize(scans, tmp_path / "out")
    assert (found.path, found.images) == (tmp_path / "out", 12)
    with pytest.raises(DataError, match="give out") as told:
        digitwise.normalize(scans)
    assert told.value.argument == "out"
    given = (255 - glyphs(6), [0, 1] * 3)
    assert (digitwise.normalize(given) == digitwise.normalize(given[0])).all()
    images = digitwise.ImageSet(given[0], np.array(given[1]), ("a", "b"))
    assert (digitwise.normalize(images) == digitwise.normalize(given[0][:, None])).all()
    assert digitwise.normalize(given, tmp_path / "more").images == 6
