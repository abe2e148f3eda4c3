"""A student's model file, read as data: only Keras' own layers, nothing that runs code, no size that hurts."""

from __future__ import annotations

import io
import json
import os
import stat
import zipfile
from pathlib import Path
from typing import Any

from digitwise.errors import ModelError

MEMBERS = {"metadata.json", "config.json", "model.weights.h5"}
LARGEST_CONFIG = 5_000_000  # bytes
LARGEST_WEIGHTS = 400_000_000  # bytes: a hundred million parameters
MOST_NODES = 100_000  # of the configuration
# Lambda holds Python code; the others load programs of other libraries.
FORBIDDEN = {"Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "function"}
HINT = "use only Keras' own layers, and Rescaling in the place of Lambda"


def read_plain(path: Path, most: int) -> bytes:
    """Read a file that somebody else wrote: not through a link, not from a pipe, not more than ``most`` bytes.

    Raises
    ------
    ModelError
        If it is not such a file.
    """
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        raise ModelError(f"{path.name}: expected a file, got: {error.strerror}") from error
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or found.st_size > most:
            raise ModelError(f"{path.name}: expected a file of at most {most:,} bytes, got {found.st_size:,}")
        return file.read(most)


def checked_model(path: Path) -> bytes:
    """Give a ``.keras`` file that may be loaded: the configuration and weights of ``path``, and nothing else of it.

    Parameters
    ----------
    path : Path

    Returns
    -------
    bytes

    Raises
    ------
    ModelError
        If it holds anything but Keras' own layers and plain weights, or is too large.
    """
    content = read_plain(path, LARGEST_CONFIG + LARGEST_WEIGHTS)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            sizes = {info.filename: info.file_size for info in archive.infolist()}
            if set(sizes) != MEMBERS or len(archive.infolist()) != len(MEMBERS):
                raise ModelError(f"expected {', '.join(sorted(MEMBERS))} in a model file, got {', '.join(sizes)[:200]}")
            if sizes["model.weights.h5"] > LARGEST_WEIGHTS or sizes["config.json"] > LARGEST_CONFIG:
                raise ModelError(f"expected at most {LARGEST_WEIGHTS:,} bytes of weights; make the model smaller")
            config = json.loads(_member(archive, "config.json"))
            weights = _member(archive, "model.weights.h5")
            metadata = json.loads(_member(archive, "metadata.json"))
    except (zipfile.BadZipFile, ValueError, RecursionError, NotImplementedError) as error:
        raise ModelError(f"expected a model file of Keras, got: {str(error)[:150]}") from error
    check_config(config)
    check_weights(weights)
    config.pop("compile_config", None)
    return _packed({"metadata.json": metadata, "config.json": config}, weights)


def check_config(config: Any) -> None:
    """Refuse a configuration that names anything but parts of Keras.

    Raises
    ------
    ModelError
        If it does; the message says what.
    """
    waiting, seen = [config], 0
    while waiting:
        node = waiting.pop()
        seen += 1
        if seen > MOST_NODES:
            raise ModelError("the model has too many layers to be loaded; make it smaller")
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            name, module = node.get("class_name"), node.get("module")
            if isinstance(name, str) and name in FORBIDDEN:
                raise ModelError(f"the model has a {name} layer, whose code is not run here; {HINT}")
            if module is not None and not (isinstance(module, str) and module.split(".")[0] == "keras"):
                raise ModelError(f"the model has a {name} of {str(module)[:50]}, which is no part of Keras; {HINT}")
            if node.get("registered_name") not in (None, name):
                raise ModelError(
                    f"the model has a part of its own, {str(name)[:50]}, which is no part of Keras; {HINT}"
                )
            waiting += node.values()


def check_weights(content: bytes) -> None:
    """Refuse weights that are more than arrays in this very file.

    Raises
    ------
    ModelError
        If they link to other files, or unpack to more than they may.
    """
    import h5py

    total = 0
    with h5py.File(io.BytesIO(content)) as file:
        waiting = [file]
        while waiting:
            group = waiting.pop()
            for name in group:
                if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                    raise ModelError("the weights link to another file; save the model with Keras' own save")
                value = group[name]
                if isinstance(value, h5py.Group):
                    waiting.append(value)
                    continue
                total += (value.size or 0) * value.dtype.itemsize
                if value.external or value.is_virtual or value.dtype.kind == "O" or total > LARGEST_WEIGHTS:
                    raise ModelError(f"expected plain weights of at most {LARGEST_WEIGHTS:,} bytes")


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    """What a member unpacks to; the size in the table may be a lie, so no more than may be is unpacked."""
    most = LARGEST_WEIGHTS if name.endswith(".h5") else LARGEST_CONFIG
    with archive.open(name) as member:
        content = member.read(most + 1)
    if len(content) > most:
        raise ModelError(f"{name} unpacks to more than {most:,} bytes")
    return content


def _packed(documents: dict[str, Any], weights: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, document in documents.items():
            archive.writestr(name, json.dumps(document))
        archive.writestr("model.weights.h5", weights)
    return target.getvalue()
