"""Who reads: digitwise, and the peers that are at hand."""

from __future__ import annotations

import importlib
import importlib.metadata
import shutil
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import digitwise
from benchmarks.paper.answer import Answer, answer_of
from digitwise.images import UInt8

OURS = "digitwise"
EXPECT = "digitwise-expect"  # told how many digits the number has
LINE = "rapidocr-line"  # takes the whole image for one line of text, so that it is asked about one number only
PEERS = ("rapidocr", LINE, "tesseract")


class NumberReader(Protocol):
    """What the benchmark asks of a reader."""

    version: str

    def answer(self, image: UInt8 | Path, *, expect: int | None = None) -> Answer:
        """Read one image: uint8 (h, w) or (h, w, 3), or a file; a number of so many digits, where that is known."""


class Digitwise:
    """``digitwise.reading.reader.Reader`` on one thread."""

    def __init__(self, model: str | None, threads: int | None) -> None:
        from digitwise.reading.reader import Reader

        self.reader = Reader(model, threads=threads)
        self.version = digitwise.__version__

    def answer(self, image: UInt8 | Path, *, expect: int | None = None) -> Answer:
        """See :class:`NumberReader`."""
        return answer_of(self.reader.read_numbers(image, expect=expect))


@cache
def number_reader(name: str, model: str | None = None, threads: int | None = 1) -> NumberReader:
    """The reader of that name, one a process; ``threads`` None is one a core."""
    if name in (OURS, EXPECT):
        return Digitwise(model, threads)
    from benchmarks.peers import ocr

    if name == "tesseract":
        return ocr.Tesseract(threads)
    return ocr.RapidOcr(lines=name == LINE, threads=threads)


def readers_at_hand() -> list[str]:
    """Ours, and the peers that are installed; says which are not."""
    missing = []
    try:  # where it is installed, OpenCV may lack a library of the system
        importlib.import_module("rapidocr_onnxruntime")
    except ImportError as reason:
        print(f'rapidocr is left out: {reason}; pip install "digitwise[peers]", on Python below 3.13')
        missing += ["rapidocr", LINE]
    if shutil.which("tesseract") is None:
        print("tesseract is left out: there is no such command")
        missing.append("tesseract")
    return [OURS, EXPECT, *(name for name in PEERS if name not in missing)]


def versions_beside() -> dict[str, Any]:
    """Versions that these rows depend on and others do not."""
    return {package: importlib.metadata.version(package) for package in ("onnxruntime", "pillow")}
