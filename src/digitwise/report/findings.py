"""The page of ``digitwise check``: each finding with its images, what it means and what to do; its list as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from digitwise.checks import Checked, Finding, Subject
from digitwise.images import ImageSet
from digitwise.outputs import Kind, check_file, write, write_plain
from digitwise.report.galleries import sheet_of
from digitwise.report.render import render
from digitwise.runs import now
from digitwise.system import versions

CHECK = Kind("check", "an earlier one of digitwise check")
FILES = ("findings.json", "index.html")
SHOWN = 100  # images a finding


def check_place(folder: Path) -> None:
    """Make sure that :func:`write_findings` may write into a folder.

    Raises
    ------
    DataError
        If a file of these names is something else than earlier findings.
    """
    for name in FILES:
        check_file(folder / name, CHECK)


def write_findings(checked: Checked, folder: Path) -> Path:
    """Write ``index.html`` and ``findings.json``.

    Parameters
    ----------
    checked : Checked
    folder : Path
        Made where it does not exist; earlier findings there are replaced.

    Returns
    -------
    Path
        The page.
    """
    check_place(folder)
    page = render("findings.html.j2", **content(checked))
    write_plain(folder / "findings.json", CHECK, checked.as_list())
    write(folder / "index.html", CHECK, page)
    return folder / "index.html"


def content(checked: Checked) -> dict[str, Any]:
    """All that stands on the page, as plain values."""
    subject = checked.subject
    return {
        "digitwise": versions()["digitwise"],
        "created": now(),
        "name": subject.name,
        "clean": checked.clean,
        "worst": checked.worst,
        "sizes": [
            {"split": part.split, "n": f"{len(part):,}", "size": "×".join(map(str, part.images.shape[1:]))}
            for part in subject.parts
        ],
        "findings": [
            {
                "code": finding.code,
                "anchor": f"{finding.code.lower()}-{finding.split}",
                "title": finding.title,
                "severity": finding.severity,
                "split": finding.split,
                "count": f"{finding.total:,}",
                "words": finding.words[:1].upper() + finding.words[1:],
                "meaning": checked.checks[finding.code].meaning,
                "remedy": checked.checks[finding.code].remedy,
                "table": _table(finding),
                "tiles": [tile.caption for tile in finding.tiles[:SHOWN]],
                "sheet": _sheet(finding, subject),
                "more": max(0, len(finding.tiles) - SHOWN),
            }
            for finding in checked.findings
        ],
        "passed": [{"code": code, "title": checked.checks[code].title} for code in checked.passed],
        "skipped": [
            {"code": code, "title": checked.checks[code].title, "reason": reason}
            for code, reason in checked.skipped.items()
        ],
    }


def _sheet(finding: Finding, subject: Subject) -> Any:
    """The images as they are stored, on one sheet."""
    parts = {part.split: part for part in subject.parts}
    shown = finding.tiles[:SHOWN]
    if not shown:
        return None
    images = np.stack([parts[tile.split].stored[tile.index] for tile in shown])
    zeros = np.zeros(len(shown), np.int64)
    return sheet_of(ImageSet(images, zeros, ("",)), np.arange(len(shown), dtype=np.int64))


def _table(finding: Finding) -> Sequence[Sequence[str]]:
    """Evidence that is a list of things with names: files, properties."""
    if files := finding.evidence.get("files"):
        return [("file", "why"), *((each["file"], each["reason"]) for each in files[:SHOWN])]
    if rows := finding.evidence.get("properties"):
        body = [
            (r["name"], f"{r['median_training']:.2f}", f"{r['median_test']:.2f}", f"{max(r['auc'], 1 - r['auc']):.0%}")
            for r in rows
        ]
        return [("property", "training, median", "test, median", "told apart"), *body]
    if counts := finding.evidence.get("counts"):
        return [("class", "images"), *((name, f"{n:,}") for name, n in counts.items())]
    return []
