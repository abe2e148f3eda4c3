"""``digitwise check``: what is wrong with the data, before the model is blamed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitwise.cli.console import (
    FURTHER,
    NOTE,
    JsonFlag,
    LabelColumnOption,
    OpenFlag,
    PatchOption,
    open_file,
    out,
    print_json,
    stage,
    table,
)
from digitwise.cli.options import ClusterOption, JobsOption, ThreadsOption, check_pool, pool_for

if TYPE_CHECKING:
    from digitwise.checks import Check, Checked
    from digitwise.data.patches import Patch

FOUND_ERRORS = 1


def check(
    data: Annotated[str, typer.Argument(metavar="DATA", help="A named set, or the path of your own.")],
    against: Annotated[
        str | None, typer.Option(metavar="TEST", help="Test images, or scans without labels, to compare with.")
    ] = None,
    labels: Annotated[bool, typer.Option("--labels", help="Look for label errors: trains ten small networks.")] = False,
    review: Annotated[
        bool, typer.Option("--review", help="With --labels: write labels.csv, to decide image by image.")
    ] = False,
    patch: PatchOption = None,
    label_column: LabelColumnOption = None,
    select: Annotated[str, typer.Option(metavar="CODES", help="Only these checks: DW010,DW03.")] = "",
    ignore: Annotated[str, typer.Option(metavar="CODES", help="Not these checks.")] = "",
    out_folder: Annotated[Path, typer.Option("--out", help="Folder for the page and findings.json.")] = Path(
        "results/check"
    ),
    open_page: OpenFlag = False,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of the networks.", rich_help_panel=FURTHER)] = 0,
    cluster: ClusterOption = None,
    jobs: JobsOption = None,
    threads: ThreadsOption = None,
    as_json: JsonFlag = False,
) -> int:
    """Find what is wrong with a data set. The exit code is 1 if there is a finding of severity error, else 0."""
    from digitwise import parts
    from digitwise.cli.console import steps
    from digitwise.errors import DataError
    from digitwise.outputs import claimed
    from digitwise.reporting.pages import CHECK, check_place, write_findings
    from digitwise.training.live import CheckWatch
    from digitwise.workflows.check import check as check_data
    from digitwise.workflows.check import why_no_patch

    if review and not labels:
        raise DataError("--review: expected --labels with it, which finds the labels to decide on")
    check_pool(cluster, jobs)
    many = (cluster, jobs, threads) != (None, None, None)
    if many and not labels:
        raise DataError("--cluster, --jobs, --threads: expected --labels with it, which trains networks")
    if labels:
        parts.require("looking for label errors", "keras", "tensorflow", "cleanlab")
    check_place(out_folder)
    review_file = out_folder / "labels.csv"
    if review:
        _earlier(review_file)  # its errors are raised before networks are trained
    console = stage(as_json)

    alone = claimed(out_folder, CHECK, inside=True)
    with alone, pool_for(cluster, jobs, threads) as pool, CheckWatch(steps(console), many=many) as watch:

        def tell(each: Check, place: int, of: int) -> None:
            watch.say(f"{each.code} {each.title}", place - 1, of)

        watch.say("reading the data")
        found = check_data(
            data,
            against=against,
            labels=labels,
            patch=patch,
            label_column=label_column,
            select=_codes(select),
            ignore=_codes(ignore),
            seed=seed,
            watch=watch,
            tell=tell,
            pool=pool,
        )
        watch.say("writing the page")
        page = write_findings(found, out_folder)
        why_not = why_no_patch(found) if review else None
        if review and why_not is None:
            _write_patch(found, review_file)
    if open_page:
        open_file(page)
    written = [page, page.with_name("findings.json"), *([review_file] if review and why_not is None else [])]
    if as_json:
        print_json(found.as_list())
    else:
        _tell(found, written)
        if review and why_not is None:
            out.print(f"Decide: digitwise review {review_file} --data {data}")
    if why_not is not None:
        raise DataError(f"--review: no {review_file.name} is written: {why_not}")
    return 0 if found.clean else FOUND_ERRORS


def _write_patch(found: Checked, review_file: Path) -> None:
    """Write the labels to decide on; decisions in the file so far, also those made during the training, are kept."""
    from digitwise.files import real
    from digitwise.outputs import updated_file, waiting_for
    from digitwise.reporting.pages import CHECK
    from digitwise.workflows.check import label_patch

    file = real(review_file)
    with waiting_for(file), updated_file(file, CHECK) as temporary:
        temporary.write_text(label_patch(found, _earlier(file)), encoding="utf-8", newline="")


def _earlier(review_file: Path) -> Patch | None:
    """Earlier decisions, which are kept; a file with other columns, which would be lost, is refused."""
    from digitwise.data.patches import COLUMNS, read_patch
    from digitwise.errors import DataError

    if not review_file.exists():
        return None
    found = read_patch(review_file)
    if more := [name for name in found.columns if name not in COLUMNS]:
        raise DataError(
            f"{review_file}: expected the columns {', '.join(COLUMNS)}, got {more[0]} too, which would be lost; "
            "choose another --out"
        )
    return found


def _codes(text: str) -> tuple[str, ...]:
    return tuple(code.strip() for code in text.split(",") if code.strip())


def _tell(found: Checked, written: list[Path]) -> None:
    subject = found.subject
    sizes = ", ".join(f"{len(part):,} {part.kind} images" for part in subject.parts)
    out.print(f"{subject.name}: {sizes} of {'×'.join(map(str, subject.train.images.shape[1:]))}\n")
    if found.findings:
        rows = [(f"{f.code} {f.title}", f.severity, f.split, f"{f.total:,}") for f in found.findings]
        out.print(table(("finding", "severity", "split", "count"), rows))
        out.print()
        for finding in found.findings:
            out.print(f"{finding.code}: {finding.words}" + (f" ({finding.docs})" if finding.docs else ""))
    else:
        out.print("Nothing found.")
    if found.passed:
        out.print(f"found nothing: {', '.join(found.passed)}", style=NOTE)
    for code, reason in found.skipped.items():
        out.print(f"does not apply: {code}: {reason}", style=NOTE)
    out.print(f"Written to {', '.join(str(path) for path in written)}")
