"""The tables in the READMEs and the heads of the recipes, made from the rows kept, so that they cannot drift apart."""

from __future__ import annotations

import re
import statistics
import textwrap
from collections.abc import Sequence
from pathlib import Path

from benchmarks.ablation import EPOCHS
from benchmarks.contender import PEERS
from benchmarks.figures import NAMES
from benchmarks.measure import Row, kept, median, spread
from digitwise.recipes import RECIPES

ROOT = Path(__file__).parents[1]
READMES = ROOT / "README.md", ROOT / "benchmarks" / "README.md"
HEADS = {name: ROOT / "src" / "digitwise" / "recipes" / f"{name}.py" for name in RECIPES}


OTHER_SETS = {"fashion-mnist": ("Fashion-MNIST", 10_000), "digits": ("scikit-learn's digits", 360)}  # test pictures


def recipe_table() -> str:
    """Our recipes and the peers: errors of 10,000, seeds, seconds."""
    cpu = _short(kept("recipes")[-1]["cpu"])
    lines = [f"| two cores of an {cpu} | wrong of 10,000, mean ± spread | seeds | fit, s |", "|---|---|---|---|"]
    for name in (*RECIPES, *PEERS):
        if own := _rows(name):
            what = NAMES[name] if name in PEERS else f"`{name}`: {RECIPES[name].purpose.split(': ')[-1]}"
            lines.append(f"| {what} | {_errors(own)} | {len(own)} | {median(own, 'fit_seconds'):.1f} |")
    return "\n".join(lines)


def processor_table() -> str:
    """Every processor measured: errors and seconds."""
    cpus = sorted({row["cpu"] for row in kept("recipes")})
    lines = [
        "| | " + " | ".join(f"{_short(cpu)}: wrong | fit, s" for cpu in cpus) + " |",
        "|---|" + "---|---|" * len(cpus),
    ]
    for name in (*RECIPES, *PEERS):
        cells = []
        for cpu in cpus:
            own = _rows(name, cpu=cpu)
            cells += [_errors(own), f"{median(own, 'fit_seconds'):.1f}"] if own else ["–", "–"]
        lines.append(f"| {NAMES.get(name, name)} | " + " | ".join(cells) + " |")
    for peer in ("fast-torch", "fast-torch-bfloat16"):
        cells = []
        for cpu in cpus:
            ours, theirs = (median(_rows(name, cpu=cpu), "fit_seconds") for name in ("flash", peer))
            cells += ["", f"{ours / theirs:.2f}"]
        lines.append(f"| flash's time over that of {NAMES[peer]} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def set_table() -> str:
    """Our recipes on sets that they were not tuned for: share of right answers."""
    lines = ["| | " + " | ".join(title for title, _ in OTHER_SETS.values()) + " |", "|---|" + "---|" * len(OTHER_SETS)]
    for name in RECIPES:
        rows = {data: _rows(name, data=data) for data in OTHER_SETS}
        if all(rows.values()):
            cells = [_accuracy(rows[data], n) for data, (_, n) in OTHER_SETS.items()]
            lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def ablation_table() -> str:
    """Every trick of ``augmented`` on and off."""
    rows = kept("ablation")
    lines = [f"| augmented, {EPOCHS} epochs | wrong of 10,000 validation pictures | fit, s |", "|---|---|---|"]
    for variant in dict.fromkeys(row["variant"] for row in rows):
        own = [row for row in rows if row["variant"] == variant]
        errors = spread([float(row["validation_errors"]) for row in own])
        lines.append(f"| {variant} | {errors} | {median(own, 'seconds'):.1f} |")
    return "\n".join(lines)


def evaluation_table() -> str:
    """What intervals, promises, tests and slices came to on answers whose truth is known."""
    rows = [
        f"| {row['what']} | {row['measured']} | {row['target']} | {row['times']} |".replace("%", " %").replace(
            "  %", " %"
        )
        for row in kept("evaluation")
    ]
    return "\n".join(["| | measured | target | times |", "|---|---|---|---|", *rows])


TABLES = {
    "evaluation": evaluation_table,
    "recipes": recipe_table,
    "processors": processor_table,
    "sets": set_table,
    "ablation": ablation_table,
}


def with_tables(text: str) -> str:
    """The text with each table between its marks made anew."""
    for name, table in TABLES.items():
        begin, end = f"<!-- {name} -->", f"<!-- end {name} -->"
        before, mark, rest = text.partition(begin)
        if mark:
            text = "\n".join([before + begin, table(), end + rest.partition(end)[2]])
    return text


def with_result(text: str, name: str) -> str:
    """The text of a recipe's file with its measured result, a paragraph at the head, made anew."""
    return re.sub(r"(?ms)^(Measured|Not measured).*?(?=\n\n|\n\"{3})", textwrap.fill(_result(name), 120), text, count=1)


def write_tables() -> None:
    """Make all tables and heads anew."""
    for readme in READMES:
        readme.write_text(with_tables(readme.read_text(encoding="utf-8")), encoding="utf-8")
    for name, file in HEADS.items():
        file.write_text(with_result(file.read_text(encoding="utf-8"), name), encoding="utf-8")


def _result(name: str) -> str:
    rows = _rows(name)
    if not rows:
        return "Not measured yet."
    made = rows[-1]
    precision = "bfloat16" if "avx512_bf16" in made["features"] else "float32"
    return (
        f"Measured (benchmarks/results/recipes.csv): {_errors(rows)} wrong of 10,000 MNIST test digits, "
        f"fit {median(rows, 'fit_seconds'):.1f} s; {len(rows)} seeds, mean and spread, on {made['cores']} cores of an "
        f"{_short(made['cpu'])} in {precision}, Keras {made['keras']} on TensorFlow {made['tensorflow']}."
    )


def _short(cpu: str) -> str:
    return cpu.replace("(R)", "").removesuffix(" Processor")


def _rows(name: str, *, data: str = "mnist", cpu: str | None = None) -> list[Row]:
    """One contender's rows, of the processor measured last if none is named."""
    rows = kept("recipes")
    wanted = (name, data, cpu or rows[-1]["cpu"])
    return [row for row in rows if (row["contender"], row["data"], row["cpu"]) == wanted]


def _accuracy(rows: Sequence[Row], n: int) -> str:
    shares = [100 * (1 - float(row["errors"]) / n) for row in rows]
    return f"{statistics.mean(shares):.2f} % ({len(rows)} seeds)"


def _errors(rows: Sequence[Row]) -> str:
    return spread([float(row["errors"]) for row in rows]) if len(rows) > 1 else str(rows[0]["errors"])
