import numpy as np

from digitwise.checks.outliers import oddity


def test_a_image_far_in_both_respects_is_the_oddest():
    rng = np.random.default_rng(0)
    features = np.abs(rng.normal(1, 0.2, (500, 16))).astype(np.float32)
    undrawn = rng.lognormal(0, 0.1, 500)
    features[3], undrawn[3] = np.eye(16, dtype=np.float32)[0], 3.0
    scores = oddity(features, undrawn, np.ones(500, bool))
    assert scores.argmax() == 3
    assert scores[3] > 2 * np.delete(scores, 3).max()


def test_what_is_less_odd_than_usual_does_not_make_up_for_what_is_more():
    features = np.tile(np.eye(4, dtype=np.float32), (50, 1))
    undrawn = np.linspace(1, 2, 200)
    assert (oddity(features, undrawn, np.ones(200, bool)) >= 0).all()
