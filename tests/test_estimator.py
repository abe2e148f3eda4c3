"""The scikit-learn estimator: scikit-learn's own checks, its tools, forms of images, saving."""

import math

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from digitwise import DigitClassifier
from digitwise.errors import RecipeError, RunError
from digitwise.formats.values import Scale
from digitwise.recipes import Recipe
from tests.helpers import blobs

TINY = Recipe("tiny", "for tests", "simple-cnn", epochs=1, batch_size=64)


class Padded(DigitClassifier):
    """The same for rows of any numbers, as scikit-learn's checks have them: scaled, and filled up to a square."""

    @staticmethod
    def _shape_of(n):
        side = max(4, math.isqrt(n - 1) + 1)
        return side, side

    def _pixels(self, rows, scale):
        scale = scale or Scale(white=max(float(rows.max()), 1e-9), beyond=np.inf)
        filled = np.zeros((len(rows), math.prod(self.image_shape_)))
        filled[:, : rows.shape[1]] = np.clip(rows / scale.white, 0, 1)
        return super()._pixels(filled, None)[0], scale

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True  # one epoch on points that are no images
        return tags


NO_IMAGES = dict.fromkeys(
    [
        *("check_classifier_data_not_an_array", "check_classifiers_classes", "check_classifiers_train"),
        *("check_dict_unchanged", "check_dont_overwrite_parameters", "check_dtype_object", "check_estimators_dtypes"),
        *("check_estimators_fit_returns_self", "check_estimators_nan_inf", "check_estimators_overwrite_params"),
        *("check_estimators_pickle", "check_f_contiguous_array_estimator", "check_fit2d_predict1d"),
        *("check_fit_check_is_fitted", "check_fit_idempotent", "check_fit_score_takes_y"),
        *("check_methods_sample_order_invariance", "check_methods_subset_invariance", "check_n_features_in"),
        *("check_n_features_in_after_fitting", "check_pipeline_consistency", "check_readonly_memmap_input"),
        "check_supervised_y_2d",
    ],
    "rows of 2 to 10 numbers are no images; Padded passes it",
)


@parametrize_with_checks([DigitClassifier(TINY)], expected_failed_checks=lambda _: NO_IMAGES)
def test_check_of_scikit_learn_passes_or_has_no_images(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks([Padded(TINY)])
def test_every_check_of_scikit_learn_passes_on_what_can_be_an_image(estimator, check):
    check(estimator)


SHORT = TINY.replace(epochs=8, batch_size=16)
IMAGES = blobs(48, size=12)
NAMES = np.array(["left", "middle", "right"])[IMAGES.labels]


@pytest.fixture(scope="module")
def fitted():
    return DigitClassifier(SHORT).fit(IMAGES.images, NAMES)


def test_labels_come_back_as_they_were_given(fitted):
    assert fitted.classes_.tolist() == ["left", "middle", "right"]
    assert fitted.score(IMAGES.images, NAMES) > 0.9
    assert fitted.predict(IMAGES.images).dtype == NAMES.dtype
    probabilities = fitted.predict_proba(IMAGES.images)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert (fitted.n_features_in_, fitted.image_shape_, len(fitted.history_)) == (144, (12, 12), 8)


@pytest.mark.parametrize(
    "form",
    [
        lambda images: images[..., None],
        lambda images: images.reshape(len(images), -1),
        lambda images: images.astype(np.float64),
        lambda images: images.astype(np.int64).tolist(),
        lambda images: images / 255,
    ],
    ids=["channel", "flat", "float", "list", "0-1"],
)
def test_images_have_any_form(fitted, form):
    expected = fitted.predict_proba(IMAGES.images)
    np.testing.assert_allclose(fitted.predict_proba(form(IMAGES.images)), expected, atol=1e-6)


def test_scale_is_that_of_the_images_trained_on():
    part = IMAGES.images / 255
    classifier = DigitClassifier(TINY).fit(part, NAMES)
    dark = np.full((1, 12, 12), 0.5 / 255)
    assert np.array_equal(classifier.predict_proba(dark), classifier.predict_proba(np.zeros((1, 12, 12))))
    with pytest.raises(ValueError, match="expected pixels up to 1"):
        classifier.predict(IMAGES.images.astype(float))


def test_colour_images_that_are_not_square_are_taken():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (24, 8, 6, 3), dtype=np.uint8)
    classifier = DigitClassifier(TINY).fit(images, np.arange(24) % 2)
    assert (classifier.n_features_in_, classifier.image_shape_) == (144, (8, 6, 3))
    assert np.array_equal(classifier.predict(images), classifier.predict(images.reshape(24, -1)))


@pytest.mark.parametrize(
    ("images", "labels", "words"),
    [
        (np.ones((6, 783)), [0, 1] * 3, r"square number of pixels such as 784 for 28x28, got rows of 783"),
        (np.ones((6, 3, 9)), [0, 1] * 3, "at least 4x4, got 3x9"),
        (np.ones((6, 8, 8, 2)), [0, 1] * 3, r"got an array of \(6, 8, 8, 2\)"),
        (np.ones((6, 8, 8)), [0] * 6, "two classes or more, got one class"),
        (-np.ones((6, 8, 8)), [0, 1] * 3, "Negative values in data"),
        (300 * np.ones((6, 8, 8)), [0, 1] * 3, "expected pixels up to 255"),
        (np.full((6, 8, 8), np.nan), [0, 1] * 3, "contains NaN"),
        (np.ones((6, 8, 8)), [0, 1], "inconsistent numbers of samples"),
    ],
    ids=["783", "small", "channels", "one class", "negative", "beyond", "nan", "lengths"],
)
def test_what_is_no_set_of_images_is_a_value_error(images, labels, words):
    with pytest.raises(ValueError, match=words):
        DigitClassifier(TINY).fit(images, labels)


def test_other_images_than_those_trained_on_are_refused(fitted):
    with pytest.raises(ValueError, match=r"expected images of \(12, 12\), as in fit, got \(9, 16\)"):
        fitted.predict(np.ones((1, 9, 16)))


def test_unknown_recipe_is_told_with_the_nearest():
    with pytest.raises(RecipeError, match="nearest: augmented"):
        DigitClassifier("augmentd").fit(IMAGES.images, NAMES)


def test_recipe_by_its_name_is_adapted_and_a_budget_is_kept(processor_clock):
    classifier = DigitClassifier("flash", seed=3, budget=3).fit(IMAGES.images, NAMES)
    assert classifier.recipe_.batch_size == 16
    assert classifier.get_params() == {"recipe": "flash", "seed": 3, "budget": 3}


def test_cross_val_score_trains_and_tests_it():
    scores = cross_val_score(DigitClassifier(SHORT), IMAGES.images, NAMES, cv=2)
    assert scores.min() > 0.8


def test_grid_search_chooses_recipe_and_seed():
    grid = {"recipe": [TINY.replace(learning_rate=1e-6), SHORT], "seed": [0]}
    search = GridSearchCV(DigitClassifier(), grid, cv=2).fit(IMAGES.images, NAMES)
    assert search.best_params_ == {"recipe": SHORT, "seed": 0}


def test_pipeline_ends_in_it():
    rows = IMAGES.images.reshape(48, -1) * 40.0 - 7
    pipeline = make_pipeline(MinMaxScaler(clip=True), DigitClassifier(SHORT)).fit(rows, NAMES)
    assert pipeline.score(rows, NAMES) > 0.9


@pytest.mark.parametrize(
    "labels",
    [NAMES, NAMES.astype(object), IMAGES.labels.astype(np.uint8), IMAGES.labels * 2.0, IMAGES.labels > 1],
    ids=lambda labels: str(labels.dtype),
)
def test_saved_classifier_comes_back(labels, tmp_path):
    classifier = DigitClassifier(TINY, seed=2).fit(IMAGES.images / 255, labels)
    classifier.save(tmp_path / "saved")
    loaded = DigitClassifier.load(tmp_path / "saved")
    assert loaded.get_params() == classifier.get_params()
    assert loaded.recipe_ == classifier.recipe_
    assert loaded.classes_.dtype == classifier.classes_.dtype
    again = loaded.predict_proba(IMAGES.images / 255)
    np.testing.assert_allclose(again, classifier.predict_proba(IMAGES.images / 255), atol=1e-6)
    assert np.array_equal(loaded.predict(IMAGES.images / 255), classifier.predict(IMAGES.images / 255))


def test_recipe_by_its_name_is_saved_as_its_name(fitted, tmp_path):
    fitted.set_params(recipe="flash").save(tmp_path / "saved")
    assert DigitClassifier.load(tmp_path / "saved").recipe == "flash"
    fitted.set_params(recipe=SHORT)


def test_saving_replaces_its_own_and_nothing_else(fitted, tmp_path):
    fitted.save(tmp_path / "saved")
    fitted.save(tmp_path / "saved")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/notes.txt").write_text("mine")
    with pytest.raises(RunError, match="other: expected a new name or an earlier saved classifier to replace"):
        fitted.save(tmp_path / "other")


def test_what_was_not_saved_by_it_is_not_loaded(tmp_path):
    with pytest.raises(RunError, match=r"expected a folder that DigitClassifier\.save made"):
        DigitClassifier.load(tmp_path)


def test_channels_may_stand_first_and_a_bar_is_shown_on_demand(digits, capsys):
    x, y = digits.train.images[:100], digits.train.labels[:100]
    classifier = DigitClassifier("flash", budget=2).fit(x[:, None], y, progress=True)
    assert capsys.readouterr().err
    assert classifier.image_shape_ == (28, 28)
    assert (classifier.predict(x[:, None]) == classifier.predict(x)).all()
