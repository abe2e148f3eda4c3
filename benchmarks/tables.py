"""The tables in README and docs and the heads of the recipes, made from the rows kept."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from benchmarks.ablation import EPOCHS
from benchmarks.attack import attack_table
from benchmarks.cells import (
    BACKENDS,
    accuracy_cell,
    errors_cell,
    fit_cell,
    head,
    line,
    rows_of,
    share_cell,
    title,
)
from benchmarks.clock import NOTHING_YET, augmentation_line, budget_table, clock_table, other_processors
from benchmarks.contender import PEERS
from benchmarks.figures import NAMES
from benchmarks.finding import finder_table
from benchmarks.marking import marking_table
from benchmarks.measure import Row, kept, main_place, median, place, spread
from benchmarks.natural import natural_table
from benchmarks.paper.speed import numbers_speed_table
from benchmarks.paper.tables import TABLES as NUMBERS
from benchmarks.plan import bounds, reading_plan, training_plan
from benchmarks.reader_tables import pages_table, reading_summary, robustness_table, scans_table, speed_table
from benchmarks.rejection import rejection_table
from benchmarks.scale import scale_table
from benchmarks.server import server_table, serving_summary
from benchmarks.small import small_table
from benchmarks.soak import soak_table
from benchmarks.steps import steps_table
from benchmarks.strangers import strangers_table
from digitwise.recipes import RECIPES

ROOT = Path(__file__).parents[1]
PAGES = tuple(
    ROOT / name
    for name in ("README.md", "docs/results.md", "docs/benchmarks.md", "docs/scale.md", "docs/decisions/finder.md")
)
NAMED = ROOT / "src" / "digitwise" / "recipes" / "named.py"


SHORT = ("flash", "improved", "augmented", "accurate", "exercise-1", "exercise-2", "exercise-3", "sklearn-mlp")
OTHER_SETS = {"fashion-mnist": ("Fashion-MNIST", 10_000), "digits": ("scikit-learn's digits", 360)}  # test images


def recipe_table(rows: Sequence[Row], names: Sequence[str] = (*RECIPES, *PEERS)) -> str:
    """Recipes and peers on the processor where the most were measured: errors of 10,000, seeds, seconds."""
    where = main_place(rows)
    cores = next((f"{row['cores']} cores of an {title(place(row))}" for row in rows if place(row) == where), "")
    lines = head(cores, "wrong of 10,000, mean ± spread", "seeds", "fit, s")
    for name in names:
        if own := rows_of(rows, name, where):
            what = NAMES[name] if name in PEERS else f"`{name}`: {RECIPES[name].purpose.split(': ')[-1]}"
            lines.append(line(what, errors_cell(own), str(len(own)), fit_cell(own)))
    return "\n".join(lines)


def processor_table(rows: Sequence[Row]) -> str:
    """Every processor measured: errors and seconds."""
    places = sorted({place(row) for row in rows})
    lines = head("", *(text for where in places for text in (f"{title(where)}: wrong", "fit, s")))
    for name in (*RECIPES, *PEERS):
        own = [rows_of(rows, name, where) for where in places]
        cells = [text for part in own for text in (errors_cell(part), fit_cell(part))]
        lines.append(line(NAMES.get(name, name), *cells))
    for peer in ("fast-torch", "fast-torch-bfloat16"):
        shares = [share_cell(rows_of(rows, "flash", where), rows_of(rows, peer, where)) for where in places]
        lines.append(
            line(f"flash's time over that of {NAMES[peer]}", *(text for share in shares for text in ("", share)))
        )
    return "\n".join(lines)


def set_table(rows: Sequence[Row]) -> str:
    """Our recipes on sets that they were not tuned for: share of right answers; and who was not measured."""
    where = main_place(rows)
    lines, left_out = head("", *(called for called, _ in OTHER_SETS.values())), []
    for name in RECIPES:
        own = {data: rows_of(rows, name, where, data=data) for data in OTHER_SETS}
        if any(own.values()):
            lines.append(line(f"`{name}`", *(accuracy_cell(own[data], n) for data, (_, n) in OTHER_SETS.items())))
        else:
            left_out.append(f"`{name}`")
    return "\n".join([*lines, *(["", f"Not measured on these: {', '.join(left_out)}."] if left_out else [])])


def ablation_table(rows: Sequence[Row]) -> str:
    """Every trick of ``augmented`` on and off."""
    lines = head(f"augmented, {EPOCHS} epochs", "wrong of 10,000 validation images", "seeds", "fit, s")
    for variant in dict.fromkeys(row["variant"] for row in rows):
        own = [row for row in rows if row["variant"] == variant]
        errors = spread([float(row["validation_errors"]) for row in own])
        lines.append(line(variant, errors, str(len(own)), f"{median(own, 'seconds'):.1f}"))
    return "\n".join(lines)


def members_table(rows: Sequence[Row]) -> str:
    """Mixes of ``accurate``'s networks, averaged, after trainings of each length: mean, and fewest to most."""
    cells = {(r["members"], r["epochs"]): f"{r['validation_errors']} ({r['fewest']} to {r['most']})" for r in rows}
    lengths = list(dict.fromkeys(row["epochs"] for row in rows))
    lines = head("averaged", *(f"{epochs} epochs" for epochs in lengths))
    for members in dict.fromkeys(row["members"] for row in rows):
        lines.append(line(members, *(cells[members, epochs] for epochs in lengths)))
    return "\n".join(lines)


def measured_table(rows: Sequence[Row]) -> str:
    """What was measured against what was aimed at, a row each."""
    times = any(row.get("times") for row in rows)
    columns = ["what", "measured", "target", *(["times"] if times else [])]
    lines = ["| | measured | target |" + (" times |" if times else ""), "|---|---|---|" + ("---|" if times else "")]
    for row in rows:
        text = "| " + " | ".join(row[column].replace(" | ", "; ") for column in columns) + " |"
        lines.append(re.sub(r"(?<=\d)%", " %", text))
    return "\n".join(lines)


def exercise_table(rows: Sequence[Row]) -> str:
    """The three models of the solved notebook."""
    lines = head("the notebook's models", "wrong of 10,000", "95 % interval of the error rate")
    for number, row in ((number, row) for row in rows for number in (1, 2, 3)):
        lines.append(line(f"model {number}", row[f"model{number}.wrong"], row[f"model{number}.interval"]))
    return "\n".join(lines)


TABLES: dict[str, tuple[Callable[[Sequence[Row]], str], str]] = {  # by their marks, and the rows each is made from
    "recipes": (recipe_table, "recipes"),
    "recipes in short": (partial(recipe_table, names=SHORT), "recipes"),
    "processors": (processor_table, "recipes"),
    "other processors": (other_processors, "recipes"),
    "clock": (clock_table, "recipes"),
    "sets": (set_table, "recipes"),
    "budgets": (budget_table, "budgets"),
    "augmentation": (augmentation_line, "augmentation"),
    "ablation": (ablation_table, "ablation"),
    "members": (members_table, "members"),
    "evaluation": (measured_table, "evaluation"),
    "checks": (measured_table, "checks"),
    "reading": (reading_summary, "reader"),
    "scans": (scans_table, "reader"),
    "strangers": (strangers_table, "strangers"),
    "rejection": (rejection_table, "rejection"),
    "natural": (natural_table, "natural"),
    "steps": (steps_table, "steps"),
    "small": (small_table, "small"),
    "robustness": (robustness_table, "robustness"),
    "pages": (pages_table, "pages"),
    "reader speed": (speed_table, "reader_speed"),
    **{mark: (table, "numbers") for mark, table in NUMBERS.items()},
    "numbers speed": (numbers_speed_table, "numbers_speed"),
    "finder": (finder_table, "finder"),
    "designs": (finder_table, "designs"),
    "server": (server_table, "server"),
    "serving": (serving_summary, "server"),
    "scale": (scale_table, "scale"),
    "reading plan": (reading_plan, "scale"),
    "training plan": (training_plan, "scale"),
    "bounds": (bounds, "scale"),
    "exercise": (exercise_table, "notebook"),
    "marking": (marking_table, "marking"),
    "attack": (attack_table, "attack"),
    "soak": (soak_table, "soak"),
}


def with_tables(text: str) -> str:
    """The text with each table between its marks made anew."""
    for name, (table, source) in TABLES.items():
        begin, end = f"<!-- {name} -->", f"<!-- end {name} -->"
        before, mark, rest = text.partition(begin)
        if mark:
            text = "\n".join([before + begin, table(kept(source)), end + rest.partition(end)[2]])
    return text


def with_result(text: str, name: str) -> str:
    """The text of the recipes' file with the measured result of one, the comment above it, made anew."""
    told = textwrap.fill(result(kept("recipes"), name), 120, initial_indent="# ", subsequent_indent="# ")
    return re.sub(rf"(?m)(^# .*\n)+(?=^{name.upper()} = )", f"{told}\n", text)


def write_tables() -> None:
    """Make all tables and the results above recipes anew."""
    for page in PAGES:
        page.write_text(with_tables(page.read_text(encoding="utf-8")), encoding="utf-8")
    text = NAMED.read_text(encoding="utf-8")
    for name in RECIPES:
        text = with_result(text, name)
    NAMED.write_text(text, encoding="utf-8")


def result(rows: Sequence[Row], name: str) -> str:
    """What a recipe's file says at its head."""
    own = rows_of(rows, name, main_place(rows))
    if not own:
        return NOTHING_YET
    made = own[-1]
    cpu, backend = place(made)
    # The first rows do not say their precision: it was what the processor is fast at.
    precision = made.get("precision") or ("bfloat16" if "avx512_bf16" in made["features"] else "float32")
    return (
        f"Measured (benchmarks/results/recipes.csv): {errors_cell(own)} wrong of 10,000 MNIST test digits, "
        f"fit {fit_cell(own, unit=' s')}; {len(own)} seeds, mean and spread, on {made['cores']} cores of an "
        f"{title((cpu, 'tensorflow'))} in {precision}, Keras {made['keras']} on {BACKENDS[backend]} {made[backend]}."
    )
