"""How well one digit of a stranger is read, in sets that the bundled models were not trained on."""

from __future__ import annotations

import collections
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.cells import head, line
from benchmarks.measure import Row, keep, kept
from benchmarks.reader import opened
from digitwise.images import UInt8
from digitwise.reading.answers import Answers
from digitwise.reading.model_input import Prepared
from digitwise.reading.reader import DIGITS, Reader
from digitwise.reading.results import Reading

Set = tuple[list[UInt8], list[str]]  # images of any size, and their true labels
SHOWN = 6  # kinds of errors a row
BOTH, MODEL, FINDER = "both", "the model alone", "the finder alone"

TRAINED_ON = "Optdigits, 32x32", "Semeion, 16x16"  # by the bundled model


def bench_strangers(model: str | None = None, unseen: Mapping[str, str] | None = None) -> None:
    """A row a set, digit and who reads: how many are right, how many are read and how many of these are wrong.

    Parameters
    ----------
    model : str, optional
        By default the bundled one.
    unseen : mapping of str to str, optional
        The model that reads a set instead, since the first one was trained on that.
    """
    rows: list[Row] = []
    for name, (images, labels) in sets().items():
        if model is None and name in TRAINED_ON and name not in (unseen or {}):
            print(f"{name}: the bundled model was trained on it; the rows of another, kept earlier, stay (--unseen)")
            rows += [row for row in kept("strangers") if row["set"] == name]
            continue
        reader = Reader((unseen or {}).get(name, model))
        prepared = Prepared.joined([reader.prepared(image) for image in images], classes=len(DIGITS))
        for by, answers in _answers(reader, prepared).items():
            asked = "another, that has not seen the set" if name in (unseen or {}) else "bundled"
            rows += [row | {"model": asked} for row in _rows(name, by, answers.readings(), labels)]
    print(strangers_table([{key: str(value) for key, value in row.items()} for row in rows]))
    if model is None:
        keep("strangers", rows)


def _answers(reader: Reader, prepared: Prepared) -> dict[str, Answers]:
    """What both networks say of images in which they look for one digit, and what each says alone."""
    own = reader.answered(replace(prepared, opinions=None))
    found = {BOTH: reader.answered(prepared), MODEL: own}
    if (opinions := prepared.opinions) is not None:  # alike where it was not asked
        told = np.where((np.ptp(opinions, axis=1) == 0)[:, None], own.probabilities, opinions)
        sure = reader.policy.sure(told) if reader.policy else own.agreed
        found[FINDER] = replace(own, probabilities=told, blank=np.zeros_like(own.blank), sure=sure)
    return found


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


def _rows(name: str, by: str, readings: Sequence[Reading], labels: Sequence[str]) -> list[Row]:
    rows: list[Row] = []
    for label in sorted(set(labels)):
        own = [reading for reading, truth in zip(readings, labels, strict=True) if truth == label]
        wrong = [reading for reading in own if reading.label != label]
        read = [reading for reading in own if reading.status == "read"]
        kinds = collections.Counter(reading.label or "blank" for reading in wrong).most_common(SHOWN)
        row: Row = {"set": name, "by": by, "digit": label, "n": len(own), "right": len(own) - len(wrong)}
        row |= {"read": len(read), "wrong_read": sum(reading.label != label for reading in read)}
        row["expected"] = round(sum(1 - (reading.confidence or 0.0) for reading in read), 4)
        rows.append(row | {"misread_as": " ".join(f"{kind}:{count}" for kind, count in kinds)})
    return rows


def strangers_table(rows: Sequence[Row]) -> str:
    """A line a set: what both read, and what each alone would."""
    columns = (
        "digits",
        "right",
        "by the model alone",
        "by the finder alone",
        "called read",
        "of these wrong",
        "expected",
    )
    lines = head("one digit of a stranger", *columns, "most frequent errors")
    for name in dict.fromkeys(row["set"] for row in rows):
        each = {by: [row for row in rows if (row["set"], row["by"]) == (name, by)] for by in (BOTH, MODEL, FINDER)}
        n, read, wrong = (sum(int(row[key]) for row in each[BOTH]) for key in ("n", "read", "wrong_read"))
        right = [_share(sum(int(row["right"]) for row in own), n) for own in each.values()]
        expected = sum(float(row["expected"]) for row in each[BOTH])
        sure = _share(read, n), _share(wrong, read), _share(expected, read)
        seen = "" if each[BOTH][0].get("model", "bundled") == "bundled" else " (1)"
        lines.append(line(name + seen, f"{n:,}", *right, *sure, _worst(each[BOTH])))
    return "\n".join(lines)


def _worst(rows: Sequence[Row]) -> str:
    """The three most frequent errors."""
    kinds: collections.Counter[str] = collections.Counter()
    for row in rows:
        for kind in row["misread_as"].split():
            label, count = kind.split(":")
            kinds[f"{row['digit']} → {label}"] += int(count)
    return ", ".join(f"{kind} ({count})" for kind, count in kinds.most_common(3))


def _share(part: float, whole: int) -> str:
    return f"{part / max(whole, 1):.1%}".replace("%", " %")
