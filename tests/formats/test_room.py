"""Files that unpack to more than memory holds: refused before it is taken."""

import gzip
import io
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib

import numpy as np
import pytest

from digitwise.data import load
from digitwise.errors import DataError
from digitwise.formats import room
from tests.helpers import glyphs

LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_DATA, (2**30, 2**30))
from digitwise.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def packed_idx(path):
    """5 GB of black images, as five members of one gzip."""
    million = struct.pack(">4B3I", 0, 0, 8, 3, 7_000_000, 28, 28)
    zeros = gzip.compress(bytes(2**26), 9)
    path.write_bytes(gzip.compress(million) + zeros * 80)


def npz(path):
    """Images of 8 GB by their header; what follows would be unpacked until it ends."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (10**7, 28, 28)})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images.npy", header.getvalue() + bytes(2**20))
        archive.writestr("labels.npy", b"")


def long_label(path):
    """Class names of 400 MB each."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<U100000000", "fortran_order": False, "shape": (4,)})
    np.savez(path, images=glyphs(20), labels=np.arange(20) % 2)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("class_names.npy", header.getvalue())


def line(path):
    """A line of 60 MB."""
    path.write_text("label," + "0," * 30_000_000)


def repeated(path):
    """Parquet of 1.2 GB of pixels: rows that are all the same."""
    import pyarrow as pa
    from pyarrow import parquet

    rows = pa.table({"image": pa.array([[0] * 784] * 50_000, pa.list_(pa.int64())), "label": [0, 1] * 25_000})
    with parquet.ParquetWriter(path, rows.schema, compression="zstd") as writer:
        for _ in range(30):
            writer.write_table(rows)


def filled(path):
    """HDF5 of 1.6 GB that was never written, which takes 2 kB: what is missing is zero."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        file.create_dataset("images", shape=(2_000_000, 28, 28), dtype="u1", chunks=(1000, 28, 28), compression="gzip")
        file.create_dataset("labels", shape=(2_000_000,), dtype="u1", chunks=(10_000,), compression="gzip")


def packed_mat(path):
    """MATLAB's X of 1.2 GB of zeros."""
    rows = 1_500_000
    size, zeros = rows * 784, bytes(2**24)
    name = (
        struct.pack("<2I", 6, 8) + struct.pack("<2I", 9, 0) + struct.pack("<2I2i", 5, 8, rows, 784) + b"\1\0\1\0X\0\0\0"
    )
    packing = zlib.compressobj(1)
    parts = [packing.compress(struct.pack("<2I", 14, len(name) + 8 + size) + name + struct.pack("<2I", 2, size))]
    parts += [packing.compress(zeros[: min(len(zeros), size - start)]) for start in range(0, size, len(zeros))]
    packed = b"".join([*parts, packing.flush()])
    head = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H2s", 0x100, b"IM")
    path.write_bytes(head + struct.pack("<2I", 15, len(packed)) + packed)


def long_name(path):
    """An archive whose first name has 2 GB."""
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 2**31
    path.write_bytes(gzip.compress(header.tobuf()) + gzip.compress(b"a" * 2**26) * 32)


def same_file(path):
    """Parquet of 40 files of 16 MB each, all the same, in 1.3 kB."""
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    rows = pa.table({"image": pa.array([bytes(2**24)] * 40, pa.binary()), "label": [0, 1] * 20})
    parquet.write_table(rows, path, compression="zstd")


BOMBS = {
    "images.idx3-ubyte.gz": packed_idx,
    "set.npz": npz,
    "names.npz": long_label,
    "set.csv": line,
    "set.h5": filled,
    "set.mat": packed_mat,
    "set.tar.gz": long_name,
}
REPEATED = {"set.parquet": repeated, "files.parquet": same_file}  # read in blocks, whatever their size


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="limits a process's memory as Linux does")
@pytest.mark.parametrize("command", [["data", "show"], ["check"]], ids=["data show", "check"])
@pytest.mark.parametrize("name", [*BOMBS, *REPEATED])
def test_bomb_is_one_line_before_memory_is_taken(tmp_path, command, name):
    path = tmp_path / name
    (BOMBS | REPEATED)[name](path)
    asked = [sys.executable, "-c", LIMITED, *command, str(path)]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith(f"digitwise: {tmp_path}")
    assert "expected" in done.stderr or "not an image" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", BOMBS)
def test_bomb_is_refused_by_load(tmp_path, name):
    BOMBS[name](tmp_path / name)
    with pytest.raises(DataError, match="expected"):
        load(tmp_path / name)


def test_ceiling_is_an_option_that_the_message_names(tmp_path, monkeypatch):
    np.savez(tmp_path / "set.npz", images=glyphs(100), labels=np.arange(100) % 10)
    monkeypatch.setenv(room.VARIABLE, "10000")
    with pytest.raises(DataError, match=r"0\.00 GB, as DIGITWISE_MAX_BYTES says; .* set DIGITWISE_MAX_BYTES to allow"):
        load(tmp_path / "set.npz")
    monkeypatch.setenv(room.VARIABLE, "100000000")
    assert len(load(tmp_path / "set.npz").train) == 80


def test_ceiling_that_is_no_number_is_told(tmp_path, monkeypatch):
    np.savez(tmp_path / "set.npz", images=glyphs(100), labels=np.arange(100) % 10)
    monkeypatch.setenv(room.VARIABLE, "much")
    with pytest.raises(DataError, match="DIGITWISE_MAX_BYTES: expected a number of bytes, got 'much'"):
        load(tmp_path / "set.npz")


def test_file_that_unpacks_to_a_few_times_its_size_is_read(tmp_path, monkeypatch):
    """MNIST's files do, and all of a stroke's images even more."""
    monkeypatch.setattr(room, "PLAIN", 0)
    with gzip.open(tmp_path / "images-idx3-ubyte.gz", "wb") as file:
        file.write(struct.pack(">4B3I", 0, 0, 8, 3, 100, 28, 28) + glyphs(100).tobytes())
    with gzip.open(tmp_path / "labels-idx1-ubyte.gz", "wb") as file:
        file.write(struct.pack(">4BI", 0, 0, 8, 1, 100) + bytes(np.arange(100, dtype=np.uint8) % 10))
    assert len(load(tmp_path).train) == 80
