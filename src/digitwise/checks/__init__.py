"""Checks of data sets: one class per check, registered in :data:`CHECKS`, run by :func:`run_checks`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from digitwise import displays, parts
from digitwise.checks.base import SEVERITIES, Check, Finding, ImageCheck, NotApplicableError, Severity
from digitwise.checks.duplicates import Contradictions, ExactDuplicates, Leakage, NearDuplicates
from digitwise.checks.labels import LabelErrors, LabelRange, MissingClass, UnevenClasses, Unreadable
from digitwise.checks.orientation import Orientation
from digitwise.checks.outliers import OddOneOut
from digitwise.checks.pixels import Blank, PixelRange, Placement, Polarity
from digitwise.checks.shift import Shift
from digitwise.checks.subject import Learned, SplitData, Subject
from digitwise.errors import DataError

CHECKS: dict[str, Check] = {}
GROUP = "digitwise.checks"  # entry points of this name are registered too
SHOWN = 10  # images of a finding in a notebook
COLUMNS = ("code", "title", "severity", "split", "count", "words")

__all__ = [
    "CHECKS",
    "Check",
    "Checked",
    "Finding",
    "ImageCheck",
    "Learned",
    "NotApplicableError",
    "Severity",
    "SplitData",
    "Subject",
    "chosen",
    "register",
    "run_checks",
]


def register(check: Check) -> Check:
    """Add a check to the family, a package's own or yours.

    A package registers its checks by itself with an entry point of the group ``digitwise.checks`` that names a
    :class:`Check` class.

    Raises
    ------
    DataError
        If its code is taken.
    """
    known = CHECKS.get(check.code)
    if known is not None and type(known) is not type(check):
        raise DataError(f"check {check.code}: expected a code of its own, {check.code} is {known.title!r}")
    CHECKS[check.code] = check
    return check


for _check in (
    UnevenClasses,
    MissingClass,
    LabelRange,
    Unreadable,
    ExactDuplicates,
    NearDuplicates,
    Contradictions,
    Leakage,
    Blank,
    PixelRange,
    Polarity,
    Placement,
    OddOneOut,
    Orientation,
    LabelErrors,
    Shift,
):
    register(_check())


@dataclass(frozen=True, eq=False, repr=False)
class Checked:
    """The result of checking a data set.

    Parameters
    ----------
    subject : Subject
    checks : dict of str to Check
        Those that were run, by code.
    findings : tuple of Finding
        Errors first, then warnings; of one severity in the order of the codes.
    passed : tuple of str
        Codes of the checks that found nothing.
    skipped : dict of str to str
        Codes of checks that do not apply, with the reason.
    """

    subject: Subject
    checks: dict[str, Check]
    findings: tuple[Finding, ...]
    passed: tuple[str, ...]
    skipped: dict[str, str]

    def __repr__(self) -> str:
        found = ", ".join(finding.code for finding in self.findings) or "nothing"
        return f"Checked({self.subject.name}: {found} found, {len(self.passed)} passed, {len(self.skipped)} skipped)"

    @property
    def clean(self) -> bool:
        """Whether there is no finding of severity error."""
        return all(finding.severity != "error" for finding in self.findings)

    @property
    def worst(self) -> Severity | None:
        """The highest severity found."""
        ranks = [SEVERITIES.index(finding.severity) for finding in self.findings]
        return SEVERITIES[max(ranks)] if ranks else None

    def as_list(self) -> list[dict[str, Any]]:
        """What ``findings.json`` holds."""
        files = {part.split: part.raw.files for part in self.subject.parts}
        return [finding.as_dict(files.get(finding.split, ())) for finding in self.findings]

    def frame(self) -> Any:
        """The findings as a pandas frame, one row each, in their order.

        Raises
        ------
        MissingPartError
            If pandas is not installed.
        """
        rows = [(f.code, f.title, f.severity, f.split, f.total, f.words) for f in self.findings]
        return parts.imported("pandas", "a frame").DataFrame(rows, columns=COLUMNS)

    def _repr_html_(self) -> str:
        sizes = ", ".join(f"{len(part):,} {part.kind} images" for part in self.subject.parts)
        stored = {part.split: part.stored for part in self.subject.parts}
        shown = [displays.paragraph(f"{self.subject.name}: {sizes}")]
        for finding in self.findings:
            tiles = finding.tiles[:SHOWN]
            images = [stored[tile.split][tile.index] for tile in tiles]
            shown += [finding._repr_html_(), displays.gallery(images, [tile.caption for tile in tiles])]
        if not self.findings:
            shown.append(displays.paragraph("Nothing found."))
        if self.passed:
            shown.append(displays.paragraph(f"found nothing: {', '.join(self.passed)}"))
        shown += [displays.paragraph(f"does not apply: {code}: {reason}") for code, reason in self.skipped.items()]
        return displays.block(*shown)


def chosen(select: Sequence[str] = (), ignore: Sequence[str] = ()) -> list[Check]:
    """Checks by code, or by the beginning of one; by default all.

    Raises
    ------
    DataError
        If a code matches no check.
    """
    _register_installed()
    for asked in (*select, *ignore):
        if not any(code.startswith(asked.upper()) for code in CHECKS):
            codes = sorted(CHECKS)
            told = f"check {asked!r}: expected one of {', '.join(codes)}"
            raise DataError(told, argument="select", expected=tuple(codes), got=asked)

    def named(code: str, codes: Sequence[str]) -> bool:
        return any(code.startswith(asked.upper()) for asked in codes)

    return [
        check
        for code, check in sorted(CHECKS.items())
        if (not select or named(code, select)) and not named(code, ignore)
    ]


def run_checks(
    subject: Subject, checks: Sequence[Check], *, watch: Callable[[Check, int, int], None] | None = None
) -> Checked:
    """Run checks on a subject.

    Parameters
    ----------
    subject : Subject
    checks : sequence of Check
    watch : callable, optional
        Called with the check that begins, its number from 1, and the number of checks.
    """
    findings: list[Finding] = []
    passed: list[str] = []
    skipped: dict[str, str] = {}
    for place, check in enumerate(checks, 1):
        if watch is not None:
            watch(check, place, len(checks))
        try:
            found = check.find(subject)
        except NotApplicableError as reason:
            skipped[check.code] = str(reason)
            continue
        findings += found
        if not found:
            passed.append(check.code)
    findings.sort(key=lambda finding: -SEVERITIES.index(finding.severity))
    return Checked(subject, {check.code: check for check in checks}, tuple(findings), tuple(passed), skipped)


@cache
def _register_installed() -> None:
    """Register the checks of installed packages, once in a process: asking for them reads a file of each package."""
    from importlib.metadata import entry_points

    for point in entry_points(group=GROUP):
        register(point.load()())
