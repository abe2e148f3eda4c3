"""The tables in the READMEs, made from the rows kept, so that they cannot drift apart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.contender import PEERS
from benchmarks.figures import NAMES
from benchmarks.measure import Row, kept, median, spread
from digitwise.recipes import RECIPES

READMES = Path(__file__).parents[1] / "README.md", Path(__file__).parent / "README.md"


def recipe_table() -> str:
    """Our recipes and the peers: errors of 10,000, seeds, seconds."""
    rows = [row for row in kept("recipes") if row["data"] == "mnist"]
    lines = ["| | wrong of 10,000, mean ± spread | seeds | fit, s (median) |", "|---|---|---|---|"]
    for name in (*RECIPES, *PEERS):
        own = [row for row in rows if row["contender"] == name]
        if own:
            what = NAMES[name] if name in PEERS else f"`{name}`: {RECIPES[name].purpose.split(': ')[-1]}"
            lines.append(f"| {what} | {_errors(own)} | {len(own)} | {median(own, 'fit_seconds'):.1f} |")
    return "\n".join(lines)


def ablation_table() -> str:
    """Every trick of ``augmented`` on and off."""
    rows = kept("ablation")
    lines = ["| augmented, 4 epochs | wrong of 10,000 validation pictures | fit, s |", "|---|---|---|"]
    for variant in dict.fromkeys(row["variant"] for row in rows):
        own = [row for row in rows if row["variant"] == variant]
        errors = spread([float(row["validation_errors"]) for row in own])
        lines.append(f"| {variant} | {errors} | {median(own, 'seconds'):.1f} |")
    return "\n".join(lines)


TABLES = {"recipes": recipe_table, "ablation": ablation_table}


def with_tables(text: str) -> str:
    """The text with each table between its marks made anew."""
    for name, table in TABLES.items():
        begin, end = f"<!-- {name} -->", f"<!-- end {name} -->"
        before, mark, rest = text.partition(begin)
        if mark:
            text = "\n".join([before + begin, table(), end + rest.partition(end)[2]])
    return text


def write_tables() -> None:
    """Make all tables anew."""
    for readme in READMES:
        readme.write_text(with_tables(readme.read_text(encoding="utf-8")), encoding="utf-8")


def _errors(rows: Sequence[Row]) -> str:
    return spread([float(row["errors"]) for row in rows]) if len(rows) > 1 else str(rows[0]["errors"])
