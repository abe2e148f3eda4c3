import numpy as np
import pytest

import digitwise
from digitwise.checks import CHECKS, Check, register
from digitwise.data.patches import digests, read_patch
from digitwise.errors import DataError
from digitwise.workflows.check import _answers, label_patch
from tests.helpers import glyphs


@pytest.fixture(scope="module")
def flipped(digits, tmp_path_factory):
    """The embedded digits with 15 labels changed."""
    path = tmp_path_factory.mktemp("flipped") / "set.npz"
    labels = digits.train.labels.copy()
    labels[:15] = (labels[:15] + 3) % 10
    np.savez(path, images=digits.train.images, labels=labels)
    return path


@pytest.fixture(scope="module")
def checked(flipped):
    return digitwise.check(flipped, labels=True)


def test_flipped_labels_are_found(checked):
    (finding,) = [finding for finding in checked.findings if finding.code == "DW040"]
    assert np.isin(np.arange(15), finding.indices).mean() > 0.8
    assert np.isin(finding.indices[:10], np.arange(15)).mean() > 0.8


def test_label_patch_filled_in_fixes_the_labels(checked, flipped, digits, tmp_path):
    text = label_patch(checked)
    lines = text.splitlines()
    assert lines[0] == "sha256,index,file,given,suggested,confidence,decision"
    fixed = [lines[0], *(line + line.split(",")[4] for line in lines[1:])]
    (tmp_path / "labels.csv").write_text("\n".join(fixed))
    patch = read_patch(tmp_path / "labels.csv")
    known = dict(zip(digests(digits.train.images), digits.train.labels, strict=True))
    right = [str(known[digest]) == decision for digest, decision in patch.decisions.items()]
    assert np.mean(right[:10]) > 0.8  # the worst come first
    again = digitwise.check(flipped, patch=tmp_path / "labels.csv", select=["DW003"])
    assert (again.subject.train.classes[:15] == digits.train.labels[:15]).mean() > 0.8


def test_review_without_labels_is_refused(flipped):
    with pytest.raises(DataError, match="DW040 was not among the checks"):
        label_patch(digitwise.check(flipped, select=["DW010"]))
    with pytest.raises(DataError, match="--labels"):
        label_patch(digitwise.check(flipped, select=["DW040"]))


def test_scans_of_another_size_without_labels_can_be_held_against(flipped, tmp_path):
    np.savez(tmp_path / "scans.npz", images=np.repeat(np.repeat(glyphs(80), 2, axis=1), 2, axis=2))
    found = digitwise.check(flipped, against=tmp_path / "scans.npz", select=["DW020", "DW050"])
    assert found.subject.test.images.shape == (80, 28, 28)
    assert [finding.code for finding in found.findings] == ["DW050"]


def test_unlabelled_images_get_the_checks_that_need_no_labels(tmp_path):
    np.savez(tmp_path / "scans.npz", images=glyphs(120))
    found = digitwise.check(tmp_path / "scans.npz", labels=True)
    assert {"DW010", "DW011", "DW030", "DW031", "DW032", "DW033"} <= set(found.passed)
    assert "no labels" in found.skipped["DW034"]
    assert "no labels" in found.skipped["DW040"]


def test_a_check_of_ones_own_can_be_registered(monkeypatch, flipped):
    class Greeting(Check):
        code, title, meaning, remedy = "ME001", "a greeting", "It means well.", "Greet back."

        def find(self, subject):
            return [self.finding("info", f"hello, {len(subject.train)} images")]

    monkeypatch.setattr("digitwise.checks.CHECKS", dict(CHECKS))
    register(Greeting())
    found = digitwise.check(flipped, select=["ME"])
    assert [finding.words for finding in found.findings] == ["hello, 1437 images"]

    class Thief(Greeting):
        code = "DW010"

    with pytest.raises(DataError, match="expected a code of its own"):
        register(Thief())


def test_a_code_of_no_check_is_refused(flipped):
    with pytest.raises(DataError, match="'DW9': expected one of DW001"):
        digitwise.check(flipped, select=["DW9"])


@pytest.fixture
def halves(tmp_path):
    """A set with both splits."""
    pixels, labels = glyphs(120), np.arange(120) % 10
    np.savez(tmp_path / "s.npz", x_train=pixels[:90], y_train=labels[:90], x_test=pixels[90:], y_test=labels[90:])
    return tmp_path / "s.npz", digests(pixels)


def test_a_patch_may_name_test_images(halves, tmp_path):
    data, names = halves
    (tmp_path / "p.csv").write_text(f"sha256,decision\n{names[0]},drop\n{names[95]},drop\n{names[96]},3\n")
    found = digitwise.check(data, patch=tmp_path / "p.csv", select=["DW003"]).subject
    assert (len(found.train), len(found.test)) == (89, 29)
    assert found.test.classes[5] == 3


def test_a_patch_that_leaves_nothing_is_refused(halves, tmp_path):
    data, names = halves
    (tmp_path / "p.csv").write_text("sha256,decision\n" + "".join(f"{name},drop\n" for name in names[:90]))
    with pytest.raises(DataError, match="drops every training image"):
        digitwise.check(data, patch=tmp_path / "p.csv", select=["DW003"])


def test_test_images_of_another_size_are_a_finding(tmp_path):
    labels = np.arange(60) % 10
    np.savez(tmp_path / "s.npz", x_train=glyphs(60), y_train=labels, x_test=glyphs(60)[:, ::2, ::2], y_test=labels)
    (finding,) = digitwise.check(tmp_path / "s.npz", select=["DW033"]).findings
    assert finding.severity == "error"
    assert finding.words == "the test images are 14×14, the training images 28×28"


@pytest.mark.parametrize(("n", "epochs"), [(300, 63), (1_000, 19), (60_000, 1)])
def test_the_folds_of_small_sets_are_trained_until_they_have_learnt(monkeypatch, n, epochs):
    asked = []

    def seen(recipe, images, rounds, **more):
        asked.append(recipe.epochs)
        raise InterruptedError

    monkeypatch.setattr("digitwise.training.folds.cross_validations", seen)
    with pytest.raises(InterruptedError):
        _answers(range(n), 0, None, None)
    assert asked == [epochs]
