"""What libraries write past ``sys.stderr``, in C++, where nobody can ask them not to."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from digitwise.errors import DigitwiseError

STDERR = 2  # its number, by which they write


@contextmanager
def held_back() -> Iterator[None]:
    """Hold back what is written past ``sys.stderr``; show it where something fails by surprise.

    What Python itself writes to ``sys.stderr`` meanwhile appears as always.
    """
    sys.stderr.flush()
    before, real = sys.stderr, os.dup(STDERR)
    with tempfile.TemporaryFile() as held, os.fdopen(real, "w", encoding="utf-8", buffering=1) as shown:
        replaced = _is_real(before)
        if replaced:
            sys.stderr = shown
        os.dup2(held.fileno(), STDERR)
        try:
            yield
        except (DigitwiseError, KeyboardInterrupt):
            raise
        except BaseException:
            _show(held, real)
            raise
        finally:
            if replaced:
                sys.stderr = before
            shown.flush()
            os.dup2(real, STDERR)


def _is_real(stream: object) -> bool:
    """Whether a stream writes to the process's own stderr; not so where a test or a notebook has replaced it."""
    try:
        return bool(stream.fileno() == STDERR)  # type: ignore[attr-defined]
    except (AttributeError, OSError, ValueError):
        return False


def _show(held: BinaryIO, where: int) -> None:
    held.seek(0)
    os.write(where, held.read())
