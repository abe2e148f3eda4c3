"""How well one digit of a stranger is read, in sets that the bundled models were not trained on."""

from __future__ import annotations

import collections
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.cells import head, line
from benchmarks.measure import Row, keep
from benchmarks.reader import opened
from digitwise.images import UInt8
from digitwise.reading.reader import Reader

Set = tuple[list[UInt8], list[str]]  # images of any size, and their true labels
OWN = "the bundled model"
SHOWN = 6  # kinds of errors a row


def bench_strangers(model: str | None = None) -> None:
    """A row a set and digit: how many are right, how many are read and how many of these are wrong."""
    reader = Reader(model)
    rows = [row for name, (images, labels) in sets().items() for row in _rows(reader, name, images, labels)]
    print(strangers_table([{key: str(value) for key, value in row.items()} for row in rows]))
    if model is None:
        keep("strangers", rows)


def sets() -> dict[str, Set]:
    """The sets by name."""
    folder = Path(os.environ["DIGITWISE_DATA"])
    scans = folder / "scans"
    return {
        "phone photos": _files(sorted((scans / "digits").glob("*/*.png"))),
        "drawn on a screen": _arrays(scans / "drawn_on_screen_1000.npz"),
        "old manuscripts": _files(sorted(file for file in (scans / "old_paper").glob("*/*") if file.is_file())),
        "Optdigits, 32x32": _arrays(folder / "optdigits_train.npz"),
        "Semeion, 16x16": _arrays(folder / "semeion_first_800.npz"),
    }


def _files(files: Sequence[Path]) -> Set:
    return [opened(file) for file in files], [file.parent.name for file in files]


def _arrays(file: Path) -> Set:
    with np.load(file) as held:
        return list(held["images"]), [str(label) for label in held["labels"]]


def _rows(reader: Reader, name: str, images: list[UInt8], labels: list[str]) -> list[Row]:
    readings = reader.read(images)
    rows: list[Row] = []
    for label in sorted(set(labels)):
        own = [reading for reading, truth in zip(readings, labels, strict=True) if truth == label]
        wrong = [reading for reading in own if reading.label != label]
        read = [reading for reading in own if reading.status == "read"]
        kinds = collections.Counter(reading.label or "blank" for reading in wrong).most_common(SHOWN)
        row: Row = {"set": name, "digit": label, "n": len(own), "right": len(own) - len(wrong), "read": len(read)}
        row["wrong_read"] = sum(reading.label != label for reading in read)
        rows.append(row | {"misread_as": " ".join(f"{kind}:{count}" for kind, count in kinds)})
    return rows


def strangers_table(rows: Sequence[Row]) -> str:
    """A line a set."""
    lines = head(OWN, "digits", "right", "called read", "wrong of these", "most frequent errors")
    for name in dict.fromkeys(row["set"] for row in rows):
        own = [row for row in rows if row["set"] == name]
        n, right, read, wrong = (sum(int(row[key]) for row in own) for key in ("n", "right", "read", "wrong_read"))
        kinds: collections.Counter[str] = collections.Counter()
        for row in own:
            for kind in row["misread_as"].split():
                label, count = kind.split(":")
                kinds[f"{row['digit']} → {label}"] += int(count)
        worst = ", ".join(f"{kind} ({count})" for kind, count in kinds.most_common(3))
        shares = (f"{share:.1%}".replace("%", " %") for share in (right / n, read / n, wrong / max(read, 1)))
        lines.append(line(name, f"{n:,}", *shares, worst))
    return "\n".join(lines)
