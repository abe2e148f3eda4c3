"""Folders for rows whose writers wait, die or are elsewhere; they import little, as each worker does it anew."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from digitwise.addresses import LocalFolder


@dataclass(frozen=True)
class Waiting(LocalFolder):
    """A folder whose writers tell of their process, and wait until they may go on."""

    signs: str = ""
    free: tuple[str, ...] = ("manifest.json",)

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        with super().writing(name) as temporary:
            if name not in self.free:
                open(os.path.join(self.signs, f"{name}-{os.getpid()}"), "w").close()
                while not os.path.exists(os.path.join(self.signs, "go")):
                    time.sleep(0.02)
            yield temporary


@dataclass(frozen=True)
class Deadly(LocalFolder):
    """A folder that kills who writes one of its files."""

    poison: str = ""

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        with super().writing(name) as temporary:
            if name == self.poison:
                os.kill(os.getpid(), signal.SIGKILL)
            yield temporary


@dataclass(frozen=True)
class Elsewhere(LocalFolder):
    """A folder that only the process sees that made it."""

    def __reduce__(self) -> tuple[type[LocalFolder], tuple[str, str]]:
        return LocalFolder, (self.name, self.path + "-of-a-worker")
