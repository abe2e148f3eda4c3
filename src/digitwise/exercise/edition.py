"""The exercise as a student gets it: a notebook with gaps.

``edition.ipynb`` beside this file is made from the solved notebook by ``notebooks/build.py``.
"""

from __future__ import annotations

import os
from pathlib import Path

from digitwise.errors import DataError
from digitwise.files import expanded
from digitwise.outputs import Kind, claimed, new_file

EDITION = Path(__file__).with_name("edition.ipynb")
NAME = "mnist_exercise.ipynb"
EXERCISE = Kind("exercise", "a folder without that notebook")


def write_edition(folder: str | Path) -> Path:
    """Write the notebook with gaps, and an empty folder ``results`` beside it.

    Parameters
    ----------
    folder : str or Path
        Made if it is not there.

    Returns
    -------
    Path
        The notebook.

    Raises
    ------
    DataError
        If there is a notebook of that name already: somebody may have worked in it.
    """
    folder = expanded(folder)
    notebook = folder / NAME
    if os.path.lexists(notebook):
        raise DataError(
            f"{notebook}: expected no notebook of that name, got one, which is left as it is; choose another --out"
        )
    with claimed(notebook, EXERCISE), new_file(notebook, EXERCISE) as temporary:
        (folder / "results").mkdir(exist_ok=True)
        temporary.write_bytes(EDITION.read_bytes())
    return notebook
