"""How well a reader reads: other people's scans, corrupted test digits, made pages whose truth is exact."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from PIL import Image, ImageOps

from benchmarks.alignment import Alignment, aligned, together
from benchmarks.made_pages import MadePage, page_of
from benchmarks.measure import Row, keep, seconds
from benchmarks.readers import Contender, contender
from digitwise.data import load
from digitwise.images import ImageSet, Mask, UInt8
from digitwise.normalization import normalize
from digitwise.synthetic import CORRUPTIONS, corrupted
from digitwise.system import cores

SAMPLE = 2_000  # test images a cell of the robustness table: all 10,000 take a quarter of an hour
PAGES = 200
PER_PAGE = 5, 45  # digits on a page: from, below
SMALL = 25.0  # pixels: digits below that are small
ASKEW = 2.0  # degrees: pages beyond that are askew
DIFFICULTIES: dict[str, Callable[[Row], bool]] = {
    "all pages": lambda row: True,
    "plain": lambda row: not (row["ruling"] != "none" or row["touching"] or row["turn"] or row["shadow"]),
    "ruled or squared": lambda row: row["ruling"] != "none",
    "with touching digits": lambda row: row["touching"] > 0,
    "turned": lambda row: row["turn"] != 0,
    "askew": lambda row: abs(row["tilt"]) > ASKEW,
    "with a shadow": lambda row: bool(row["shadow"]),
    "with the paper's edge": lambda row: bool(row["edge"]),
    "light on dark": lambda row: bool(row["dark"]),
    "with small digits": lambda row: row["height"] < SMALL,
}


def bench_scans(model: str | None = None) -> None:
    """Real scans: single digits by writer, digits drawn on a screen, photos of numbers."""
    folder = Path(os.environ["DIGITWISE_DATA"]) / "scans"
    reader = contender(model)
    rows: list[Row] = [*_single_digits(reader, folder / "digits"), _drawn_digits(reader, folder)]
    try:
        rows += _photos(reader, folder / "numbers")
    except NotImplementedError as reason:
        print(f"photos: {reason}")
    for row in rows:
        print(f"{row['what']}, {row['of']}: {row['digits'] - row['errors']} of {row['digits']}; {row['detail']}")
    keep("reader", rows)


def _single_digits(reader: Contender, folder: Path) -> list[Row]:
    """A row a writer: nothing was fitted to these files, so that each writer is one left out."""
    files = sorted(folder.glob("*/*.png"))
    read = reader.labels([opened(file) for file in files])
    rows: list[Row] = []
    for writer in sorted({file.name.split("_")[0] for file in files}):
        own = [(file, label) for file, label in zip(files, read, strict=True) if file.name.startswith(f"{writer}_")]
        wrong = [f"{file.parent.name}/{file.stem} read {label}" for file, label in own if label != file.parent.name]
        rows.append(_row("single digits", writer, len(own), len(wrong), "; ".join(wrong)))
    return rows


def _drawn_digits(reader: Contender, folder: Path) -> Row:
    with np.load(folder / "drawn_on_screen_1000.npz") as drawn:
        images, labels = drawn["images"], drawn["labels"]
    read = reader.labels(list(images))
    wrong = [f"{i}: {label} read {r}" for i, (label, r) in enumerate(zip(labels, read, strict=True)) if str(label) != r]
    return _row("drawn on a screen", "1,000", len(labels), len(wrong), "; ".join(wrong))


def _photos(reader: Contender, folder: Path) -> list[Row]:
    """A row a photo: the errors are the edit distance."""
    rows, parts = [], []
    for photo in json.loads((folder / "truth.json").read_text(encoding="utf-8")):
        lines = reader.lines(opened(folder / photo["file"]))
        part = aligned("".join(photo["lines"]).replace(" ", ""), "".join(lines))
        parts.append(part)
        rows.append(_row("photos of numbers", photo["file"], part.length, part.distance, " / ".join(lines)))
    print(f"photos: digit error rate {_rate(together(parts))}")
    return rows


def opened(file: Path) -> UInt8:
    """An image as its viewer shows it, uint8 (h, w, 3)."""
    with Image.open(file) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


def _row(what: str, of: str, digits: int, errors: int, detail: str) -> Row:
    return {"what": what, "of": of, "digits": digits, "errors": errors, "detail": detail}


def bench_robustness(model: str | None = None, sample: int = SAMPLE) -> None:
    """Errors under each corruption and severity, of the images as they are and brought through ``normalize``."""
    test = load("mnist").test
    chosen = np.sort(np.random.default_rng(0).choice(len(test), min(sample, len(test)), replace=False))
    images, labels = test.images[chosen], test.labels[chosen]
    reader = contender(model)
    cells = [("none", 0.0), *((kind.name, severity) for kind in CORRUPTIONS.values() for severity in kind.severities)]
    made = Parallel(n_jobs=cores(), return_as="generator")(delayed(_cell)(images, *cell) for cell in cells)
    rows: list[Row] = []
    for (kind, severity), (plain, normal, blank) in zip(cells, made, strict=True):
        as_it_is = int((reader.probabilities(plain).argmax(axis=1) != labels).sum())
        through = int(((reader.probabilities(normal).argmax(axis=1) != labels) | blank).sum())
        unit = CORRUPTIONS[kind].unit if kind in CORRUPTIONS else ""
        row = {"kind": kind, "severity": severity, "unit": unit, "images": len(labels)}
        rows.append({**row, "errors": as_it_is, "errors_normalized": through, "blank": int(blank.sum())})
        shares = (f"{errors / len(labels):6.2%}" for errors in (as_it_is, through))
        print(f"{kind:15} {severity:5g} {unit:27} {' '.join(shares)}  {int(blank.sum())} blank", flush=True)
    for column in ("errors", "errors_normalized"):
        print(f"{column}: mean over the corruptions {np.mean([row[column] for row in rows[1:]]) / len(labels):.2%}")
    keep("robustness", rows)


def _cell(images: UInt8, kind: str, severity: float) -> tuple[UInt8, UInt8, Mask]:
    """The corrupted images, the same normalised, and which of them were found blank."""
    rng = np.random.default_rng(0)
    plain = images if kind == "none" else corrupted(images, kind, severity, rng=rng)
    forms = [normalize(image) for image in plain]
    return plain, np.stack([form.image for form in forms]), np.array([form.blank for form in forms])


def bench_pages(model: str | None = None, pages: int = PAGES) -> None:
    """Made pages of test digits: which digits are read, by what makes a page hard."""
    made = Parallel(n_jobs=cores(), return_as="generator")(delayed(page_row)(seed, model) for seed in range(pages))
    rows: list[Row] = []
    for row in made:
        rows.append(row)
        if row["wrong"] + row["missing"] + row["extra"] > 2:
            print(f"page {row['seed']}: {row['written']} read {row['read']}", flush=True)
    for name, hard in DIFFICULTIES.items():
        if own := [row for row in rows if hard(row)]:
            print(f"{name}: {len(own)} pages, {_rate(_alignment(own))}")
    keep("pages", rows)


def page_row(seed: int, model: str | None = None, reader: Contender | None = None) -> Row:
    """Make a page of MNIST test digits and read it; the same page for the same seed."""
    page = made_page(seed)
    lines: list[str] = []
    wall = seconds(lambda: lines.extend((reader or contender(model)).lines(page.image)))
    found = aligned("".join(page.lines), "".join(lines))
    row = {"seed": seed, "width": page.image.shape[1], "rows": page.image.shape[0], "seconds": round(wall, 3)}
    row |= {"height": round(page.height, 1), "turn": page.turn, "tilt": round(page.tilt, 2), "ruling": page.ruling}
    row |= {"touching": len(page.touching), "shadow": int(page.shadow), "edge": int(page.edge), "dark": int(page.dark)}
    row |= {"digits": found.length, "wrong": found.wrong, "missing": found.missing, "extra": found.extra}
    return {**row, "written": " ".join(page.lines), "read": " ".join(lines)}


def made_page(seed: int) -> MadePage:
    """The page of a seed, of MNIST test digits."""
    test = test_images()
    rng = np.random.default_rng([1, seed])
    places = rng.choice(len(test), rng.integers(*PER_PAGE), replace=False)
    return page_of(test.images[places], test.labels[places], rng=rng)


@cache
def test_images() -> ImageSet:
    """MNIST's, once a process."""
    return load("mnist").test


def _alignment(rows: list[Row]) -> Alignment:
    return together([Alignment(row["digits"], row["wrong"], row["missing"], row["extra"]) for row in rows])


def _rate(found: Alignment) -> str:
    return (
        f"{found.distance / found.length:.2%} ({found.wrong} wrong, {found.missing} missing, {found.extra} extra of "
        f"{found.length}), {found.right / found.length:.2%} of the digits right"
    )
