import gzip
import struct

import numpy as np
import pytest

from digitwise.errors import DataError
from digitwise.formats.idx import read_idx

ARRAY = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
CONTENT = bytes([0, 0, 8, 3]) + struct.pack(">3i", 2, 3, 4) + ARRAY.tobytes()


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["raw", "gzipped"])
@pytest.mark.parametrize("mapped", [False, True], ids=["read", "mapped"])
def test_idx_reads_back(tmp_path, pack, mapped):
    path = tmp_path / "images-idx3-ubyte"
    path.write_bytes(pack(CONTENT))
    assert np.array_equal(read_idx(path, mapped=mapped), ARRAY)


def test_mapped_file_may_have_more_than_255_of_anything(tmp_path):
    path = tmp_path / "images-idx3-ubyte"
    path.write_bytes(bytes([0, 0, 8, 3]) + struct.pack(">3i", 300, 3, 4) + bytes(3600))
    assert read_idx(path, mapped=True).shape == (300, 3, 4)


def test_big_endian_integers_read_back(tmp_path):
    path = tmp_path / "labels-idx2-int"
    path.write_bytes(bytes([0, 0, 0x0C, 2]) + struct.pack(">2i", 1, 2) + struct.pack(">2i", 7, -3))
    assert read_idx(path).tolist() == [[7, -3]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (CONTENT[:-1], r"truncated: expected 2 rows of shape \(3, 4\)"),
        (CONTENT + b"x", "oversized: expected 2 rows"),
        (b"\x00\x01" + CONTENT[2:], "wrong magic number.*00 01 08 03"),
        (b"", "wrong magic number.*an empty file"),
        (CONTENT[:6], "truncated: expected a header"),
        (gzip.compress(CONTENT)[:-9], "truncated or damaged"),
    ],
    ids=["truncated", "oversized", "wrong magic", "empty", "half a header", "half a gzip"],
)
def test_damaged_idx_file_is_refused(tmp_path, content, message):
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(content)
    for mapped in (False, True):
        with pytest.raises(DataError, match=message) as caught:
            read_idx(path, mapped=mapped)
        assert str(path) in str(caught.value)
