"""Readers of any text, of whose answers the digits are kept: RapidOCR and Tesseract, as they come."""

from __future__ import annotations

import csv
import io
import os
import subprocess
from importlib.metadata import version
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.paper.answer import Answer, answer_of_texts
from digitwise.images import UInt8
from digitwise.system import thread_limits


class RapidOcr:
    """The PP-OCRv4 models in onnxruntime: finds lines of text, and reads them.

    Parameters
    ----------
    lines : bool
        Whether to leave the finding out and take each image for one line of text.
    threads : int, optional
        By default one a core.
    """

    def __init__(self, *, lines: bool = False, threads: int | None = 1) -> None:
        from rapidocr_onnxruntime import RapidOCR

        count = threads or -1
        self.engine = RapidOCR(intra_op_num_threads=count, inter_op_num_threads=count)
        self.find = not lines
        self.version = version("rapidocr-onnxruntime")

    def answer(self, image: UInt8 | Path, *, expect: int | None = None) -> Answer:
        """The digits of all texts, from left to right within a line, in the order it gives them."""
        given = str(image) if isinstance(image, Path) else _in_colour(image)
        if self.find:
            found, _ = self.engine(given)
            return answer_of_texts([(text, float(score)) for _, text, score in found or ()])
        found, _ = self.engine(given, use_det=False, use_cls=False)
        return answer_of_texts([(text, float(score)) for text, score in found or ()])


class Tesseract:
    """The command ``tesseract``, told that there are digits only, in one block of text."""

    def __init__(self, threads: int | None = 1) -> None:
        self.environment = os.environ | ({"OMP_THREAD_LIMIT": str(threads)} | thread_limits(threads) if threads else {})
        told = subprocess.run(["tesseract", "--version"], check=True, capture_output=True, text=True)
        self.version = (told.stdout or told.stderr).split()[1]

    def answer(self, image: UInt8 | Path, *, expect: int | None = None) -> Answer:
        """The digits of all words."""
        content = image.read_bytes() if isinstance(image, Path) else _png(image)
        options = ("--psm", "6", "-c", "tessedit_char_whitelist=0123456789", "tsv")
        done = subprocess.run(
            ["tesseract", "stdin", "stdout", *options],
            check=True, input=content, capture_output=True, env=self.environment,
        )  # fmt: skip
        words = csv.DictReader(io.StringIO(done.stdout.decode()), delimiter="\t", quoting=csv.QUOTE_NONE)
        return answer_of_texts([(w["text"] or "", float(w["conf"]) / 100) for w in words if float(w["conf"]) >= 0])


def _in_colour(image: UInt8) -> UInt8:
    """Blue first, as OpenCV has it."""
    coloured = image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
    return np.ascontiguousarray(coloured[..., ::-1])


def _png(image: UInt8) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "png", compress_level=1)
    return file.getvalue()
