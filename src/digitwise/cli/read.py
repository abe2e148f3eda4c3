"""``digitwise read``: digits from photos, scans and sets of images."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitwise.cli.console import FURTHER, JsonFlag, LabelColumnOption, err, tell_links
from digitwise.cli.options import ClusterOption, InputScaleOption, share, share_or_all

if TYPE_CHECKING:
    from digitwise.cli.readings import Reporter
    from digitwise.reading.foreign import Foreign
    from digitwise.reading.jobs import Job, Mode
    from digitwise.reading.reader import Reader

SOME_FAILED = 1
OWN = "expected a place of its own"
NUMBERED = "--overlay", "--table"  # which write a file for each page, the later ones numbered from 2
FILES = typer.Argument(
    metavar="FILE|DIR|-",
    help="Images, PDFs, or sets (.npz, .npy, IDX, .csv, .parquet, .mat, .h5); - is standard input. Of a folder all "
    "images and PDFs in it and its subfolders, except hidden ones. With --out DIR: images of one digit each, Parquet "
    "files and tar archives, folders of either, and addresses such as s3://… of these.",
)


def read(
    files: Annotated[list[str], FILES],
    out: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|DIR",
            help="Write rows in input order to .csv, .jsonl or .parquet. A folder, or its address, gets a Parquet "
            "file per shard; the same command again writes those that are missing.",
        ),
    ] = None,
    max_error: Annotated[
        float | None,
        typer.Option(
            parser=share,
            metavar="SHARE",
            help="At most this share of the digits that are read is wrong, and of the numbers on pages; all else is "
            "unsure.",
        ),
    ] = None,
    overlay: Annotated[
        Path | None, typer.Option(metavar="IMAGE", help="Draw boxes and readings on the page; implies --numbers.")
    ] = None,
    single: Annotated[
        bool,
        typer.Option(
            "--single",
            help="Read one digit per image. By default each image is read as what it shows: one digit or numbers.",
        ),
    ] = False,
    numbers: Annotated[
        bool, typer.Option("--numbers", help="Read each image as a page of numbers, even if it shows one digit.")
    ] = False,
    region: Annotated[
        str | None,
        typer.Option(
            metavar="X,Y,W,H", help="Read only this part of each image, in pixels or in per cent such as 10%."
        ),
    ] = None,
    expect: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Each number has N digits: the most probable reading of that length; implies --numbers."
        ),
    ] = None,
    pattern: Annotated[
        str | None,
        typer.Option(
            metavar="REGEX",
            help=r"Each number matches this as a whole, with or without its signs: \d{4}-\d{2}; implies --numbers.",
        ),
    ] = None,
    template: Annotated[
        Path | None,
        typer.Option(
            metavar="FORM.toml",
            help="Read each image as a form, one row per form; see docs/forms.md.",
        ),
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(metavar="FILE.csv", help="Write the numbers of a page as a table; implies --numbers."),
    ] = None,
    top: Annotated[
        bool,
        typer.Option(
            "--top",
            help="Show the three most probable classes of each single digit: in text, JSON and JSON lines.",
            rich_help_panel=FURTHER,
        ),
    ] = False,
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Model for single digits; by default the bundled one. ONNX, or a Keras model: .keras, .h5, JSON with "
            "its weights, a SavedModel (which runs as a program). Numbers are always read by the bundled finder.",
        ),
    ] = None,
    input_scale: InputScaleOption = None,
    fail_under: Annotated[
        float | None,
        typer.Option(
            parser=share_or_all,
            metavar="SHARE",
            help="Exit with code 1 if less than this share of the digits is read.",
            rich_help_panel=FURTHER,
        ),
    ] = None,
    show_input: Annotated[
        Path | None,
        typer.Option(metavar="IMAGE", help="Draw each digit as the model sees it.", rich_help_panel=FURTHER),
    ] = None,
    label_column: LabelColumnOption = None,
    cluster: ClusterOption = None,
    max_pixels: Annotated[
        int, typer.Option(min=1, help="Refuse larger images without decoding them.", rich_help_panel=FURTHER)
    ] = 50_000_000,
    threads: Annotated[
        int | None, typer.Option(min=1, help="By default one per core.", rich_help_panel=FURTHER)
    ] = None,
    as_json: JsonFlag = False,
) -> int:
    """Read digits from images. The exit code is 1 if an image could not be read; all others are read first."""
    asked = numbers
    numbers = numbers or any(given is not None for given in (overlay, expect, pattern, template, table))
    if single and numbers:
        raise typer.BadParameter("expected --single or --numbers (which others imply; see --help), got both")
    if template is not None and any(given is not None for given in (region, expect, pattern, table)):
        raise typer.BadParameter("expected --template, or --region, --expect, --pattern or --table, got both")
    from digitwise.cli.shards import is_folder, read_shards
    from digitwise.files import real

    tell_links(files)
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
            "--input-scale": input_scale,
            "--json": as_json,
        }
        _refuse(out, cluster, given | {"--threads": cluster is not None and threads})
        assert out is not None
        choices = {"model": model, "max_error": max_error, "max_pixels": max_pixels}
        return 0 if read_shards(files, out, cluster, threads, fail_under, choices, label_column) else SOME_FAILED
    from digitwise.cli.readings import Reporter
    from digitwise.outputs import check_file
    from digitwise.reading.drawings import DRAWINGS
    from digitwise.reading.forms.template import Template
    from digitwise.reading.inputs import sources_of
    from digitwise.reading.jobs import Job
    from digitwise.reading.known import Known, Region
    from digitwise.reading.reader import Reader
    from digitwise.reading.rows import ROWS
    from digitwise.reading.tables import TABLES

    form = None if template is None else Template.from_file(template)
    part, known = None if region is None else Region.parsed(region), Known.of(pattern, expect)
    sources = sources_of(files)
    file = None if out is None else Path(out)
    places = {"--overlay": overlay, "--show-input": show_input, "--out": file, "--table": table}
    check_places(sources, places)
    kinds = {"--overlay": DRAWINGS, "--show-input": DRAWINGS, "--out": ROWS, "--table": TABLES}
    for option, place in places.items():
        if place is not None:
            check_file(real(place), kinds[option])
            for later in _later(place, sources) if option in NUMBERED else ():
                check_file(later, kinds[option])
    reader = Reader(
        _opened(model), max_error=max_error, threads=threads, max_pixels=max_pixels, input_scale=input_scale
    )
    mode: Mode | None = "single" if single else "numbers" if numbers else None
    told = {"out": file, "overlay": overlay, "show_input": show_input, "table": table}
    fields = () if form is None else tuple(field.name for field in form.fields)
    with Reporter(len(sources), as_json=as_json, top=top, fields=fields, **told) as reporter:
        _say_guarantee(reader, mode, own_model=model is not None)
        job = Job(reader, mode, reporter.draws_pages, getattr(sys.stdin, "buffer", None), part, known, form)
        _read_all(job, sources, label_column, reporter)
    return 0 if reporter.verdict(fail_under, reader.policy) else SOME_FAILED


def _opened(model: Path | None) -> Path | Foreign | None:
    """The model to read with: a path, and of a Keras model what asks it."""
    from digitwise.cli.console import telling_warnings
    from digitwise.formats.models import KERAS_FORMS, other_form

    if model is None or other_form(model) not in KERAS_FORMS:
        return model
    from digitwise.workflows.models import foreign_file

    with telling_warnings():
        return foreign_file(model)


def _refuse(out: str | None, cluster: str | None, others: Mapping[str, object]) -> None:
    """Reject options that cannot be used with shards."""
    from digitwise.cli.shards import is_folder

    if out is None or not is_folder(out):
        raise typer.BadParameter(f"--cluster: expected a folder for rows by --out DIR, got {out or 'none'}")
    for option, value in others.items():
        if value:
            asked = "--out DIR" if cluster is None else "--cluster"
            raise typer.BadParameter(f"expected {asked} without {option}, got both")


def _say_guarantee(reader: Reader, mode: Mode | None, *, own_model: bool) -> None:
    """Print what the model cannot do: no guarantee, or no numbers."""
    from digitwise.reading import trust
    from digitwise.reading.reader import DIGITS

    if reader.model.understood is not None:
        err.print(reader.model.understood.words, style="dim")
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


def _read_all(job: Job, sources: list[str], label_column: str | None, reporter: Reporter) -> None:
    """Read all sources in order; consecutive images are read in parallel."""
    from digitwise.files import expanded
    from digitwise.formats import kind_of
    from digitwise.reading.inputs import STDIN

    for is_set, group in groupby(sources, lambda name: name != STDIN and kind_of(expanded(name)) is not None):
        if is_set:
            for source in group:
                _read_set(job, source, label_column, reporter)
        else:
            for found in job.run(list(group)):
                reporter.add(found)


def _read_set(job: Job, source: str, label_column: str | None, reporter: Reporter) -> None:
    """Read a set; if a part of it cannot be read, one row with the error follows the rest."""
    from digitwise.errors import DataError, MissingPartError
    from digitwise.files import expanded
    from digitwise.reading.jobs import failed, read_set

    try:
        if job.mode == "numbers":
            raise DataError(f"{source}: expected an image of a page, got a set of single digits; leave --numbers away")
        rows, note, blocks = read_set(job.reader, expanded(source), label_column)
        reporter.begin_set(source, rows, note)
        for block in blocks:
            reporter.add_block(block)
        reporter.end_set(source)
    except (DataError, MissingPartError) as error:
        reporter.add(failed(source, error, of_lines=job.mode == "numbers"))


def check_places(sources: Iterable[str], places: Mapping[str, Path | None]) -> None:
    """Refuse outputs that would overwrite what is read, or each other.

    Parameters
    ----------
    sources : iterable of str
        What is read.
    places : dict of str to Path or None
        What is written, by option.

    Raises
    ------
    DataError
        If two are one file.
    """
    from digitwise.errors import DataError
    from digitwise.files import expanded
    from digitwise.reading.inputs import STDIN

    written = [(option, path, _written(option, path)) for option, path in places.items() if path is not None]
    for number, (option, path, pattern) in enumerate(written):
        for other, other_path, other_pattern in written[:number]:
            if pattern.fullmatch(os.path.realpath(other_path)) or other_pattern.fullmatch(os.path.realpath(path)):
                raise DataError(f"{option} {path}: {OWN}, got that of {other}; choose another")
    for source in sources if written else ():
        if source == STDIN:
            continue
        file = expanded(source)
        its_places = os.path.realpath(file), os.path.join(os.path.realpath(file.parent), file.name)  # a link has two
        for option, path, pattern in written:
            if any(map(pattern.fullmatch, its_places)):
                raise DataError(f"{option} {path}: {OWN}, got that of {source}, which is read; choose another")


def _written(option: str, path: Path) -> re.Pattern[str]:
    """All files that an option writes: a second overlay gets ``-2`` behind its name."""
    stem, suffix = os.path.splitext(os.path.realpath(path))
    return re.compile(re.escape(stem) + (r"(-\d+)?" if option in NUMBERED else "") + re.escape(suffix))


def _later(path: Path, sources: Sequence[str]) -> Iterator[Path]:
    """What lies where the second page and later ones may be written: one of each source, any number of a PDF."""
    from digitwise.reading.inputs import STDIN

    several = any(source == STDIN or source.lower().endswith(".pdf") for source in sources)
    for file in path.parent.iterdir() if path.parent.is_dir() else ():
        found = re.fullmatch(re.escape(path.stem) + r"-(\d+)" + re.escape(path.suffix), file.name)
        if found and 2 <= int(found[1]) and (several or int(found[1]) <= len(sources)):
            yield file
