"""``digitwise compare``: whether one run is better than another, or luckier."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitwise.cli.console import DataOption, JsonFlag, LabelColumnOption, out, print_json, table

if TYPE_CHECKING:
    from digitwise.evaluation import Comparison
    from digitwise.runs import Run


def compare(
    runs: Annotated[list[Path], typer.Argument(help="Run folders, two or more, tested on the same images.")],
    images: Annotated[
        Path | None, typer.Option(help="Draw what both, only the first, only the second of two get wrong, as PNG.")
    ] = None,
    data: DataOption = None,
    label_column: LabelColumnOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Compare runs, image by image, on the test set they share; over several seeds, their mean and spread."""
    from digitwise.errors import RunError
    from digitwise.evaluation.comparison import all_different
    from digitwise.evaluation.comparison import compare as compare_runs
    from digitwise.evaluation.spread import over_seeds, seeds_in_words
    from digitwise.files import real
    from digitwise.outputs import check_file
    from digitwise.report.figures import FIGURES
    from digitwise.runs import Run

    if len(runs) < 2:
        raise RunError(f"compare: expected two run folders or more, got {len(runs)}")
    opened = [Run.open(path) for path in runs]
    all_different(opened)
    if images is not None and len(opened) != 2:
        raise RunError(f"--images: expected two run folders, got {len(opened)}")
    if images is not None:
        check_file(real(images), FIGURES)
    results = [(a, b, compare_runs(a, b)) for a, b in itertools.combinations(opened, 2)]
    recipes = over_seeds(opened)
    if images is not None:
        _draw(opened[0], opened[1], data, label_column, real(images))
    if as_json:
        pairs = [{"a": str(a.path), "b": str(b.path), **result.as_dict()} for a, b, result in results]
        print_json(pairs[0] if len(pairs) == 1 else {"pairs": pairs, "recipes": recipes})
        return
    for a, b, result in results:
        _tell(str(a.path), str(b.path), result)
    for row in recipes:
        out.print(seeds_in_words(row))


def _tell(a: str, b: str, result: Comparison) -> None:
    rows = [(a, result.errors_a, result.only_a), (b, result.errors_b, result.only_b), ("both", "", result.both_wrong)]
    out.print(table(("run", "errors", "wrong here only"), rows))
    out.print(f"{result.verdict(a, b)}, exact McNemar test on {result.n:,} images")
    low, high = result.difference_95
    out.print(f"error rate {result.difference:+.2%} against the other's (95 % interval {low:+.2%} to {high:+.2%})")


def _draw(a: Run, b: Run, data: str | None, label_column: str | None, path: Path) -> None:
    from digitwise.report.figures import grouped_gallery
    from digitwise.report.galleries import Group, compared_groups

    test = a.dataset(data, label_column=label_column).test
    names = (a.path.name, b.path.name)
    groups = compared_groups((a.predictions("test"), b.predictions("test")), names)
    grouped_gallery(test, groups or [Group("no image that either gets wrong", ())], path)
