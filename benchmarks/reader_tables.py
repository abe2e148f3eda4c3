"""The tables about the reader, made from the rows kept."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from benchmarks.cells import head, line
from benchmarks.measure import Row
from benchmarks.reader import DIFFICULTIES
from digitwise.synthetic import CORRUPTIONS

# Of the aim of 3 % at most in the mean.
DISTURBED = ("brightness", "fog", "impulse noise", "stripes", "gaussian blur", "motion blur")
NUMBERS = ("turn", "tilt", "shadow", "edge", "dark", "height", "touching", "digits", "wrong", "missing", "extra")


def scans_table(rows: Sequence[Row]) -> str:
    """Real scans: what was read right, and the files that were not."""
    lines = head("real scans", "digits", "right", "misread")
    for row in rows:
        digits, errors = int(row["digits"]), int(row["errors"])
        detail = row["detail"] if row["what"] != "photos of numbers" and errors else ""
        lines.append(line(f"{row['what']}, {row['of']}", f"{digits:,}", f"{digits - errors:,}", detail))
    photos = [row for row in rows if row["what"] == "photos of numbers"]
    errors, digits = sum(int(row["errors"]) for row in photos), sum(int(row["digits"]) for row in photos)
    if digits:
        rate = f"{errors / digits:.1%}".replace("%", " %")
        lines += ["", f"Digit error rate on the photos (edit distance over the digits written): {rate}."]
    return "\n".join(lines)


def robustness_table(rows: Sequence[Row]) -> str:
    """Errors under each disturbance, as it is and through ``normalize``, and the means."""
    lines = head("disturbance", "severity", "as it is", "through `normalize`")
    for row in rows:
        unit = f" {row['unit']}" if row["unit"] else ""
        severity = "" if row["kind"] == "none" else f"{float(row['severity']):g}{unit}"
        lines.append(line(row["kind"], severity, _share([row], "errors"), _share([row], "errors_normalized")))
    disturbed = [row for row in rows if row["kind"] in CORRUPTIONS]
    photographic = [row for row in disturbed if row["kind"] in DISTURBED]
    for name, own in (("mean over all", disturbed), (f"mean over {', '.join(DISTURBED)}", photographic)):
        lines.append(line(f"**{name}**", "", _share(own, "errors"), _share(own, "errors_normalized")))
    return "\n".join(lines)


def pages_table(rows: Sequence[Row]) -> str:
    """Made pages by what makes them hard."""
    pages = [{**row, **{key: float(row[key]) for key in NUMBERS}} for row in rows]
    lines = head("made pages", "pages", "digits", "right", "wrong", "missing", "extra")
    for name, hard in DIFFICULTIES.items():
        if own := [page for page in pages if hard(page)]:
            digits, wrong, missing, extra = (
                int(sum(page[key] for page in own)) for key in ("digits", "wrong", "missing", "extra")
            )
            right = f"{(digits - wrong - missing) / digits:.1%}".replace("%", " %")
            lines.append(line(name, str(len(own)), f"{digits:,}", right, str(wrong), str(missing), str(extra)))
    return "\n".join(lines)


def speed_table(rows: Sequence[Row]) -> str:
    """The medians of what was timed, and the ratios to the peers."""
    found = {
        what: statistics.median(float(row["value"]) for row in rows if row["what"] == what)
        for what in dict.fromkeys(row["what"] for row in rows)
    }
    units = {row["what"]: row["unit"] for row in rows}
    where = rows[-1]
    lines = head(f"{where['cores']} cores of an {where['cpu']}", "median", "unit")
    lines += [line(what, f"{value:,.4g}", units[what]) for what, value in found.items()]
    ours = found["reader, 10,000 pictures to readings"]
    ratios = [f"{ours / value:.1f} times {what}" for what, value in found.items() if what.startswith(("Keras", "PyT"))]
    return "\n".join([*lines, "", f"Pictures to readings: {', '.join(ratios)}."])


def _share(rows: Sequence[Row], column: str) -> str:
    share = sum(int(row[column]) for row in rows) / max(sum(int(row["pictures"]) for row in rows), 1)
    return f"{share:.1%}".replace("%", " %")
