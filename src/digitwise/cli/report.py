"""``digitwise report`` and ``digitwise compare``: a run as one page, and runs against each other."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitwise.cli.console import (
    DataOption,
    JsonFlag,
    LabelColumnOption,
    OpenFlag,
    PatchOption,
    open_file,
    out,
    print_json,
    table,
)
from digitwise.cli.evaluate import guaranteed
from digitwise.cli.options import ClassMixOption, MaxErrorOption, SamplesOption, class_mix, share

if TYPE_CHECKING:
    from digitwise.evaluation import Comparison
    from digitwise.runs import Run


def report(
    runs: Annotated[
        list[Path], typer.Argument(help="Run folders: the report is about the first, others are compared with it.")
    ],
    out_file: Annotated[
        Path | None,
        typer.Option("--out", help="The page; numbers and figures go beside it.  [default: RUN/report.html]"),
    ] = None,
    data: DataOption = None,
    patch: PatchOption = None,
    label_column: LabelColumnOption = None,
    target: Annotated[float, typer.Option(parser=share, metavar="SHARE", help="The error rate to stay below.")] = "1%",  # type: ignore[assignment]  # Typer parses the default too
    max_error: MaxErrorOption = None,
    samples: SamplesOption = 10_000,
    mix: ClassMixOption = None,
    findings: Annotated[Path | None, typer.Option(help="findings.json of digitwise check, to show them too.")] = None,
    open_page: OpenFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Write a run's report: one self-contained HTML file, its numbers as JSON, its figures."""
    from digitwise.evaluation.assessment import under_patch
    from digitwise.reporting.content import Wishes
    from digitwise.reporting.report import write_report
    from digitwise.runs import Run

    opened = [Run.open(path) for path in runs]
    place = out_file or opened[0].path / "report.html"
    dataset = opened[0].dataset(data, label_column=label_column)
    found = opened[0].patched_test(dataset, patch)
    wishes = Wishes(
        target=target,
        max_error=max_error or guaranteed(opened[0]),
        samples=samples,
        class_mix=class_mix(mix),
        findings=_findings(findings),
        patched=[c.as_dict() for c in under_patch(opened[0].predictions("test"), *found)] if found else (),
    )
    numbers = write_report(opened, dataset, place, wishes)
    if open_page:
        open_file(place)
    if as_json:
        print_json(numbers)
        return
    out.print(numbers["verdict"]["words"])
    for step in numbers["next_steps"]:
        out.print(f"  {step}")
    out.print(f"Written to {place}; its numbers to {place.with_suffix('.json')}")


def _findings(path: Path | None) -> list[dict[str, Any]]:
    from digitwise.errors import DataError

    if path is None:
        return []
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return [{key: each[key] for key in ("code", "severity", "title", "count")} for each in found]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: expected the findings.json of digitwise check; run it again") from error


def compare(
    runs: Annotated[list[Path], typer.Argument(help="Run folders, two or more, tested on the same images.")],
    images: Annotated[
        Path | None, typer.Option(help="Draw the images that both runs, or only one of two, get wrong, as PNG.")
    ] = None,
    data: DataOption = None,
    label_column: LabelColumnOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Compare runs image by image on the same test set; over several seeds, their mean and spread."""
    from digitwise.errors import RunError
    from digitwise.evaluation.comparison import all_different
    from digitwise.evaluation.comparison import compare as compare_runs
    from digitwise.evaluation.spread import over_seeds, seeds_in_words
    from digitwise.files import real
    from digitwise.outputs import check_file
    from digitwise.reporting.figures import FIGURES
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
    from digitwise.reporting.figures import Group, compared_groups, grouped_gallery

    test = a.dataset(data, label_column=label_column).test
    names = (a.path.name, b.path.name)
    groups = compared_groups((a.predictions("test"), b.predictions("test")), names)
    grouped_gallery(test, groups or [Group("no image that either gets wrong", ())], path)
