"""Shards of drawn digits, and what was read from them."""

import io
import tarfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from digitwise.normalization import normalize
from tests.templates import printed

FORMED = np.stack([normalize(np.asarray(printed(digit))).image for digit in "0123456789"])


def digits(n, seed=0):
    """Printed digits in MNIST's form, some of them empty: uint8 (n, 28, 28)."""
    rng = np.random.default_rng(seed)
    images = FORMED[rng.integers(10, size=n)].copy()
    images[rng.random(n) < 0.05] = 0
    return images


def write_pixels(path, images, group=1_000, column="image"):
    lists = pa.array(list(images.reshape(len(images), -1)), pa.list_(pa.uint8()))
    pq.write_table(pa.table({column: lists}), path, row_group_size=group)
    return path


def png(digit, size=40):
    buffer = io.BytesIO()
    printed(str(digit), size).save(buffer, "PNG")
    return buffer.getvalue()


def write_files(path, contents, group=1_000):
    pq.write_table(pa.table({"image": pa.array(contents, pa.binary())}), path, row_group_size=group)
    return path


def write_tar(path, contents):
    with tarfile.open(path, "w") as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def parts(out):
    return sorted(out.glob("part-*.parquet"))


def rows(out):
    """All rows of a folder in the order of its shards; none for a shard without any."""
    return pa.concat_tables([pq.read_table(part) for part in parts(out)])


def times(out):
    return {part.name: part.stat().st_mtime_ns for part in parts(out)}
