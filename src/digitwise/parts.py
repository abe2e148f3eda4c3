"""The libraries of the extras: which extra brings which, what each is for, and the error where one is missing."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from digitwise.errors import MissingPartError

BACKENDS = ("tensorflow", "jax", "torch")  # of Keras, in order of preference on a CPU


@dataclass(frozen=True)
class Extra:
    """An extra of the package.

    Parameters
    ----------
    name : str
        As in ``pip install "digitwise[name]"``.
    purpose : str
        The commands and the data that need it.
    modules : tuple of str
        What it brings, by the names that are imported.
    """

    name: str
    purpose: str
    modules: tuple[str, ...]

    @property
    def install(self) -> str:
        """The line that installs it; its quotes suit every shell."""
        return f'pip install "digitwise[{self.name}]"'

    @property
    def missing(self) -> list[str]:
        """Modules that are not installed; any backend of Keras does for TensorFlow."""
        return [name for name in self.modules if not is_installed(name)]


# Of a module that several extras bring, messages name the first of them: the smallest.
EXTRAS = (
    Extra("onnx", "export, calibrate: models in ONNX", ("onnx",)),
    Extra("formats", "Parquet, HDF5, data behind addresses", ("pyarrow", "h5py", "fsspec")),
    Extra("pdf", "pages of PDFs", ("pypdfium2",)),
    Extra("serve", "serve, review", ("starlette", "uvicorn", "httptools", "python_multipart")),
    Extra("train", "train, run, improve, check --labels, Keras models", ("keras", "tensorflow", "cleanlab")),
    Extra("sweep", "sweep", ("optuna",)),
    Extra("exercise", "exercise check", ("IPython", "nbformat", "psutil")),
    Extra("frames", "results as pandas frames", ("pandas",)),
    Extra("notebook", "Jupyter", ("jupyterlab",)),
    Extra("cluster", "--cluster", ("ray",)),
)


def is_installed(module: str) -> bool:
    """Whether a module is there as what it is needed for: any backend of Keras does for TensorFlow."""
    names = BACKENDS if module == BACKENDS[0] else (module,)
    return any(is_found(name) for name in names)


def extra_of(module: str) -> Extra:
    """The extra that brings a module, given by its name or that of a part of it."""
    return next(extra for extra in EXTRAS if module.partition(".")[0] in extra.modules)


def require(what: str, *modules: str) -> None:
    """Make sure that modules are installed, without importing them.

    Parameters
    ----------
    what : str
        What needs them, as the subject of the message.
    *modules : str
        Of one extra.

    Raises
    ------
    MissingPartError
        If one is missing, with the line that installs it.
    """
    if missing := [name for name in modules if not is_installed(name)]:
        raise _missing(what, missing)


def imported(module: str, what: str) -> Any:
    """Import a module of an extra.

    Parameters
    ----------
    module : str
        Dots are allowed.
    what : str
        What needs it, as the subject of the message.

    Raises
    ------
    MissingPartError
        If it is missing, with the line that installs it.

    Examples
    --------
    >>> imported("json", "a test").dumps(1)
    '1'
    """
    whole = module.partition(".")[0]
    try:
        importlib.import_module(whole)  # first, since a part of it may be imported already where it is hidden
        return importlib.import_module(module)
    except ImportError as error:
        raise _missing(what, [whole]) from error


def _missing(what: str, modules: list[str]) -> MissingPartError:
    install = extra_of(modules[0]).install
    told = {"argument": modules[0], "expected": install, "got": "not installed"}
    return MissingPartError(f"{what} needs {', '.join(modules)}: {install}", **told)


def is_found(name: str) -> bool:
    """Whether this very module can be imported; nothing is imported to find out."""
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):  # hidden by the program that imports it, as tests do
        return False
