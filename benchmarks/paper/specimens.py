"""What is read: each image with its truth, made or decoded only when its turn comes."""

from __future__ import annotations

import csv
import itertools
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.paper import made_rows, without
from benchmarks.reader import PAGES, made_page
from digitwise.decoding import SUFFIXES, open_image
from digitwise.images import UInt8

CASES = {  # those whose truth is not in their names
    "mnist_grid_framed": "".join(digit * 20 for digit in "0123456789"),
    "thick9_hollowed": "9",
    "thin_five_1000px_blank": "5",
}


@dataclass(frozen=True)
class Specimen:
    """One image to be read.

    Parameters
    ----------
    bench : str
        A name of :data:`BENCHES`.
    part : str
        What the table tells apart within it.
    name : str
        The file, or what is made.
    seed : int or str
        Of a made image; empty for a file.
    make : callable
        Gives the image, uint8 (h, w) or (h, w, 3), and all its digits in reading order.
    """

    bench: str
    part: str
    name: str
    seed: int | str
    make: Callable[[], tuple[UInt8, str]]


def specimens(benches: Iterable[str], limit: int | None = None) -> list[Specimen]:
    """All of those benches, or the first ``limit`` of each part."""
    found: list[Specimen] = []
    for bench in benches:
        parts = itertools.groupby(BENCHES[bench](), key=lambda each: each.part)
        found += [each for _, part in parts for each in itertools.islice(part, limit)]
    return found


def _labelled(bench: str) -> list[Specimen]:
    """A folder with ``labels.csv``."""
    folder = _data() / "numbers" / bench
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        labels = [(row["filename"], row["label"]) for row in csv.DictReader(file)]
    return [Specimen(bench, "", name, "", partial(opened, folder / name, label)) for name, label in labels]


def _photos() -> list[Specimen]:
    folder = _data() / "scans" / "numbers"
    photos = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    truths = {photo["file"]: "".join(photo["lines"]).replace(" ", "") for photo in photos}
    return [Specimen("scans", "", name, "", partial(opened, folder / name, truth)) for name, truth in truths.items()]


def _rows() -> list[Specimen]:
    parts = itertools.product(made_rows.KINDS, made_rows.SIZES)
    return [
        Specimen("rows", f"{kind} x{size}", f"{kind}_x{size}", seed, partial(made_rows.made_row, kind, size, seed))
        for kind, size in parts
        for seed in range(made_rows.ROWS)
    ]


def _pages() -> list[Specimen]:
    return [Specimen("pages", "", "page", seed, partial(_page, seed)) for seed in range(PAGES)]


def _page(seed: int) -> tuple[UInt8, str]:
    page = made_page(seed)
    return page.image, "".join(page.lines)


def _cases() -> list[Specimen]:
    """Each is a part of its own."""
    files = sorted(file for file in (_data() / "cases").iterdir() if file.suffix.lower() in SUFFIXES)
    return [Specimen("cases", file.name, file.name, "", partial(opened, file, _truth(file))) for file in files]


def _truth(file: Path) -> str:
    _, mark, digits = file.stem.partition("_truth")
    return digits if mark else CASES[file.stem]


def _without() -> list[Specimen]:
    return [
        Specimen("noise", kind, kind, seed, partial(without.page_without_digits, kind, seed))
        for kind in without.KINDS
        for seed in range(without.PAGES)
    ]


def opened(file: Path, truth: str) -> tuple[UInt8, str]:
    """The image in a file, upright by its EXIF orientation."""
    return open_image(file).image, truth


def _data() -> Path:
    return Path(os.environ["DIGITWISE_DATA"])


BENCHES: dict[str, Callable[[], list[Specimen]]] = {
    "cheques": partial(_labelled, "cheques"),
    "registers": partial(_labelled, "registers"),
    "scans": _photos,
    "rows": _rows,
    "pages": _pages,
    "cases": _cases,
    "noise": _without,
}
ONE_NUMBER = ("cheques", "registers", "rows")  # each image is one string of digits
