"""Images from one file, block by block, whatever their number."""

import gzip
import struct
import tracemalloc

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from digitwise.data import load
from digitwise.data.raw import read_raw
from digitwise.errors import DataError, MissingPartError
from digitwise.formats import BLOCK, kind_of, open_images
from tests.data.test_load import write_idx
from tests.helpers import glyphs
from tests.templates import printed
from tests.test_decoding import stored

LIMIT = 1_000_000


@pytest.fixture(scope="module")
def images():
    return glyphs(25)


def read(path, size=BLOCK):
    return list(open_images(path, max_pixels=LIMIT).images(size))


def header(*shape, kind=8):
    return bytes([0, 0, kind, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)


def write_raw(path, images):
    path.write_bytes(header(*images.shape) + images.tobytes())


def save_csv(path, images, label=True, header=True):
    flat = images.reshape(len(images), -1)
    rows = np.column_stack([np.arange(len(images)) % 10, flat]) if label else flat
    np.savetxt(path, rows, "%d", ",", header=",".join(["label", "and", "pixels"]) if header else "", comments="")


def save_columns(path, images):
    flat = images.reshape(len(images), -1)
    columns = {"label": np.arange(len(images))} | {f"pixel{i}": flat[:, i] for i in range(flat.shape[1])}
    pq.write_table(pa.table(columns), path)


def lists(images, kind=None):
    return pa.array([image.tolist() if kind is None else image.ravel().tolist() for image in images], kind)


WRITERS = {
    "a.npy": np.save,
    "floats.npy": lambda path, images: np.save(path, (images / 255)[..., None]),
    "flat.npy": lambda path, images: np.save(path, images.reshape(len(images), -1).astype(np.int32)),
    "stored.npz": lambda path, images: np.savez(path, images=images, labels=np.zeros(len(images))),
    "deflated.npz": lambda path, images: np.savez_compressed(path, x_train=images[:3], x_test=images),
    "only.npz": lambda path, images: np.savez(path, mine=images),
    "raw.idx": write_raw,
    "t10k-images-idx3-ubyte.gz": write_idx,
    "rows.csv": save_csv,
    "no-header.csv": lambda path, images: save_csv(path, images, header=False),
    "pixels-only.csv": lambda path, images: save_csv(path, images, label=False),
    "shares.csv": lambda path, images: np.savetxt(path, images.reshape(len(images), -1) / 255, "%.6f", ","),
    "nested.parquet": lambda path, images: pq.write_table(pa.table({"n": np.arange(25), "image": lists(images)}), path),
    "flat.parquet": lambda path, images: pq.write_table(
        pa.table({"pixels": lists(images, pa.list_(pa.uint8(), 784))}), path, row_group_size=10
    ),
    "columns.parquet": save_columns,
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_images_back_in_blocks(tmp_path, images, name):
    path = tmp_path / name
    WRITERS[name](path, images)
    found = open_images(path, max_pixels=LIMIT)
    assert found.rows in (25, None)
    blocks = list(found.images(7))
    assert max(len(block) for block in blocks) <= 7
    together = np.concatenate(blocks)
    assert together.dtype == np.uint8
    assert np.array_equal(together, images)


def test_encoded_images_of_parquet_come_as_bytes(tmp_path):
    contents = [stored(printed(digit), "PNG") for digit in "012"]
    struct_column = [{"bytes": content, "path": "x.png"} for content in contents] + [None]
    pq.write_table(pa.table({"label": [0, 1, 2, 3], "image": struct_column}), tmp_path / "hf.parquet")
    pq.write_table(pa.table({"image": contents}), tmp_path / "plain.parquet")
    found = open_images(tmp_path / "hf.parquet", max_pixels=LIMIT)
    assert (found.rows, found.note) == (4, "column image")
    assert list(found.images(3)) == [contents, [None]]
    assert read(tmp_path / "plain.parquet") == [contents]


def test_what_is_a_set_is_told_by_content_or_name(tmp_path):
    np.save(tmp_path / "array.npy", np.zeros(3))
    (tmp_path / "array.npy").rename(tmp_path / "array.dat")
    (tmp_path / "scan.png").write_bytes(stored(printed("7"), "PNG"))
    write_raw(tmp_path / "noname", np.zeros((1, 5, 5), np.uint8))
    kinds = [kind_of(tmp_path / name) for name in ("array.dat", "scan.png", "noname", "missing.csv")]
    assert kinds == ["npy", None, "idx", None]
    with pytest.raises(DataError, match=r"expected a set of images: \.npz"):
        open_images(tmp_path / "scan.png", max_pixels=LIMIT)


def test_the_range_of_the_first_images_holds_for_all(tmp_path):
    values = np.zeros((30, 5, 5), np.float32)
    values[0, 0, 0], values[20] = 255, 1  # a block of ones among greys is not white
    np.save(tmp_path / "a.npy", values)
    together = np.concatenate(read(tmp_path / "a.npy", 10))
    assert (together == values).all()
    values[0, 0, 0], values[20] = 1, 7
    np.save(tmp_path / "b.npy", values)
    with pytest.raises(DataError, match=r"b\.npy: expected pixels up to 1, as those before, got 7"):
        read(tmp_path / "b.npy", 10)


CUT = gzip.compress(header(9, 2, 2) + np.random.default_rng(0).bytes(36))[:40]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("short.idx", header(3, 2, 2) + bytes(8), r"truncated: expected 3 rows of shape \(2, 2\), got 2"),
        ("long.idx", header(3, 2, 2) + bytes(13), "oversized: expected 3 rows .*, got more"),
        ("wrong.idx", b"hello", "wrong magic number"),
        ("empty.idx", b"", "wrong magic number.* got an empty file"),
        ("cut.idx", header(3, 2, 2)[:9], "truncated: expected a header of 16 bytes"),
        ("labels.idx", header(3) + bytes(3), r"expected images .* got shape \(3,\)"),
        ("none.idx", header(0, 28, 28), r"got shape \(0, 28, 28\)"),
        ("giant.idx", header(2, 60_000, 60_000), "too large: expected images of at most 1,000,000 pixels"),
        ("packed.idx.gz", CUT, "damaged|truncated"),
        ("no.npz", b"PK\x03\x04 and no more", "damaged npz file"),
        ("no.npy", b"\x93NUMPY\x01\x00\x10\x00{'descr': 'O'", "damaged npy file"),
        ("no.parquet", b"PAR1 and no more", "damaged Parquet"),
        ("words.csv", b"a,b\nc,d\n", "expected rows of pixels, got after 0 good ones"),
        ("ragged.csv", b"1,0,0,0,0\n1,0,0\n", "expected rows of pixels, got after 0 good ones"),
        ("odd.csv", b"1,2,3\n", "expected a square number of pixels"),
        ("header.csv", b"label,a,b,c,d\n", "expected rows of pixels, got none"),
        ("empty.csv", b"", "expected rows of pixels, got none"),
        ("bytes.csv", b"\xff\xfe\x00,", "expected text with rows of pixels"),
        ("range.csv", b"1,0,0,0,300\n", "expected pixels up to 255"),
        ("nan.csv", b"1,0,0,0,nan\n1,3,4,5,6", "expected finite pixels|expected pixels"),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value and " " not in value else "",
)
def test_damage_is_told_in_one_line(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        read(tmp_path / name)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (
            {"a": np.zeros((2, 3, 3)), "b": np.zeros((2, 3, 3))},
            "expected arrays x_train, .* got a, b",
        ),
        ({"labels": np.zeros(3)}, "got labels"),
        ({"images": np.array([["a", "b"]])}, "expected numbers as pixels, got <U1"),
    ],
    ids=["two", "labels only", "words"],
)
def test_archives_that_cannot_be_streamed_are_told(tmp_path, arrays, message):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(DataError, match=message):
        open_images(tmp_path / "a.npz", max_pixels=LIMIT)


def test_arrays_by_columns_are_read(tmp_path, images):
    np.savez(tmp_path / "a.npz", images=np.asfortranarray(images))
    assert np.array_equal(np.concatenate(read(tmp_path / "a.npz")), images)


@pytest.mark.parametrize("shape", [(10**9, 10**5, 10), (10**15, 0)], ids=["more than memory holds", "no values"])
def test_a_forged_header_of_an_array_by_columns_takes_no_memory(tmp_path, shape):
    with (tmp_path / "a.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": True, "shape": shape})
        file.write(bytes(100))
    for read_it in (load, read_raw):
        with pytest.raises(DataError, match=r"a\.npy: (an array of shape .* takes|expected)"):
            read_it(tmp_path / "a.npy")


def test_a_changed_byte_of_an_archive_is_noticed(tmp_path, images):
    np.savez(tmp_path / "a.npz", images=images)
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[5_000] ^= 1
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(DataError, match="damaged: Bad CRC-32"):
        read(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"image": [[1, 2, 3, 4], [1, 2]]}, "expected lists of pixels all of one length"),
        ({"text": ["a", "b"]}, "expected a column of images"),
    ],
    ids=["ragged", "words"],
)
def test_parquet_without_images_is_told(tmp_path, table, message):
    pq.write_table(pa.table(table), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=message):
        read(tmp_path / "a.parquet")


def test_parquet_without_its_library_gets_the_line_that_installs_it(tmp_path, monkeypatch):
    pq.write_table(pa.table({"image": [[1, 2, 3, 4]]}), tmp_path / "a.parquet")
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    with pytest.raises(MissingPartError, match=r'pip install "digitwise\[formats\]"'):
        read(tmp_path / "a.parquet")


def test_standardised_pixels_are_refused(tmp_path, images):
    values = images / 255 - 0.2
    np.save(tmp_path / "a.npy", values / values.std())
    with pytest.raises(DataError, match=r"expected pixels 0 to 1 or 0 to 255, got -.* undo any standardisation"):
        read(tmp_path / "a.npy")


@pytest.mark.parametrize("bits", [10, 12, 16])
def test_a_set_of_deep_images_is_as_bright_as_one_of_bytes(tmp_path, images, bits):
    np.save(tmp_path / "a.npy", (images * ((2**bits - 1) / 255)).round().astype(np.uint16))
    (block,) = read(tmp_path / "a.npy")
    assert np.array_equal(block, images)


def big_idx(path, rows):
    with path.open("wb") as file:
        file.write(header(rows, 28, 28))
        file.truncate(16 + rows * 784)  # a hole: nothing is written


def big_npz(path, rows):
    np.savez_compressed(path, images=np.zeros((rows, 28, 28), np.uint8))


@pytest.mark.parametrize(("write", "rows"), [(big_idx, 400_000), (big_npz, 40_000)], ids=["IDX", "npz"])
def test_memory_does_not_grow_with_the_number_of_images(tmp_path, write, rows):
    path = tmp_path / ("a.idx" if write is big_idx else "a.npz")
    write(path, rows)
    tracemalloc.start()
    try:
        seen = sum(len(block) for block in open_images(path, max_pixels=LIMIT).images())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert seen == rows
    assert peak < 20e6  # a block is 3 MB
