"""``digitwise report``: a run as one page that says how good it is, why it fails, and what to do about it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from digitwise.cli.console import DataOption, JsonFlag, LabelColumnOption, PatchOption, out, print_json
from digitwise.cli.evaluate import guaranteed
from digitwise.cli.options import ClassMixOption, MaxErrorOption, SamplesOption, class_mix, share


def report(
    runs: Annotated[list[Path], typer.Argument(help="Run folders: the first is reported on, others compared with it.")],
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
    as_json: JsonFlag = False,
) -> None:
    """Write a run's report: one HTML file that needs nothing else, its numbers as JSON, its figures."""
    from digitwise.evaluation.assessment import under_patch
    from digitwise.report.content import Wishes
    from digitwise.report.page import write_report
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
