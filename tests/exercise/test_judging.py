"""The judges, on made evidence: no notebook is run."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from digitwise.errors import ModelError
from digitwise.exercise import judging
from digitwise.exercise.evidence import Evidence, Fed, Fit, LookAtTest, NotebookModel
from digitwise.exercise.judging import Case, remarks
from digitwise.exercise.judging.case import hard_images
from digitwise.exercise.judging.results import better, built, confusion, drawn, equal
from digitwise.exercise.judging.results import trained as enough
from digitwise.exercise.judging.strategy import focus
from digitwise.exercise.judging.words import answered, gain, judged, numbers
from digitwise.exercise.notebooks import Notebook, NotebookCell
from digitwise.exercise.predicting import ModelOutput
from digitwise.reading.reader import Reader

NONE = Fed(0, 0, 0, None, None)
DENSE = {"class": "Dense", "units": 10, "activation": "softmax"}


class FakePredictor:
    """A predictor that is right except for some images, which it takes for the next class."""

    def __init__(self, labels, **wrong):
        self.labels, self.wrong = labels, wrong

    def predict(self, path, scaling):
        if path.stem not in self.wrong:
            raise ModelError("there is no such model")
        answers = self.labels.copy()
        places = np.array(self.wrong[path.stem], int)
        answers[places] = (answers[places] + 1) % 10
        return ModelOutput(
            np.eye(10, dtype=np.float32)[answers], [{"class": "Conv2D", "units": None, "activation": "relu"}, DENSE]
        )


@pytest.fixture
def case(digits):
    """Make a case from the images each model gets wrong, a text, and other evidence."""

    def make(text="", task="", fits=(), predictor=None, **evidence):
        wrong = {name: evidence.pop(name) for name in ("model", "model2", "model3", "loaded") if name in evidence}
        models = {name: NotebookModel(place, name, Path(f"{name}.keras"), "") for place, name in enumerate(wrong)}
        notebook = Notebook(Path("n.ipynb"), (NotebookCell(1, False, text, task, "answer"),))
        known = Evidence(models=models, fits=tuple(fits), **evidence)
        return Case(notebook, known, digits, predictor or FakePredictor(digits.test.labels, **wrong))

    return make


def trained(model, *, fed=NONE, validation=NONE, class_weight=None, callbacks=()):
    return Fit(frozenset([model]), frozenset(), class_weight or {}, callbacks, fed, validation)


def test_model_that_knows_labels_that_nobody_can_read_was_trained_on_them(case, monkeypatch):
    hard = np.arange(20)
    monkeypatch.setattr(judging, "hard_images", lambda images: hard)
    (told,) = remarks(case(model=range(3), fits=[trained(0)]))
    assert told.startswith("model is right on 17 of the 20 test images that are hardest to read")
    assert remarks(case(model=range(6), fits=[trained(0)])) == ()
    monkeypatch.setattr(judging, "hard_images", lambda images: hard[:10])
    assert remarks(case(model=[], fits=[trained(0)])) == ()


def test_hard_images_are_those_that_the_bundled_model_misses(mnist, digits):
    found = hard_images(mnist.test)
    assert 15 < len(found) < 100
    wrong = Reader(threads=1).probabilities(mnist.test.images[found]).argmax(axis=1) != mnist.test.labels[found]
    assert wrong.all()
    letters = dataclasses.replace(digits.test, class_names=tuple("abcdefghij"))
    assert len(hard_images(letters)) == 0


def counts_of(labels, answers):
    matrix = np.zeros((10, 10))
    np.add.at(matrix, (labels, answers), 1)
    return matrix


def test_bars_that_show_other_than_the_training_counts_get_nothing_and_a_reason(case, digits):
    train, test = digits.train.class_counts, digits.test.class_counts
    shown = {
        1: [[(i, n) for i, n in enumerate(train)]],
        0.5: [[(i, n / train.sum()) for i, n in enumerate(train)]],
    }
    for share, series in shown.items():
        assert drawn(case(series=tuple(series))).share == share
    by_size = drawn(case(series=([(i, n) for i, n in enumerate(sorted(train, reverse=True))],)))
    assert by_size.share == 1  # as pandas' value_counts draws it
    assert drawn(case(series=([(0, float("inf")), (1, 2)],))).share == 0
    of_test = drawn(case(series=([(i, n) for i, n in enumerate(test)],)))
    assert (of_test.share, of_test.reason) == (0, "the bars show the test set")
    pairs = train.reshape(5, 2).sum(axis=1)
    assert "0 and 1 share a bar" in drawn(case(series=([(i, n) for i, n in enumerate(pairs)],))).reason


def test_confusion_matrix_must_be_the_improved_models_own(case, digits):
    labels = digits.test.labels
    wrong = list(range(7))
    true = counts_of(labels, FakePredictor(labels, model2=wrong).predict(Path("model2.keras"), None).predicted)
    assert confusion(case(model2=wrong, arrays={"confusion": true})).share == 1
    turned = confusion(case(model2=wrong, arrays={"confusion": true.T}))
    assert (turned.share, "transposed" in turned.reason) == (0.5, True)
    other = confusion(case(model2=[], model=wrong, arrays={"confusion": true}))
    assert (other.share, other.reason) == (0, "this is the confusion matrix of model")
    shares = confusion(case(model2=wrong, arrays={"confusion": true / true.sum(axis=1, keepdims=True)}))
    assert (shares.share, shares.reason) == (0.5, "shares, not counts")
    assert confusion(case(model2=wrong, arrays={"confusion": np.eye(10)})).share == 0
    assert "expected 10 x 10" in confusion(case(model2=wrong, arrays={"confusion": np.eye(9)})).reason


def test_first_model_without_softmax_gets_half(case, digits):
    class Logits(FakePredictor):
        def predict(self, path, scaling):
            answers = super().predict(path, scaling)
            return ModelOutput(9 * answers.probabilities, [*answers.layers[:-1], DENSE | {"activation": "linear"}])

    verdict = built(case(model=[], predictor=Logits(digits.test.labels, model=[])))
    assert (verdict.share, "softmax" in verdict.hint) == (0.5, True)


def test_loaded_model_must_predict_like_the_saved_one(case):
    files = ("results/model.json", "results/model.weights.h5")
    assert equal(case(model2=[1], loaded=[1], files=files)).share == 1
    assert equal(case(model2=[1], loaded=[1])).share == 0.5
    assert "like none of the models" in equal(case(model2=[1], loaded=[2], files=files)).reason


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("From 97.2 % to 99.4 %.", 1),
        ("10 errors in the place of 2: 8 fewer.", 1),
        ("Von 97,2 % auf 99,4 %.", 1),
        ("From 91.2 % to 93.1 %.", 0.5),
        ("It is better.", 0),
    ],
)
def test_gain_must_agree_with_the_recount(case, text, share):
    assert gain(case(text, "model2", model=range(10), model2=[3, 4])).share == share


@pytest.mark.parametrize(
    ("after", "claim", "share"),
    [
        (range(20, 21), True, 1),  # 20 errors to 1
        (range(20, 21), False, 0.5),
        (range(1, 20), True, 0.5),  # one error fewer may be chance
        (range(1, 20), False, 1),
        (range(40), True, 0.5),
        (range(40), None, 0.5),
    ],
    ids=["real gain", "real gain denied", "chance claimed", "chance denied", "loss claimed", "no claim"],
)
def test_improvement_must_be_shown_or_honestly_denied(case, after, claim, share):
    text = f"The accuracy is {1 - len(after) / 360:.4f}."
    verdict = judged(case(text, "model3", model2=range(20), model3=after, better=claim))
    assert verdict.share == share
    assert verdict.reason.split("): ")[1].startswith("worse") == (len(after) > 20)


def test_stated_accuracy_must_be_the_models(case):
    verdict = judged(case("The accuracy is 99.9 %.", "model3", model2=range(20), model3=range(30), better=False))
    assert (verdict.share, "the text states another accuracy" in verdict.reason) == (0.5, True)


def test_numbers_are_read_as_people_write_them():
    text = "95 % interval: from 98.1 % (190 errors) to 99,2 percent of 10,000, see https://a.org/2020.html, Conv2D."
    assert numbers(text) == [(98.1, True), (190, False), (99.2, True), (10000, False)]


def test_more_weight_must_go_to_the_classes_with_errors(case, digits):
    counts = digits.train.class_counts.astype(float)
    wrong = np.flatnonzero(digits.test.labels == 8)[:30]

    def given(**how):
        fed = Fed(10, 10, 0, None, how.pop("counts", counts))
        return focus(case(model2=wrong, model3=[], fits=[trained(1, fed=fed, **how)]))

    assert given().share == 0
    assert given(class_weight={8: 2.0}).share == 1
    assert given(class_weight={0: 2.0, 1: 2.0}).share == 0.5
    more = counts.copy()
    more[8] += 40
    assert given(counts=more).share == 1
    assert focus(case(model3=range(360))).reason == "no fit of model3 was seen"


def test_trained_model_whose_fit_was_not_seen_is_left_to_the_teacher(case):
    verdict = focus(case(model3=[]))
    assert (verdict.share, verdict.provisional) == (0, True)
    assert verdict.reason.startswith("not judged, because the training of model3 was not seen")


@pytest.mark.parametrize(
    ("task", "text", "share", "said"),
    [
        ("errors", "They are shifted to the rim or badly closed.", 1, "9 words, for the teacher to read"),
        ("errors", "They are bad.", 0.5, "very short"),
        ("errors", "", 0, "no answer in words"),
        ("errors", "Compute the confusion matrix of model2 on the test images.", 0, "copied from the task"),
        ("errors", "With an accuracy of 91.0 % most errors are badly closed loops.", 1, "91.00 % fits nothing"),
        ("errors", "With an accuracy of 97.2 % most errors are badly closed loops.", 1, "to read"),
        ("histogram", "Each class has about 140 images, so they are even.", 1, "to read"),
        ("histogram", "There are 12,000 images of a one, so they are even.", 1, "12,000 fits nothing"),
    ],
)
def test_explanation_is_shown_and_left_to_the_teacher(case, task, text, share, said):
    verdict = answered(task)(case(text, task, model2=range(10)))
    assert (verdict.share, verdict.text) == (share, text)
    assert said in verdict.reason
    assert verdict.provisional == bool(text)


def test_accuracy_of_a_quick_run_is_left_to_the_teacher(case):
    unsure = case(model=range(30), model2=range(30))
    for judge in (enough, better):
        unsure.quick = False
        assert (judge(unsure).share, judge(unsure).provisional) == (0, False)
        unsure.quick = True
        assert "quick run" in judge(unsure).reason
        assert judge(unsure).provisional


def test_numbers_of_a_text_are_left_to_the_teacher_in_a_quick_run(case):
    for judge, task in ((gain, "model2"), (judged, "model3")):
        other = case("It is 91.0 % right.", task, model=range(10), model2=range(5), model3=range(5), better=False)
        assert (judge(other).share, judge(other).provisional) == (0.5, False)
        other.quick = True
        assert judge(other).provisional


def test_of_few_test_images_a_few_errors_may_be_chance(case):
    assert better(case(model2=range(5))).share == 1  # of 360: the bound is above 1 % even without an error
    assert better(case(model2=range(9))).share == 0
    assert enough(case(model=range(14))).share == 1  # 96.1 %


def test_training_that_was_not_seen_is_a_warning(case):
    (found,) = remarks(case(model=[], model2=range(360)))
    assert found == "model is trained, but its fit was not seen: its training images are unknown"
    assert remarks(case(model=[], fits=[trained(0)])) == ()


def test_one_network_under_two_names_is_a_warning(case):
    models = {name: NotebookModel(7, name, None, "") for name in ("model2", "model3", "loaded")}
    alike = case()
    alike = Case(alike.notebook, Evidence(models=models), alike.dataset, FakePredictor(alike.labels))
    assert remarks(alike) == ("model2 and model3 are one network, trained again; build a new network for each",)


def test_choosing_by_the_test_images_is_a_warning(case):
    tested = Fed(360, 0, 360, None, None)
    stop = (("EarlyStopping", "val_loss"),)
    found = remarks(case(model=[], fits=[trained(0, validation=tested, callbacks=stop)]))
    assert found == ("test images as validation data in fit of model, and EarlyStopping chooses by them",)
    looks = tuple(LookAtTest(frozenset([0]), fits) for fits in (1, 2, 3))
    assert "tested on the test images after each of 3 trainings" in remarks(case(model=[], looks=looks))[0]
    assert remarks(case(model=[], fits=[trained(0, fed=Fed(9, 9, 0, None, None))], looks=looks[:1])) == ()
