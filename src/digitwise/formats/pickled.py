"""Pickles, which are never opened, since they run the code they hold: the message says how to turn one into .npz."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from digitwise.errors import DataError
from digitwise.formats.blocks import Stored

SUFFIXES = (".pkl", ".pickle", ".pkl.gz", ".pickle.gz", ".pkl.xz", ".pkl.bz2", ".joblib", ".pt", ".pth")
TORCH = (".pt", ".pth")
# mnist.pkl.gz, as the deep-learning tutorials have it: three pairs of images and labels
TUPLES = "(a, b), _, (c, d) = {call}"
LINE = "import {modules}, numpy as np; {load}; np.savez({out!r}, x_train=a, y_train=b, x_test=c, y_test=d)"
PACKED = {".gz": "gzip", ".xz": "lzma", ".bz2": "bz2"}  # the module that opens each


def is_pickle(path: Path, start: bytes) -> bool:
    """Whether a file is a pickle, by its name or its first bytes."""
    return path.name.lower().endswith(SUFFIXES) or re.match(rb"\x80[\x02-\x05][\x80-\xff(\]}cX]", start) is not None


def splits(path: Path) -> Mapping[str, Stored]:
    """Refuse it.

    Raises
    ------
    DataError
        Always.
    """
    name = path.name.split(".")[0]
    raise DataError.wanted(path, "arrays", "a pickle, which can run code", f"if you trust it: {_line(path, name)}")


def _line(path: Path, name: str) -> str:
    """The line of Python that turns it into .npz."""
    if path.suffix.lower() in TORCH:
        return (
            f"import numpy as np, torch; x, y = torch.load({str(path)!r}, weights_only=True); "
            f"np.savez({name + '.npz'!r}, images=x.numpy(), labels=y.numpy())"
        )
    modules, call = _call(path)
    return LINE.format(modules=modules, load=TUPLES.format(call=call), out=name + ".npz")


def _call(path: Path) -> tuple[str, str]:
    """What loads the pickle, and the modules to import for it."""
    suffix, place = path.suffix.lower(), repr(str(path))
    if suffix == ".joblib":
        return "joblib", f"joblib.load({place})"
    module = PACKED.get(suffix)
    opened = f"{module}.open({place})" if module else f"open({place}, 'rb')"
    return f"{module}, pickle" if module else "pickle", f"pickle.load({opened}, encoding='latin1')"
