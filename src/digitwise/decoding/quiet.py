"""Keeping Pillow to itself: its warnings, and its own limit where ours is higher."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image


class _Scope:
    """What is shared by all threads that decode: filters and limit are the process's, so the last to leave resets."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.inside = 0
        self.filters = warnings.catch_warnings()  # one an entry: it cannot be entered twice
        self.limit: int | None = None

    def enter(self, max_pixels: int) -> None:
        with self.lock:
            if not self.inside:
                self.filters, self.limit = warnings.catch_warnings(), Image.MAX_IMAGE_PIXELS
                self.filters.__enter__()
                warnings.simplefilter("ignore")
            self.inside += 1
            if Image.MAX_IMAGE_PIXELS is not None:  # Pillow warns from here on and refuses from twice that
                Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS, max_pixels)

    def leave(self) -> None:
        with self.lock:
            self.inside -= 1
            if not self.inside:
                self.filters.__exit__(None, None, None)
                Image.MAX_IMAGE_PIXELS = self.limit


_SCOPE = _Scope()


@contextmanager
def quiet(max_pixels: int) -> Iterator[None]:
    """Decode without warnings, up to ``max_pixels``; in any number of threads at once."""
    _SCOPE.enter(max_pixels)
    try:
        yield
    finally:
        _SCOPE.leave()
