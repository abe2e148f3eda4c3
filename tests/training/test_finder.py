import numpy as np
import pytest

from digitwise.maps import CLASSES, PLANES, STRIDE
from digitwise.models.finder import finder
from digitwise.synthetic.scenes import IGNORED, MOST, SCENE
from digitwise.synthetic.scenes.scene import NOTHING
from digitwise.training.backend import keras
from digitwise.training.finder import fit
from digitwise.training.finder.objective import CELLS, Shaken, Targets, loss_of, moved, warped

TINY = 4, 6, 6
PAPER = 200


def objects_of(*rows, scenes=1):
    objects = np.zeros((scenes, MOST, 5), np.float32)
    objects[..., 4] = NOTHING
    objects[:, : len(rows)] = rows
    return objects


def batch(n=2, *, label=3):
    """Scenes of one dark square, somewhere else in each."""
    images, objects = np.full((n, SCENE, SCENE), PAPER, np.uint8), objects_of((0, 0, 30, 40, label), scenes=n)
    for k in range(n):
        left, top = 60 + 9 * k, 120 - 7 * k
        images[k, top : top + 40, left : left + 30] = 20
        objects[k, 0, :2] = left + 15, top + 20
    return images, objects, np.array([[0, PAPER]] * n, np.float32)


def targets(objects, *, turn=0):
    return np.asarray(Targets()([objects, np.array([[turn, PAPER]] * len(objects), np.float32)]))


# --- what is shown


def test_boxes_are_moved_with_the_ink():
    keras.utils.set_random_seed(0)
    images, objects = (np.asarray(each) for each in Shaken()(list(batch(16))))
    assert images.shape == (16, SCENE, SCENE, 1)
    assert images.min() >= 0
    assert images.max() <= 1
    away = []
    for image, rows in zip(images[..., 0], objects, strict=True):
        ink = np.abs(image - np.median(image)) > 0.3 * np.ptp(image)
        away.append(np.argwhere(ink).mean(axis=0)[::-1] + 0.5 - rows[0, :2])
    assert np.abs(away).max() < 1.5
    assert len({tuple(rows[0, :4]) for rows in objects}) == 16


def test_an_affine_map_moves_pixels_and_boxes_alike():
    image = np.zeros((1, SCENE, SCENE), np.float32)
    image[0, 100:140, 60:90] = 1
    forth, shift = np.array([[[1.5, 0], [0, 0.5]]], np.float32), np.array([[10, -20]], np.float32)
    ink = np.asarray(warped(image, forth, shift))[0] > 0.5
    x, y, width, height, label = np.asarray(moved(objects_of((75, 120, 30, 40, 6)), forth, shift))[0, 0]
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    assert (columns[0], columns[-1] + 1) == pytest.approx((x - width / 2, x + width / 2), abs=1)
    assert (rows[0], rows[-1] + 1) == pytest.approx((y - height / 2, y + height / 2), abs=1)
    assert (width, height, label) == (45, 20, 6)


def test_what_leaves_the_image_is_ignored_or_dropped():
    rows = [(20, 100, 20, 20, 1), (36, 100, 20, 20, 2), (60, 100, 20, 20, 3), (20, 100, 20, 20, IGNORED)]
    still, shift = np.eye(2, dtype=np.float32)[None], np.array([[-35, 0]], np.float32)
    labels = np.asarray(moved(objects_of(*rows), still, shift))[0, :5, 4]
    assert labels.tolist() == [NOTHING, IGNORED, 3, NOTHING, NOTHING]


# --- what the network should say


def test_the_peak_is_at_the_cell_of_the_middle():
    told = targets(objects_of((101, 62, 32, 64, 7)), turn=2)[0]
    row, column = 62 // STRIDE, 101 // STRIDE
    assert told.shape == (CELLS, CELLS, 9)
    assert np.argwhere(told[..., 0] > 0.999).tolist() == [[row, column]]
    assert told[..., 1].min() == 1
    heat, _, label, dx, dy, wide, high, upright, turn = told[row, column]
    assert (heat, label, upright, turn) == (1, 7, 0, 2)
    assert ((column + 0.5 + dx) * STRIDE, (row + 0.5 + dy) * STRIDE) == (101, 62)
    assert (np.exp([wide, high]) * 32).tolist() == pytest.approx([32, 64])


def test_each_cell_tells_of_the_object_that_is_nearest():
    told = targets(objects_of((40, 40, 30, 30, 1), (80, 40, 30, 30, 2)))[0]
    assert told[10, 11, 2] == 1
    assert told[10, 19, 2] == 2


def test_what_is_ignored_has_no_peak_and_does_not_count():
    told = targets(objects_of((60, 60, 40, 20, IGNORED), (60, 60, 8, 8, 4), (200, 200, 20, 20, NOTHING)))[0]
    cell = 60 // STRIDE
    assert np.argwhere(told[..., 0] > 0.999).tolist() == [[cell, cell]]
    assert told[cell, cell, 1] == 1
    assert told[cell, cell + 3, 1] == 0
    assert told[cell, cell + 8, 1] == 1
    assert told[50, 50, 0] == 0
    assert told[50, 50, 1] == 1


# --- how wrong it is


def said_rightly(told):
    """Maps (1, 64, 64, 24) that say what they should."""
    maps = np.zeros((*told.shape[:3], PLANES), np.float32)
    maps[..., 0] = np.where(told[..., 0] > 0.999, 9, -9)
    labels, turns = np.maximum(told[..., 2], 0).astype(int), told[..., 8].astype(int)
    maps[..., 1 : 1 + CLASSES] = 7 * np.eye(CLASSES)[labels]
    maps[..., 1 + CLASSES : -4] = 9 * np.eye(4)[turns]
    maps[..., -4:] = told[..., 3:7]
    return maps


@pytest.mark.parametrize(
    ("planes", "change"),
    [(0, -12), (slice(1, 1 + CLASSES), "rolled"), (slice(1 + CLASSES, -4), "rolled"), (-4, 0.5), (-1, 0.5)],
    ids=["object", "class", "turn", "place", "size"],
)
def test_every_part_of_a_wrong_answer_costs(planes, change):
    told = targets(objects_of((101, 62, 32, 64, 7)))
    said = said_rightly(told)
    wrong = said.copy()
    wrong[..., planes] = np.roll(said[..., planes], 1, axis=-1) if change == "rolled" else said[..., planes] + change
    right, worse = (float(loss_of(None, np.concatenate([maps, told], axis=-1))) for maps in (said, wrong))
    assert right < 0.3
    assert worse > right + 0.1


def test_the_class_of_a_turned_digit_is_not_asked_for():
    told = targets(objects_of((101, 62, 32, 64, 7)), turn=1)
    said = said_rightly(told)
    wrong = said.copy()
    wrong[..., 1 : 1 + CLASSES] = np.roll(said[..., 1 : 1 + CLASSES], 1, axis=-1)
    right, same = (float(loss_of(None, np.concatenate([maps, told], axis=-1))) for maps in (said, wrong))
    assert right == same


def test_what_is_ignored_costs_nothing():
    told = targets(objects_of((60, 60, 60, 60, IGNORED)))
    said = said_rightly(told)
    wrong = said.copy()
    wrong[0, 13:17, 13:17, 0] = 9
    right, same = (float(loss_of(None, np.concatenate([maps, told], axis=-1))) for maps in (said, wrong))
    assert right == same


# --- a training


def test_the_rate_rises_and_falls():
    rates = [fit.rate(share) for share in np.linspace(0, 1, 41)]
    assert max(rates) == pytest.approx(1, rel=0.01)
    assert rates.index(max(rates)) == 2
    assert rates[0] < 0.1
    assert rates[2:] == sorted(rates[2:], reverse=True)
    assert rates[-1] == pytest.approx(fit.LEAST)


@pytest.fixture
def starts(monkeypatch):
    """Trainings learn from the same scenes over and over; gives the numbers of the batches they asked for first."""
    asked = []

    def same(folder, *, start, size, **rest):
        asked.append(start)
        while True:
            yield batch(size)

    monkeypatch.setattr(fit, "batches", same)
    return asked


@pytest.mark.slow
def test_a_training_learns_and_goes_on_where_it_was(starts, tmp_path, caplog):
    caplog.set_level("INFO", "digitwise")
    out = tmp_path / "finder.npz"
    few = fit.FinderOptions(steps=12, size=2, repeats=2, channels=TINY, chunk=4)
    network = fit.trained(out, tmp_path, few)
    with np.load(out) as file, np.load(fit.state_of(out)) as state:
        kept = [file[name] for name in file.files]
        assert int(state["epoch"]) == 3
    assert all(np.array_equal(a, b) for a, b in zip(kept, network.get_weights(), strict=True))

    fit.trained(out, tmp_path, fit.FinderOptions(steps=28, size=2, repeats=2, channels=TINY, chunk=4), resume=True)
    with np.load(fit.state_of(out)) as state:
        assert int(state["epoch"]) == 7
    assert starts == [0, 3 * 4 // 2]
    losses = [record.args[2] for record in caplog.records if record.name == fit.__name__]
    assert [record.args[1] for record in caplog.records if record.name == fit.__name__] == [1, 6]
    assert losses[1] < losses[0]


@pytest.mark.slow
def test_a_training_goes_on_from_the_weights_of_another(starts, tmp_path):
    first, second = tmp_path / "first.npz", tmp_path / "second.npz"
    network = fit.trained(first, tmp_path, fit.FinderOptions(steps=8, size=2, channels=TINY, chunk=4))
    slow = fit.FinderOptions(steps=4, size=2, channels=TINY, chunk=4, rate=1e-7, seed=1)
    again = fit.trained(second, tmp_path, slow, start=first)
    for a, b in zip(network.trainable_weights, again.trainable_weights, strict=True):
        assert np.allclose(a, b, atol=1e-5)


def test_a_checkpoint_holds_all_of_a_training(tmp_path):
    keras.utils.set_random_seed(0)
    one, other = (fit.compiled(fit.learner(finder(TINY, side=SCENE))) for _ in range(2))
    one.optimizer.iterations.assign(41)
    fit.save_state(tmp_path / "s.npz", one, 5)
    assert fit.load_state(tmp_path / "s.npz", other) == 5
    assert int(other.optimizer.iterations) == 41
    for a, b in zip(one.variables, other.variables, strict=True):
        assert np.array_equal(np.asarray(a), np.asarray(b))


def test_a_training_with_a_budget_of_time_ends():
    cycle = fit.OneCycle(0, 1e-6, 10)
    model = finder(TINY, side=64)
    model.compile(keras.optimizers.SGD())
    cycle.set_model(model)
    cycle.on_epoch_begin(0)
    cycle.on_epoch_end(0)
    assert model.stop_training
    assert float(model.optimizer.learning_rate) == pytest.approx(fit.RATE * fit.LEAST)
