"""Shards in Parquet: footers, row groups, labels."""

import tracemalloc

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from digitwise.errors import DataError
from digitwise.formats.listing import find_shards
from digitwise.formats.parquet import Footer, blocks, footer
from tests.helpers import glyphs

ROWS = 25
LABELS = np.arange(ROWS) % 10


@pytest.fixture(scope="module")
def images():
    return glyphs(ROWS)


def shard(place, table, **options):
    pq.write_table(pa.table(table), place / "a.parquet", row_group_size=10, **options)
    return find_shards(str(place))[0]


def fixed(images):
    return pa.FixedSizeListArray.from_arrays(pa.array(images.ravel()), 784)


def nested(images):
    return pa.array([image.tolist() for image in images], pa.list_(pa.list_(pa.uint8())))


def flat(images):
    return pa.array([image.ravel().tolist() for image in images], pa.list_(pa.float32()))


def raw(images):
    return pa.array([image.tobytes() for image in images], pa.binary(784))


@pytest.mark.parametrize("column", [fixed, nested, flat, raw])
@pytest.mark.parametrize("before", ["", "file://", "simplecache::file://"])
def test_pixels_and_labels_come_in_blocks(tmp_path, images, column, before):
    shard(tmp_path, {"image": column(images), "label": LABELS})
    (here,) = find_shards(f"{before}{tmp_path}")
    found = list(blocks(here, 7, labels=True))
    assert max(map(len, found)) <= 7
    assert np.array_equal(np.concatenate([block.images for block in found]).reshape(images.shape), images)
    assert np.array_equal(np.concatenate([block.labels for block in found]), LABELS)
    assert {block.names for block in found} == {None}


@pytest.mark.parametrize("struct", [False, True], ids=["bytes", "Hugging Face"])
def test_contents_of_images_come_as_they_are(tmp_path, struct):
    contents = [b"one", b"two", None, b"four"]
    files = [{"bytes": content, "path": "x.png"} for content in contents] if struct else contents
    words = ["cat", "dog", "cat", "owl"]
    found = list(blocks(shard(tmp_path, {"n": [1, 2, 3, 4], "image": files, "label": words}), 3, labels=True))
    assert [block.images for block in found] == [contents[:3], contents[3:]]
    assert [block.labels for block in found] == [words[:3], words[3:]]


def test_categories_are_words(tmp_path):
    table = {"image": [b"1", b"2"], "class": pa.array(["a", "b"]).dictionary_encode()}
    (block,) = blocks(shard(tmp_path, table), 9, labels=True)
    assert block.labels == ["a", "b"]


@pytest.mark.parametrize("name", ["label", "last", "target"])
def test_a_column_a_pixel_leaves_the_label_out(tmp_path, images, name):
    columns = {f"pixel{i}": images.reshape(ROWS, -1)[:, i] for i in range(784)}
    label = {"label" if name == "last" else name: LABELS}
    here = shard(tmp_path, columns | label if name == "last" else label | columns)
    assert footer(here).columns == tuple(columns)
    (block,) = blocks(here, 100, labels=True)
    assert np.array_equal(block.images.reshape(images.shape), images)
    assert np.array_equal(block.labels, LABELS)


def test_a_footer_tells_what_a_shard_holds(tmp_path, images):
    here = shard(tmp_path, {"n": LABELS, "pixels": fixed(images), "y": pa.array(LABELS, pa.int8())})
    words = "pixels: fixed_size_list<element: uint8>[784]; y: int8"
    assert footer(here) == Footer((10, 10, 5), ("pixels",), "y", words)
    other = tmp_path / "other"
    other.mkdir()
    assert footer(shard(other, {"image": [b"1"]})) == Footer((1,), ("image",), None, "image: binary")


def test_row_groups_can_be_read_alone(tmp_path, images):
    here = shard(tmp_path, {"image": fixed(images), "label": LABELS})
    found = list(blocks(here, 7, labels=True, groups=range(1, 3)))
    assert np.array_equal(np.concatenate([block.images for block in found]), images.reshape(ROWS, -1)[10:])
    assert np.array_equal(np.concatenate([block.labels for block in found]), LABELS[10:])
    assert list(blocks(here, 7, groups=range(0))) == []


def test_labels_can_be_read_alone(tmp_path, images):
    here = shard(tmp_path, {"image": fixed(images), "label": LABELS})
    found = list(blocks(here, 100, labels=True, images=False))
    assert np.array_equal(np.concatenate([block.labels for block in found]), LABELS)
    assert [image for block in found for image in block.images] == [None] * ROWS


@pytest.mark.parametrize("kind", [pa.binary(784), pa.list_(pa.uint8()), pa.list_(pa.uint8(), 784)], ids=str)
def test_pixels_that_are_missing_keep_their_place(tmp_path, images, kind):
    pixels = images.reshape(ROWS, -1)
    rows = [row.tobytes() if kind == pa.binary(784) else row.tolist() for row in pixels]
    missing = {0, 4, 5, 9, 24}
    column = pa.array([None if i in missing else row for i, row in enumerate(rows)], kind)
    found = list(blocks(shard(tmp_path, {"image": column, "label": LABELS}), 7, labels=True))
    stored = [each for block in found for each in block.images]
    assert {place for place, each in enumerate(stored) if each is None} == missing
    assert all(np.array_equal(each, pixels[i]) for i, each in enumerate(stored) if i not in missing)
    assert np.concatenate([block.labels for block in found]).tolist() == LABELS.tolist()


def test_short_binary_columns_of_other_names_are_no_pixels(tmp_path, images):
    identities = pa.array([bytes(16)] * ROWS, pa.binary(16))
    digits = pa.array([image.tobytes() for image in images], pa.binary(784))
    assert footer(shard(tmp_path, {"id": identities, "digits": digits})).columns == ("digits",)
    assert footer(shard(tmp_path, {"id": identities, "image": identities})).columns == ("image",)


def test_a_row_group_is_not_held_whole(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, 2**25, np.uint8)
    lists = pa.FixedSizeListArray.from_arrays(pa.array(pixels), 2**10)
    pq.write_table(pa.table({"image": lists}), tmp_path / "a.parquet", row_group_size=2**15)
    del lists, pixels
    arrow = 0
    tracemalloc.start()
    try:
        for block in blocks(find_shards(str(tmp_path))[0], 100):
            assert len(block) <= 100
            arrow = max(arrow, pa.total_allocated_bytes())
        _, python = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert arrow + python < 2**24  # of 2**25 bytes


def white(rows):
    return {"image": pa.FixedSizeListArray.from_arrays(pa.array(np.zeros(rows * 2**22, np.uint8)), 2**22)}


def contents(rows):
    return {"image": [np.random.default_rng(row).bytes(2**22) for row in range(rows)]}


@pytest.mark.parametrize("table", [white, contents])
def test_blocks_of_large_images_are_short(tmp_path, table):
    pq.write_table(pa.table(table(12)), tmp_path / "a.parquet")
    found = list(blocks(find_shards(str(tmp_path))[0], 1_000))
    assert sum(map(len, found)) == 12
    assert max(map(len, found)) in (7, 8)  # of 4 MiB each


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"image": [b"1", b"2"], "label": [1, None]}, "column label: expected a label for every image, got 1 empty"),
        ({"image": [b"1", b"2"], "n": [1, 2]}, r"expected a column of labels \(label, labels, .*got none"),
        ({"image": [b"1", b"2"], "label": [0.5, 1.0]}, "expected a column of labels"),
        ({"n": ["a", "b"], "label": [0, 1]}, r"expected a column of images \(image\)"),
    ],
    ids=["missing label", "no labels", "fractions", "no images"],
)
def test_what_a_shard_lacks_is_told_with_its_name(tmp_path, table, message):
    with pytest.raises(DataError, match=rf"a\.parquet.*{message}"):
        list(blocks(shard(tmp_path, table), 10, labels=True))


@pytest.mark.parametrize("before", ["", "file://"])
def test_a_damaged_shard_is_told_with_its_name(tmp_path, images, before):
    here = shard(tmp_path, {"image": fixed(images)}, compression="none", use_dictionary=False)
    (here,) = find_shards(f"{before}{here.path}")
    whole = (tmp_path / "a.parquet").read_bytes()
    for content in (b"", b"PAR1 and no more", whole[:-100]):
        (tmp_path / "a.parquet").write_bytes(content)
        with pytest.raises(DataError, match=r"a\.parquet: damaged Parquet") as told:
            footer(here)
        assert "\n" not in str(told.value)
    (tmp_path / "a.parquet").write_bytes(whole[:4] + bytes(200) + whole[204:])
    with pytest.raises(DataError, match=r"a\.parquet: damaged Parquet"):
        list(blocks(here, 10))
