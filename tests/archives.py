"""Files of other programs, written for tests: MATLAB's, HDF5, LIBSVM's text, torchvision's folder, that of a hub."""

from __future__ import annotations

import bz2
from pathlib import Path
from typing import Any

import numpy as np

from digitwise.images import ImageSet
from tests.data.test_load import write_idx_folder
from tests.shards import png


def by_columns(images: np.ndarray) -> np.ndarray:
    """Flat rows as MATLAB unrolls images."""
    return images.transpose(0, 2, 1).reshape(len(images), -1)


def write_mat(path: Path, **arrays: Any) -> Path:
    """A file of MATLAB up to version 7."""
    from scipy.io import savemat

    savemat(path, arrays, do_compression=True)
    return path


def write_mat73(path: Path, **arrays: np.ndarray) -> Path:
    """A file of MATLAB 7.3: HDF5 behind a header, the axes of each array in reverse."""
    import h5py

    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array.T, compression="gzip")
        file.create_group("#refs#")
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64")
    return path


def write_hdf5(path: Path, **arrays: np.ndarray) -> Path:
    """HDF5; two underscores stand for a group."""
    import h5py

    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file.create_dataset(name.replace("__", "/"), data=array)
    return path


def write_libsvm(path: Path, images: np.ndarray, labels: np.ndarray, *, first: int = 1, packed: bool = False) -> Path:
    """Lines of label index:value, zeros left out."""
    lines = []
    for image, label in zip(images.reshape(len(images), -1), labels, strict=True):
        pairs = " ".join(f"{place + first}:{image[place]:.10g}" for place in np.flatnonzero(image))
        lines.append(f"{label:g} {pairs} \n".encode())
    path.write_bytes(bz2.compress(b"".join(lines)) if packed else b"".join(lines))
    return path


def write_torchvision(root: Path, train: ImageSet, test: ImageSet, name: str = "MNIST") -> Path:
    """A root folder, with files packed and unpacked."""
    import gzip

    raw = root / name / "raw"
    raw.mkdir(parents=True)
    write_idx_folder(raw, train, test)
    for file in list(raw.iterdir()):
        (raw / file.stem).write_bytes(gzip.decompress(file.read_bytes()))
    return root


def write_hub(root: Path, below: str = "data", **splits: ImageSet) -> Path:
    """A data set of a hub: Parquet whose names say the split, images as files in a struct."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    (root / below).mkdir(parents=True, exist_ok=True)
    (root / "README.md").write_text("a card")
    for split, images in splits.items():
        column = [{"bytes": png(image), "path": None} for image in images.images]
        table = pa.table({"image": column, "label": images.labels})
        pq.write_table(table, root / below / f"{split}-00000-of-00001.parquet")
    return root
