import numpy as np
import pytest

from digitwise.reporting import feature_map
from digitwise.reporting.feature_map import centres, company, feature_places
from tests.helpers import predictions


def test_all_wrong_images_are_on_the_map_and_classes_lie_together(monkeypatch):
    monkeypatch.setattr(feature_map, "MOST", 90)
    labels = (np.arange(150) % 3).tolist()
    said = [*[(label + 1) % 3 for label in labels[:6]], *labels[6:]]
    rng = np.random.default_rng(0)
    features = (np.eye(3)[labels] * 9 + rng.normal(size=(150, 3))).astype(np.float16)
    indices, places = feature_places(features, predictions(labels, said))
    assert len(indices) == 90
    assert set(range(6)) <= set(indices.tolist())
    assert (places.min(), places.max()) == (0, 1)
    own = np.array(labels)[indices]
    centres = np.stack([places[own == label].mean(axis=0) for label in range(3)])
    assert (np.linalg.norm(places[:, None] - centres, axis=2).argmin(axis=1) == own).mean() > 0.95


def test_layout_keeps_to_one_thread(monkeypatch):
    """Several wait for each other, and on a busy machine for each other's core."""
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_info

    threads = set()

    def fit_transform(_, features):
        threads.update(pool["num_threads"] for pool in threadpool_info())
        return features[:, :2]

    monkeypatch.setattr(TSNE, "fit_transform", fit_transform)
    feature_places(np.random.default_rng(0).normal(size=(9, 3)).astype(np.float16), predictions([0, 1, 2] * 3, [0] * 9))
    assert threads == {1}


@pytest.mark.parametrize("n", [4, 10])
def test_few_images_are_laid_out_too(n):
    labels = [i % 3 for i in range(n)]
    features = np.random.default_rng(0).normal(size=(n, 3)).astype(np.float16)
    indices, places = feature_places(features, predictions(labels, labels))
    assert indices.tolist() == list(range(n))
    assert np.isfinite(places).all()


PLACES = np.array([[0.1, 0.1], [0.12, 0.1], [0.1, 0.12], [0.9, 0.9], [0.88, 0.9], [0.9, 0.88]])


def test_wrong_image_is_counted_by_whom_it_lies_among(monkeypatch):
    monkeypatch.setattr("digitwise.reporting.feature_map.NEIGHBOURS", 2)
    answers = predictions([0, 0, 0, 1, 1, 0], [0, 0, 1, 1, 1, 1])  # the third among its own class, the last is not
    first, second, third = company(np.arange(6), PLACES, answers)
    assert first == {
        "class": "0",
        "images": 4,
        "wrong": 2,
        "among_given": 1,
        "among_predicted": 1,
        "among_others": 0,
    }
    assert (second["images"], second["wrong"], third["images"]) == (2, 0, 0)


def test_without_a_right_image_wrong_ones_lie_among_others():
    rows = company(np.arange(6), PLACES, predictions([0] * 6, [1] * 6))
    assert rows[0]["among_others"] == 6


def test_class_is_named_in_the_middle_of_its_points():
    first, second = centres(PLACES, np.array([0, 0, 0, 1, 1, 1]), "ab")
    assert (first["name"], first["x"], second["y"]) == ("a", 0.1, 0.9)
