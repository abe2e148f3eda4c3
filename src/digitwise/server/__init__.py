"""The service that reads images, and the review of doubtful labels; an optional extra."""

from __future__ import annotations

from digitwise.parts import EXTRAS, require

PARTS = next(extra.modules for extra in EXTRAS if extra.name == "serve")


def check_parts() -> None:
    """Raise MissingPartError if a library is missing."""
    require("a server", *PARTS)
