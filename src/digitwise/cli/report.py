"""``digitwise report`` and ``digitwise compare``: a model as one page, and models against each other."""

from __future__ import annotations

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
    bar_for,
    open_file,
    out,
    print_json,
    table,
    telling_warnings,
)
from digitwise.cli.options import ClassMixOption, InputScaleOption, MaxErrorOption, SamplesOption, class_mix, share

FINDING = {"code": str, "severity": str, "title": str, "count": int}  # what a report shows of one

if TYPE_CHECKING:
    from digitwise.reporting.evaluation import Evaluation


def report(
    models: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN|MODEL…",
            help="Run folders or saved evaluations, or, with --data, models as for evaluate: the report is about the "
            "first, others are compared with it.",
        ),
    ],
    out_file: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="The page; numbers and figures go beside it.  [default: report.html in the folder of the run or "
            "saved evaluation; for a model in this one]",
        ),
    ] = None,
    data: DataOption = None,
    patch: PatchOption = None,
    label_column: LabelColumnOption = None,
    input_scale: InputScaleOption = None,
    target: Annotated[
        float | None, typer.Option(parser=share, metavar="SHARE", help="The error rate to stay below.")
    ] = None,
    max_error: MaxErrorOption = None,
    samples: SamplesOption = 10_000,
    mix: ClassMixOption = None,
    findings: Annotated[Path | None, typer.Option(help="findings.json of digitwise check, to show them too.")] = None,
    open_page: OpenFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Write the report of a run or another model: one self-contained HTML file, its numbers as JSON, its figures."""
    from digitwise.reporting.content import Wishes
    from digitwise.reporting.report import write_report
    from digitwise.workflows.report import default_place, subject

    place = out_file or default_place(models[0])
    wishes = Wishes(target, max_error, samples, class_mix(mix), _findings(findings), patch)
    with telling_warnings(), bar_for("evaluating"):
        subjects = [subject(each, data, label_column=label_column, input_scale=input_scale) for each in models]
    with bar_for("drawing the report"):
        numbers = write_report(subjects, place, wishes)
    if open_page:
        open_file(place)
    if as_json:
        print_json(numbers)
        return
    out.print(numbers["verdict"]["words"])
    for step in numbers["next_steps"]:
        told = [step["words"], *(["  " + step["command"], step["expected"]] if step["command"] else [])]
        out.print(*(f"  {line}" for part in told for line in part.split("\n")), sep="\n")
    out.print(f"Written to {place}; its numbers to {place.with_suffix('.json')}")


def _findings(path: Path | None) -> list[dict[str, Any]]:
    from digitwise.errors import DataError

    if path is None:
        return []
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if not all(type(each[key]) is kind for each in found for key, kind in FINDING.items()):
            raise TypeError
        return [{key: each[key] for key in FINDING} for each in found]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(f"{path}: expected the findings.json of digitwise check; run it again") from error


def compare(
    models: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN|MODEL…",
            help="Two or more, tested on the same images: run folders, saved evaluations; with --data also models.",
        ),
    ],
    images: Annotated[
        Path | None, typer.Option(help="Draw the images that both, or only one of two, get wrong, as PNG.")
    ] = None,
    data: DataOption = None,
    label_column: LabelColumnOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Compare models image by image on the same images; of runs over several seeds, their mean and spread."""
    from digitwise.errors import RunError
    from digitwise.evaluation.spread import over_seeds, seeds_in_words
    from digitwise.files import real
    from digitwise.outputs import check_file
    from digitwise.reporting.figures import FIGURES
    from digitwise.workflows.compare import compared, opened

    if len(models) < 2:
        raise RunError(f"compare: expected two run folders or more, got {len(models)}")
    if images is not None and len(models) != 2:
        raise RunError(f"--images: expected two run folders, got {len(models)}")
    if images is not None:
        check_file(real(images), FIGURES)
    with telling_warnings(), bar_for("evaluating"):
        found = opened(models, data, label_column=label_column)
    results = compared(found, list(map(str, models)))
    recipes = over_seeds([each.run for each in found if each.run])
    if images is not None:
        _draw(found[0], found[1], (models[0].name, models[1].name), real(images))
    rows = results.rows()
    if as_json:
        alone = {"a": str(models[0]), "b": str(models[1]), **results[0].as_dict()}
        print_json(alone if len(rows) == 1 else {"pairs": rows, "recipes": recipes})
        return
    for row in rows:
        _tell(row)
    if len(rows) > 1:
        out.print(f"p-values are adjusted for {len(rows)} comparisons by Holm's method")
    for spread in recipes:
        out.print(seeds_in_words(spread))


def _tell(row: dict[str, Any]) -> None:
    a, b = ((row[each], row[f"errors_{each}"], row[f"only_{each}"]) for each in "ab")
    out.print(table(("model", "errors", "wrong here only"), [a, b, ("both", "", row["both_wrong"])]))
    out.print(f"{row['verdict']}, exact McNemar test on {row['n']:,} images")
    low, high = row["difference_95"]
    out.print(f"error rate {row['difference']:+.2%} against the other's (95 % interval {low:+.2%} to {high:+.2%})")


def _draw(a: Evaluation, b: Evaluation, names: tuple[str, str], path: Path) -> None:
    from digitwise.reporting.figures import Group, compared_groups, grouped_gallery

    groups = compared_groups((a.predictions, b.predictions), names)
    grouped_gallery(a.images, groups or [Group("no image that either gets wrong", ())], path)
