import numpy as np

from digitwise.data.counting import Draw
from digitwise.data.splits import stratified_indices

LABELS = np.repeat([0, 1, 2], [500, 300, 200])


def drawn(labels, size, *, seed=0, most=100, block=64):
    draw = Draw(most, seed=seed)
    for shard, part in enumerate(np.array_split(labels, 3)):
        for first in range(0, len(part), block):
            draw.see(shard, first, part[first : first + block])
    return {shard: rows.tolist() for shard, rows in draw.drawn(size).items()}


def labels_drawn(found):
    parts = np.array_split(LABELS, 3)
    return np.concatenate([parts[shard][rows] for shard, rows in found.items()])


def test_every_class_gives_its_share():
    found = drawn(LABELS, 40)
    assert np.bincount(labels_drawn(found)).tolist() == [20, 12, 8]
    assert all(rows == sorted(set(rows)) for rows in found.values())


def test_shares_are_those_of_images_in_memory():
    _, part = stratified_indices(LABELS, 37, seed=0)
    assert np.bincount(labels_drawn(drawn(LABELS, 37))).tolist() == np.bincount(LABELS[part]).tolist()


def test_the_seed_decides_and_the_size_of_blocks_does_not():
    assert drawn(LABELS, 40) == drawn(LABELS, 40, block=7)
    assert drawn(LABELS, 40) != drawn(LABELS, 40, seed=1)


def test_no_more_candidates_are_kept_than_twice_what_may_be_drawn_and_a_block():
    draw = Draw(10, seed=0)
    for first in range(0, 10_000, 50):
        draw.see(0, first, np.zeros(50, np.int64))
    assert len(draw.classes[0].keys) <= 2 * 10 + 50
    assert draw.classes[0].count == 10_000


def test_rows_from_everywhere_are_drawn():
    rows = np.array(drawn(np.zeros(3_000, np.int64), 90)[1])
    assert 20 < len(rows) < 40
    assert rows.min() < 200
    assert rows.max() > 800
