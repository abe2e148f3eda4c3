"""An evaluation shows, judges and saves itself; what it says is what was counted."""

import numpy as np
import pytest

from digitwise.errors import DigitwiseError, RunError
from digitwise.images import ImageSet
from digitwise.predictions import Predictions
from digitwise.reporting.evaluation import Evaluation
from digitwise.runs import Run
from tests.helpers import blobs, drawn

STRANGE = "<b>one</b>\x1b[31m"


def about(predictions, images, **more):
    told = {"name": "net", "data": "bars", "fingerprint": images.fingerprint, "load": lambda: images, "place": "net"}
    return Evaluation.of(predictions, **(told | more))


@pytest.fixture
def found():
    """Of 60 images six are wrong: every tenth, ever less sure."""
    images = blobs(60)
    files = tuple(f"{label}/{place}.png" for place, label in enumerate(images.labels))
    images = ImageSet(images.images, images.labels, (STRANGE, "two", "three"), files)
    given = images.labels.copy()
    given[::10] = (given[::10] + 1) % 3
    probabilities = np.full((60, 3), 0.1, np.float32)
    probabilities[np.arange(60), given] = 0.8
    probabilities[np.arange(60), (given + 1) % 3] += np.linspace(0, 0.09, 60)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return about(Predictions(images.labels, probabilities, images.class_names), images, purpose="takes rows")


def many(n=4000, seed=0):
    answers = drawn(n, seed=seed, sharpness=12)
    images = ImageSet(np.zeros((n, 4, 4), np.uint8), answers.labels, answers.class_names)
    return about(answers, images)


def test_errors_are_listed_with_their_files_the_surest_first(found):
    errors = found.errors()
    assert list(errors.columns) == ["index", "file", "given", "predicted", "confidence"]
    assert errors["index"].tolist() == [0, 10, 20, 30, 40, 50]
    assert errors["file"][1] == "1/10.png"
    assert (errors["given"][1], errors["predicted"][1]) == ("two", "three")
    assert errors["confidence"].is_monotonic_decreasing
    assert len(found.frame()) == 60
    assert found.frame()["right"].sum() == 54


def test_counts_are_attributes(found):
    assert (found.n, found.n_errors, found.error_rate) == (60, 6, 0.1)
    assert found.confusion.trace() == 54
    assert found.calibration.error == pytest.approx(abs(found.predictions.confidence.mean() - 0.9), abs=0.1)
    assert repr(found) == "Evaluation(net on bars: 6 of 60 wrong, 10.00 %, 95 % interval 4.66 to 20.15 %)"


def test_a_guarantee_is_chosen_by_one_half_and_counted_on_the_other():
    guarantee = many().guarantee(0.05)
    assert guarantee.counted + int(guarantee.basis.split()[0].replace(",", "")) == 4000
    assert 0 < guarantee.answered < guarantee.counted
    assert guarantee.errors / guarantee.answered < 0.07
    assert "at most 5.00% of the answers are wrong; chosen by 2,000 of the images, drawn" in str(guarantee)
    assert many().guarantee(0.05) == guarantee


def test_a_run_chooses_by_its_validation_images(trained):
    guarantee = Evaluation.of_run(Run.open(trained)).guarantee(0.3)
    assert guarantee.basis == f"{Run.open(trained).info['data']['validation']} validation images"
    assert guarantee.counted == 360


def test_a_guarantee_that_few_images_cannot_support_is_refused(found):
    with pytest.raises(RunError, match=r"net: .* expected at least 3,688 images to choose by \(a half\), got 30"):
        found.guarantee(0.001)


def test_slices_are_a_frame_of_groups(digits):
    images = digits.test
    wrong = images.labels == 3
    sure = np.eye(10, dtype=np.float32)[np.where(wrong, 5, images.labels)]
    answers = Predictions(images.labels, sure, images.class_names)
    slices = about(answers, images).slices()
    assert slices["name"][0] == "digits of class 3"
    assert slices["indices"][0].tolist() == np.flatnonzero(wrong).tolist()
    assert slices["errors"][0] == slices["n"][0] == wrong.sum()


def test_a_notebook_shows_counts_and_images_and_escapes_names(found):
    html = found._repr_html_()
    assert "6 of 60 images wrong" in html
    assert html.count("data:image/png;base64,") == 6
    assert "takes rows" in html
    assert "<b>one" not in html
    assert "\x1b" not in html
    assert "&lt;b&gt;one" in html


def test_a_run_whose_data_has_moved_is_shown_without_images(trained):
    def load():
        raise DigitwiseError("moved")

    run = Evaluation.of_run(Run.open(trained))
    moved = Evaluation.of(run.predictions, name="a", data="b", fingerprint="", load=load)
    assert "data:image" not in moved._repr_html_()
    assert "file" not in moved.errors()
    assert f"{run.n_errors} of 360 images wrong" in moved._repr_html_()


def test_the_plot_is_a_confusion_matrix_on_axes(found):
    import matplotlib.pyplot as plt

    axes = found.plot()
    assert [text.get_text() for text in axes.get_xticklabels()][1:] == ["two", "three"]
    _, mine = plt.subplots()
    assert found.plot(mine, normalize=True) is mine
    plt.close("all")


def test_a_saved_evaluation_is_the_same_when_opened(found, tmp_path):
    assert found.save(tmp_path / "kept") == tmp_path / "kept"
    again = Evaluation.open(tmp_path / "kept")
    assert again.as_dict() == found.as_dict()
    assert np.array_equal(again.predictions.probabilities, found.predictions.probabilities)
    assert (again.images.files, again.images.fingerprint) == (found.images.files, found.fingerprint)
    assert (again.name, again.purpose) == ("net", "takes rows")


def test_saved_answers_of_a_run_keep_its_validation(trained, tmp_path):
    run = Evaluation.of_run(Run.open(trained))
    again = Evaluation.open(run.save(tmp_path / "kept"))
    assert str(again.guarantee(0.3)) == str(run.guarantee(0.3))


def test_only_an_earlier_evaluation_is_replaced(found, tmp_path):
    found.save(tmp_path / "kept")
    found.save(tmp_path / "kept")
    (tmp_path / "kept" / "notes.md").write_text("mine")
    with pytest.raises(RunError, match=r"notes\.md, which digitwise did not write; choose another folder"):
        found.save(tmp_path / "kept")
    assert (tmp_path / "kept" / "notes.md").read_text() == "mine"
    assert Evaluation.open(tmp_path / "kept").n == 60


@pytest.mark.parametrize(
    ("name", "content"),
    [("evaluation.json", "{}"), ("evaluation.json", '{"format": 9}'), ("answers.npz", "nothing")],
    ids=["empty", "another format", "damaged"],
)
def test_a_damaged_folder_is_refused(found, tmp_path, name, content):
    found.save(tmp_path / "kept")
    (tmp_path / "kept" / name).write_text(content)
    with pytest.raises(RunError, match=r"expected a whole evaluation of format 1: .*; evaluate again"):
        Evaluation.open(tmp_path / "kept")
    with pytest.raises(RunError, match=r"expected a folder that Evaluation\.save wrote"):
        Evaluation.open(tmp_path)


def test_changed_images_are_refused(found, tmp_path):
    found.save(tmp_path / "kept")
    np.savez(tmp_path / "kept" / "images.npz", images=found.images.images[::-1], files=np.array([], np.str_))
    with pytest.raises(RunError, match="expected the images evaluated: got other images"):
        len(Evaluation.open(tmp_path / "kept").images)
