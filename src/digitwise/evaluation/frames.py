"""Results as pandas frames, where pandas is installed."""

from __future__ import annotations

import importlib
from typing import Any

from digitwise.errors import MissingPartError


def pandas() -> Any:
    """The library pandas.

    Raises
    ------
    MissingPartError
        If it is not installed.
    """
    try:
        return importlib.import_module("pandas")
    except ImportError as error:
        raise MissingPartError('a frame needs pandas: pip install "digitwise[notebook]"') from error
