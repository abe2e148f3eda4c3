import itertools

import numpy as np
import pytest

from digitwise.maps import padded_with
from digitwise.synthetic.scenes import MOST, scene_of
from digitwise.synthetic.scenes.scene import NOTHING, batches, read_glyphs, write_glyphs
from tests.scenery import few_glyphs

SIZE = 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("glyphs")
    write_glyphs(place, few_glyphs())
    return place


def first(folder, n, **change):
    feed = batches(folder, **{"seed": 0, "size": SIZE, "repeats": 2, "jobs": 1, **change})
    taken = list(itertools.islice(feed, n))
    feed.close()
    return taken


def test_glyphs_are_read_as_they_were_written(folder):
    read, written = read_glyphs(folder), few_glyphs()
    for name in ("fields", "labels", "kinds", "spans"):
        assert np.array_equal(getattr(read, name), getattr(written, name))


def test_batches_are_scenes_by_number_and_shown_again(folder):
    images, objects, about = zip(*first(folder, 6), strict=True)
    for number, k in itertools.product(range(3), range(SIZE)):
        scene = scene_of(few_glyphs(), rng=np.random.default_rng([0, number, k]))
        rows, n = objects[2 * number][k], len(scene.objects)
        assert np.array_equal(images[2 * number][k], scene.image)
        assert np.array_equal(rows[:n], scene.objects)
        assert (rows[n:, 4] == NOTHING).all()
        assert about[2 * number][k].tolist() == [scene.turn, padded_with(scene.image)]
    assert objects[0].shape == (SIZE, MOST, 5)
    for shown in (1, 3, 5):
        assert any(np.array_equal(images[shown], images[earlier]) for earlier in range(0, shown, 2))


def test_batches_come_in_the_same_order_for_any_number_of_processes(folder):
    for one, two in zip(first(folder, 6, jobs=1), first(folder, 6, jobs=2), strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


def test_batches_go_on_where_a_training_was_cut_off(folder):
    earlier, later = first(folder, 3, repeats=1), first(folder, 1, repeats=1, start=2)
    assert np.array_equal(earlier[2][0], later[0][0])
