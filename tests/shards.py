"""Shards of both kinds, written for tests."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

from digitwise.images import ImageSet


def png(image: np.ndarray) -> bytes:
    """One image as a file."""
    content = io.BytesIO()
    Image.fromarray(image).save(content, "png")
    return content.getvalue()


def write_parquet(
    path: Path,
    images: np.ndarray,
    labels: object,
    *,
    files: bool = False,
    label: str = "label",
    group: int | None = None,
) -> Path:
    """A table of images, as lists of pixels or as files."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    if files:
        column = pa.array([png(image) for image in images], pa.binary())
    else:
        flat = images.reshape(len(images), int(np.prod(images.shape[1:])))
        column = pa.FixedSizeListArray.from_arrays(pa.array(flat.ravel()), flat.shape[1])
    pq.write_table(pa.table({"image": column, label: pa.array(labels)}), path, row_group_size=group)
    return path


def write_tar(path: Path, images: np.ndarray, labels: object) -> Path:
    """A WebDataset shard: a PNG and its class for each image."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for number, (image, label) in enumerate(zip(images, labels, strict=True)):
            for suffix, content in (("png", png(image)), ("cls", str(label).encode())):
                member = tarfile.TarInfo(f"{number:06}.{suffix}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    return path


def write_shards(folder: Path, train: ImageSet, test: ImageSet, *, kind: str = "parquet", shards: int = 3) -> Path:
    """A folder of training and test shards; ``kind`` is parquet, parquet of files, or tar."""
    for name, images, count in (("train", train, shards), ("test", test, 1)):
        for number, rows in enumerate(np.array_split(np.arange(len(images)), count)):
            own = images.images[rows], images.labels[rows]
            place = folder / name / f"part-{number}"
            if kind == "tar":
                write_tar(place.with_suffix(".tar"), *own)
            else:
                write_parquet(place.with_suffix(".parquet"), *own, files=kind == "parquet of files")
    return folder
