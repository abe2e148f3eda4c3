"""The service that reads images, and the review of doubtful labels; an optional extra."""

from __future__ import annotations

from importlib.util import find_spec

from digitwise.errors import MissingPartError

PARTS = ("httptools", "python_multipart", "starlette", "uvicorn")


def check_parts() -> None:
    """Raise MissingPartError if a library is missing."""
    if missing := [part for part in PARTS if find_spec(part) is None]:
        raise MissingPartError(f"a server needs {', '.join(missing)}: pip install 'digitwise[server]'")
