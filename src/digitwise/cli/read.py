"""``digitwise read``: digits from photos, scans and sets of images."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitwise.cli.console import JsonFlag, LabelColumnOption, err
from digitwise.cli.options import ClusterOption, share, share_or_all

if TYPE_CHECKING:
    from digitwise.cli.teller import Teller
    from digitwise.reading.jobs import Job, Mode
    from digitwise.reading.reader import Reader

SOME_FAILED = 1
FILES = typer.Argument(
    metavar="FILE|DIR|-",
    help="Images, PDFs, or sets (.npz, .npy, IDX, .csv, .parquet, .mat, .h5); - is the standard input. Of a folder all "
    "images and PDFs in it and below it, except hidden ones. With --out DIR: images of one digit each, Parquet "
    "files and tar archives, folders of either, and addresses such as s3://… of these.",
)


def read(
    files: Annotated[list[str], FILES],
    single: Annotated[
        bool,
        typer.Option(
            "--single",
            help="One digit an image, whatever is on it. Without this and --numbers each image decides by itself.",
        ),
    ] = False,
    numbers: Annotated[
        bool, typer.Option("--numbers", help="Numbers on a page, even where there is but one digit.")
    ] = False,
    region: Annotated[
        str | None,
        typer.Option(metavar="X,Y,W,H", help="Read this part of each image: in pixels, or each in per cent as 10%."),
    ] = None,
    expect: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Each number has N digits: what else it may be is chosen among such; implies --numbers."
        ),
    ] = None,
    pattern: Annotated[
        str | None,
        typer.Option(
            metavar="REGEX",
            help=r"Each number as a whole matches this, with its signs or without, as \d{4}-\d{2}; implies --numbers.",
        ),
    ] = None,
    template: Annotated[
        Path | None,
        typer.Option(
            metavar="FORM.toml",
            help="Each image is a form: read its fields, a row a form; see docs/forms.md.",
        ),
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(metavar="FILE.csv", help="Write the numbers of a page in rows and columns; implies --numbers."),
    ] = None,
    top: Annotated[
        bool,
        typer.Option(
            "--top", help="The three most probable digits of each single one: in lines, JSON and JSON lines only."
        ),
    ] = False,
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="What reads single digits; by default the model in the package. Numbers are always read by the finder "
            "in the package.",
        ),
    ] = None,
    max_error: Annotated[
        float | None,
        typer.Option(
            parser=share,
            metavar="SHARE",
            help="Of the digits read this share is wrong at most, of numbers on a page this share of the numbers; "
            "else unsure.",
        ),
    ] = None,
    fail_under: Annotated[
        float | None,
        typer.Option(
            parser=share_or_all, metavar="SHARE", help="Leave with 1 when less than this share of the digits is read."
        ),
    ] = None,
    overlay: Annotated[
        Path | None, typer.Option(metavar="IMAGE", help="Draw boxes and readings on the page; implies --numbers.")
    ] = None,
    show_input: Annotated[
        Path | None, typer.Option(metavar="IMAGE", help="Draw what the model saw of each digit.")
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|DIR",
            help="Rows in input order: .csv, .jsonl or .parquet. Into a folder, or an address of one: shard by shard, "
            "each a Parquet file; the same again does those that are missing.",
        ),
    ] = None,
    label_column: LabelColumnOption = None,
    cluster: ClusterOption = None,
    max_pixels: Annotated[int, typer.Option(min=1, help="Larger images are refused, not decoded.")] = 50_000_000,
    threads: Annotated[int | None, typer.Option(min=1, help="By default one a core.")] = None,
    as_json: JsonFlag = False,
) -> int:
    """Read digits from images. The exit code is 1 where an image could not be read, after all others were."""
    asked = numbers
    numbers = numbers or any(given is not None for given in (overlay, expect, pattern, template, table))
    if single and numbers:
        raise typer.BadParameter("expected --single or --numbers (which others imply; see --help), got both")
    if template is not None and any(given is not None for given in (region, expect, pattern, table)):
        raise typer.BadParameter("expected --template, or --region, --expect, --pattern or --table, got both")
    from digitwise.cli.places import check_places
    from digitwise.cli.shards import is_folder, read_shards
    from digitwise.files import real

    if cluster is not None or (out is not None and is_folder(out)):
        given = {
            "--numbers": asked,
            "--region": region,
            "--expect": expect is not None,
            "--pattern": pattern,
            "--template": template,
            "--table": table,
            "--top": top,
            "--overlay": overlay,
            "--show-input": show_input,
            "--label-column": label_column,
            "--json": as_json,
        }
        _refuse(out, cluster, given | {"--threads": cluster is not None and threads})
        assert out is not None
        choices = {"model": model, "max_error": max_error, "max_pixels": max_pixels}
        return 0 if read_shards(files, out, cluster, threads, fail_under, choices) else SOME_FAILED
    from digitwise.cli.teller import Teller
    from digitwise.outputs import check_file
    from digitwise.reading.drawings import DRAWINGS
    from digitwise.reading.forms.template import Template
    from digitwise.reading.jobs import Job
    from digitwise.reading.known import Known, Region
    from digitwise.reading.reader import Reader
    from digitwise.reading.rows import ROWS
    from digitwise.reading.sources import sources_of
    from digitwise.reading.tables import TABLES

    form = None if template is None else Template.from_file(template)
    part, known = None if region is None else Region.parsed(region), Known.of(pattern, expect)
    sources = sources_of(files)
    file = None if out is None else Path(out)
    check_places(sources, {"--overlay": overlay, "--show-input": show_input, "--out": file, "--table": table})
    for place, kind in ((file, ROWS), (overlay, DRAWINGS), (show_input, DRAWINGS), (table, TABLES)):
        if place is not None:
            check_file(real(place), kind)
    reader = Reader(model, max_error=max_error, threads=threads, max_pixels=max_pixels)
    mode: Mode | None = "single" if single else "numbers" if numbers else None
    told = {"out": file, "overlay": overlay, "show_input": show_input, "table": table}
    fields = () if form is None else tuple(field.name for field in form.fields)
    with Teller(len(sources), as_json=as_json, top=top, fields=fields, **told) as teller:
        _say_guarantee(reader, mode, own_model=model is not None)
        job = Job(reader, mode, teller.draws_pages, getattr(sys.stdin, "buffer", None), part, known, form)
        _read_all(job, sources, label_column, teller)
    return 0 if teller.verdict(fail_under, reader.policy) else SOME_FAILED


def _refuse(out: str | None, cluster: str | None, others: Mapping[str, object]) -> None:
    """Refuse what does not go with reading shard by shard."""
    from digitwise.cli.shards import is_folder

    if out is None or not is_folder(out):
        raise typer.BadParameter(f"--cluster: expected a folder for rows by --out DIR, got {out or 'none'}")
    for option, value in others.items():
        if value:
            asked = "--out DIR" if cluster is None else "--cluster"
            raise typer.BadParameter(f"expected {asked} without {option}, got both")


def _say_guarantee(reader: Reader, mode: Mode | None, *, own_model: bool) -> None:
    """Say what is not to be expected: where there is no guarantee, or a model that numbers are not read with."""
    from digitwise.reading import trust
    from digitwise.reading.reader import DIGITS

    if mode != "numbers" and reader.policy is None:
        err.print("the model has no error guarantee: no single digit is called unsure", style="dim")
    if mode == "single":
        return
    if mode == "numbers":
        reader.check_numbers()
        if own_model:
            err.print("--model reads single digits; numbers are read by the finder in the package", style="dim")
    if reader.class_names != DIGITS:
        err.print("the model reads no digits: each image is read as one of its classes, as by --single", style="dim")
        return
    if trust.bundled().guarantee(reader.max_error) is None:
        least = trust.bundled().thresholds[0][0]
        told = f"--max-error {reader.max_error:g}: expected {least:g} or more for numbers"
        err.print(f"{told}; with less, every number is unsure", style="dim")


def _read_all(job: Job, sources: list[str], label_column: str | None, teller: Teller) -> None:
    """Read file by file, those one after another that are no sets side by side."""
    from digitwise.files import expanded
    from digitwise.formats import kind_of
    from digitwise.reading.sources import STDIN

    for is_set, group in groupby(sources, lambda name: name != STDIN and kind_of(expanded(name)) is not None):
        if is_set:
            for source in group:
                _read_set(job, source, label_column, teller)
        else:
            for found in job.run(list(group)):
                teller.tell(found)


def _read_set(job: Job, source: str, label_column: str | None, teller: Teller) -> None:
    """Read a set; what cannot be read of it is told as one row, behind what could."""
    from digitwise.errors import DataError, MissingPartError
    from digitwise.files import expanded
    from digitwise.reading.jobs import failed, read_set

    try:
        if job.mode == "numbers":
            raise DataError(f"{source}: expected an image of a page, got a set of single digits; leave --numbers away")
        rows, note, parts = read_set(job.reader, expanded(source), label_column)
        teller.begin_set(source, rows, note)
        for part in parts:
            teller.tell_part(part)
        teller.end_set(source)
    except (DataError, MissingPartError) as error:
        teller.tell(failed(source, error, of_lines=job.mode == "numbers"))
