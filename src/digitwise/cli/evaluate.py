"""``digitwise evaluate``: how many errors to expect of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from digitwise.cli.console import DataOption, JsonFlag, out, print_json, table


def evaluate(
    run: Annotated[Path, typer.Argument(help="A run folder.")], data: DataOption = None, as_json: JsonFlag = False
) -> None:
    """Evaluate a run on its test pictures, or on those of other data."""
    from digitwise.runs import Run
    from digitwise.training.evaluate import evaluate as evaluate_run

    opened = Run.open(run)
    result = evaluate_run(opened, data)
    if as_json:
        keys = ("fit_seconds", "seed", "parameters")
        print_json(
            {
                "recipe": opened.name,
                "data": data or opened.info["data"]["name"],
                **result.as_dict(),
                **{key: opened.info[key] for key in keys},
            }
        )
        return
    out.print(f"{opened.name}: accuracy {result.accuracy:.2%}; {result.in_production()}")
    rows = [
        (
            score.name,
            score.n,
            score.errors,
            *("–" if v is None else f"{v:.2%}" for v in (score.precision, score.recall)),
        )
        for score in result.classes
    ]
    out.print(table(("class", "pictures", "errors", "precision", "recall"), rows))
