"""``digitwise compare``: whether one run is better than another, or luckier."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from digitwise.cli.console import JsonFlag, out, print_json, table


def compare(
    run_a: Annotated[Path, typer.Argument(help="A run folder.")],
    run_b: Annotated[Path, typer.Argument(help="Another one, tested on the same pictures.")],
    as_json: JsonFlag = False,
) -> None:
    """Compare two runs, picture by picture, on the test set they share."""
    from digitwise.evaluation.stored import compare as compare_runs
    from digitwise.runs import Run

    a, b = Run.open(run_a), Run.open(run_b)
    result = compare_runs(a, b)
    if as_json:
        print_json({"a": str(a.path), "b": str(b.path), **result.as_dict()})
        return
    rows = [
        (f"{a.path}", result.errors_a, result.only_a),
        (f"{b.path}", result.errors_b, result.only_b),
        ("both", "", result.both_wrong),
    ]
    out.print(table(("run", "errors", "wrong here only"), rows))
    out.print(result.verdict(str(a.path), str(b.path)) + f", exact McNemar test on {result.n:,} pictures")
    low, high = result.difference_95
    out.print(f"error rate {result.difference:+.2%} against the other's (95 % interval {low:+.2%} to {high:+.2%})")
