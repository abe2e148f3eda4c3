"""The tables about the reader, made from the rows kept."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from benchmarks.cells import head, line
from benchmarks.measure import Row, kept
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
        rate = _percent(errors / digits)
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
            right = _percent((digits - wrong - missing) / digits)
            lines.append(line(name, str(len(own)), f"{digits:,}", right, str(wrong), str(missing), str(extra)))
    return "\n".join(lines)


def speed_table(rows: Sequence[Row]) -> str:
    """The medians of what was timed, and the ratios to the peers."""
    if not rows:
        return ""
    found = {
        what: statistics.median(float(row["value"]) for row in rows if row["what"] == what)
        for what in dict.fromkeys(row["what"] for row in rows)
    }
    units = {row["what"]: row["unit"] for row in rows}
    where = rows[-1]
    lines = head(f"{where['cores']} cores of an {where['cpu']}", "median", "unit")
    lines += [
        line(what, f"{value:,.0f}" if value > 1000 else f"{value:.3g}", units[what]) for what, value in found.items()
    ]
    ratios = []
    for given in ("probabilities", "readings"):
        ours = found[f"reader, 10,000 images to {given}"]
        times = (f"{ours / found[what]:.1f} times {what}" for what in found if what.startswith(("Keras", "PyTorch")))
        ratios.append(f"To {given}: {', '.join(times)}.")
    told = "The peers give probabilities; readings are objects with label, confidence and status."
    return "\n".join([*lines, "", *ratios, told])


def _share(rows: Sequence[Row], column: str) -> str:
    share = sum(int(row[column]) for row in rows) / max(sum(int(row["images"]) for row in rows), 1)
    return _percent(share)


def reading_summary(rows: Sequence[Row]) -> str:
    """The results' table: what a user of the bundled model may expect."""
    from digitwise.reading.model import Model

    test = Model().card.document["metrics"]["test"]
    lines = head("the bundled model", "measured", "aimed at")
    lines.append(line("MNIST's test digits misread", f"{test['errors']} of {test['n']:,}", ""))
    for what, aim in (("single digits", "75 of 76"), ("drawn on a screen", "998 of 1,000")):
        own = [row for row in rows if row["what"] == what]
        digits = sum(int(row["digits"]) for row in own)
        right = digits - sum(int(row["errors"]) for row in own)
        lines.append(line(f"other people's scans, {what}, right", f"{right:,} of {digits:,}", aim))
    photos = [row for row in rows if row["what"] == "photos of numbers"]
    errors, digits = sum(int(row["errors"]) for row in photos), sum(int(row["digits"]) for row in photos)
    lines.append(line("rows of digits on four photos, digit error rate", _percent(errors / max(digits, 1)), "5 %"))
    if pages := kept("pages"):
        missed = sum(int(page["wrong"]) + int(page["missing"]) for page in pages)
        right = 1 - missed / sum(int(page["digits"]) for page in pages)
        lines.append(line(f"digits on {len(pages)} made pages, right", _percent(right), "98 %"))
    if disturbed := [row for row in kept("robustness") if row["kind"] in DISTURBED]:
        means = (_share(disturbed, column) for column in ("errors_normalized", "errors"))
        lines.append(
            line("misread under light, fog, noise, stripes, blur", "{}; {} without repair".format(*means), "3 %")
        )
    return "\n".join(lines)


def _percent(share: float) -> str:
    return f"{share:.1%}".replace("%", " %")
