"""Tables and lines about time: the parts of the clock, budgets kept, other processors, augmentation."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.cells import errors_cell, fit_cell, head, line, rows_of, seconds_cell, title
from benchmarks.contender import PEERS
from benchmarks.figures import NAMES
from benchmarks.measure import Row, fullest, main_place, median, newest, place
from digitwise.recipes import RECIPES

NOTHING_YET = "Not measured yet."
FASTER = 5  # times as many images a second as ImageDataGenerator.flow: what was aimed at


def clock_table(rows: Sequence[Row]) -> str:
    """Each part of the clock, contender by contender."""
    where = main_place(rows)
    lines = head("median seconds", "import", "load", "compile", "fit ± spread", "evaluate")
    for name in (*RECIPES, *PEERS):
        if own := rows_of(rows, name, where):
            before = (seconds_cell(own, part, 2) for part in ("import", "load", "compile"))
            cells = (*before, fit_cell(own, around=True), seconds_cell(own, "evaluate", 2))
            lines.append(line(NAMES.get(name, name), *cells))
    return "\n".join(lines)


def other_processors(rows: Sequence[Row]) -> str:
    """How much longer our recipes take on each processor that is not the main table's."""
    main = main_place(rows)
    lines = []
    for where in sorted({place(row) for row in rows} - {main}):
        pairs = [(rows_of(rows, name, where), rows_of(rows, name, main)) for name in RECIPES]
        times = [median(there, "fit_seconds") / median(here, "fit_seconds") for there, here in pairs if there and here]
        if times:
            made = next(row for row in rows if place(row) == where)
            amx = "" if "amx_bf16" in made["features"] else ", without AMX,"
            lines.append(
                f"On {made['cores']} cores of an {title(where)}{amx} our recipes take "
                f"{min(times):.1f} to {max(times):.1f} times as long."
            )
    return "\n".join(lines)


def budget_table(rows: Sequence[Row]) -> str:
    """What more time buys ``accurate``, and how well the time was kept."""
    if not (rows := fullest(rows)):
        return NOTHING_YET
    lines = head("`accurate --budget`", "wrong of 10,000", "seeds", "furthest from the budget")
    for budget in sorted({float(row["budget"]) for row in rows}):
        own = [row for row in rows if float(row["budget"]) == budget]
        lines.append(line(f"{budget:g}s", errors_cell(own), str(len(own)), f"{max(map(_off, own)):.1f} %"))
    told = f"The fit was never further than {max(map(_off, rows)):.1f} % from its budget (aim: 10 %)."
    return "\n".join([*lines, "", told])


def augmentation_line(rows: Sequence[Row]) -> str:
    """Images a second of our warp over those of Keras' generator."""
    if not (rows := newest(rows)):
        return NOTHING_YET
    ours, theirs = (
        median(rows, "images_per_second", variant=name) for name in ("digitwise", "ImageDataGenerator.flow")
    )
    return (
        f"On one core of an {title(place(rows[0]))} our warp makes {ours:,.0f} images a second and\n"
        f"`ImageDataGenerator.flow` {theirs:,.0f}: {ours / theirs:.1f} times as many "
        f"(aimed at: {FASTER} times or more)."
    )


def _off(row: Row) -> float:
    """Per cent that the fit was from its budget."""
    return 100 * abs(float(row["fit_seconds"]) / float(row["budget"]) - 1)
