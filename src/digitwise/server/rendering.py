"""Pages of a PDF as pixels, rendered in a process of its own, since a few kilobytes can keep a renderer busy for hours.

    python -m digitwise.server.rendering MAX_PIXELS MOST_PAGES SECONDS

is that process: a PDF comes on its standard input; for each page a line of JSON with its shape and then its pixels
go out, or a line with an error. It waits until a page is taken before it sends the next one.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from contextlib import suppress
from typing import IO, Any

import numpy as np

from digitwise.decoding import Decoded, open_pages
from digitwise.errors import DataError, DigitwiseError, TooLargeError
from digitwise.parts import require

MEMORY = 2 * 2**30  # bytes of the process; a page of 50 million pixels takes 0.8 GiB


class TooManyPagesError(DataError):
    """A PDF of more pages than are allowed."""


class Pages:
    """The pages of a PDF, one after the other; a process is started for them, and ended by ``kill`` and ``close``.

    Parameters
    ----------
    content : bytes
        The PDF.
    max_pixels : int
        Of a page; a larger one is rendered at fewer pixels an inch.
    most : int
        Pages; a PDF with more is refused before one is rendered.
    seconds : float
        Of computing, for all pages together.

    Raises
    ------
    MissingPartError
        If pypdfium2 is not installed.
    """

    def __init__(self, content: bytes, *, max_pixels: int, most: int, seconds: float) -> None:
        require("reading a PDF", "pypdfium2")
        self._content, self._seconds, self._ended = content, math.ceil(seconds), False
        self._options = [str(max_pixels), str(most), str(self._seconds)]
        self._process: subprocess.Popen[bytes] | None = None

    def following(self) -> Decoded | None:
        """The next page; None behind the last one. It waits for the process, so call it in a thread.

        Raises
        ------
        TooManyPagesError
            If it has more pages than allowed.
        DataError
            If it is damaged, has a password, or takes too long or too much memory.
        """
        pipe = self._started().stdout
        assert pipe is not None
        line = pipe.readline()
        head: dict[str, Any] = json.loads(line) if line.endswith(b"\n") else {}
        if "end" in head:
            return None
        if "error" in head:
            raise (TooManyPagesError if head["large"] else DataError)(head["error"])
        content = bytearray(math.prod(head.get("shape", (0,))))
        if not content or pipe.readinto(content) < len(content):  # type: ignore[attr-defined]  # a BufferedReader
            wanted = f"pages that are rendered within {self._seconds} s and {MEMORY // 2**20:,} MiB"
            raise DataError.wanted("the PDF", wanted, "one that needs more", "send its pages as images")
        return Decoded(np.frombuffer(content, np.uint8).reshape(head["shape"]))

    def kill(self) -> None:
        """End the process at once, from any thread; a call that waits for it raises DataError."""
        self._ended = True
        if self._process is not None:
            self._process.kill()

    def close(self) -> None:
        """End the process, if there is one, and wait for its end."""
        self.kill()
        if self._process is not None:
            with self._process:
                pass

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            command = [sys.executable, "-m", "digitwise.server.rendering", *self._options]
            pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
            self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=nowhere)
            if self._ended:  # meanwhile
                self._process.kill()
            assert self._process.stdin is not None
            with suppress(BrokenPipeError), self._process.stdin as pdf:
                pdf.write(self._content)
            self._content = b""
        return self._process


def _render(pdf: bytes, out: IO[bytes], max_pixels: int, most: int) -> None:
    """Write all pages, then that they end; or an error."""
    try:
        for page in open_pages(pdf, max_pixels=max_pixels, most=most):
            _tell(out, shape=page.image.shape)
            out.write(np.ascontiguousarray(page.image).data)
        _tell(out, end=True)
    except DigitwiseError as error:
        _tell(out, error=str(error), large=isinstance(error, TooLargeError))
    out.flush()


def _tell(out: IO[bytes], **head: Any) -> None:
    out.write(json.dumps(head).encode() + b"\n")


def _limit(seconds: int) -> None:
    """Bound this process, where the system can."""
    try:
        import resource
    except ImportError:  # on Windows
        return
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))


def _main(max_pixels: str, most: str, seconds: str) -> None:
    _limit(int(seconds))
    with suppress(BrokenPipeError):  # nobody waits for more
        _render(sys.stdin.buffer.read(), sys.stdout.buffer, int(max_pixels), int(most))


if __name__ == "__main__":
    _main(*sys.argv[1:])
