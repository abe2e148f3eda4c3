"""``digitwise data``: what sets there are, fetching one, looking at one."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitwise.cli.console import (
    JsonFlag,
    LabelColumnOption,
    PatchOption,
    bar_for,
    out,
    print_json,
    stage,
    table,
    tell_links,
)
from digitwise.escaping import printable
from digitwise.progress import DownloadBar

if TYPE_CHECKING:
    from rich.console import Console

    from digitwise.data.labelled import Labelled
    from digitwise.data.sources import Source
    from digitwise.images import Dataset, ImageSet

app = typer.Typer(help="List, fetch and show data sets.", no_args_is_help=True, rich_markup_mode=None)
NameArgument = Annotated[str, typer.Argument(metavar="NAME|PATH", help="A named set, or the path of your own.")]


@app.command("list")
def list_sets(as_json: JsonFlag = False) -> None:
    """List the named sets and where they lie."""
    from digitwise.data import locate
    from digitwise.data.sources import SOURCES

    def place(named: Source) -> str:
        folder = locate(named)
        part = next((each for each in named.parts if folder and not (folder / named.files[0].name).is_file()), None)
        return f"{folder or ''}" + (f" (a part of it, {part.what})" if part else "")

    rows: list[dict[str, Any]] = [
        {
            **{key: getattr(each, key) for key in ("name", "title", "size", "licence", "citation", "checksum")},
            "mirrors": list(each.mirrors),
            "page": each.page,
            "found": place(each),
        }
        for each in SOURCES.values()
    ]
    digits = {"name": "digits", "title": "UCI digits through scikit-learn", "size": "1,437 + 360 of 28x28"}
    cited = {"licence": "CC BY 4.0", "citation": SOURCES["optdigits"].citation}
    rows.append({**digits, **cited, "checksum": "", "mirrors": [], "page": "", "found": "embedded"})
    if as_json:
        print_json(rows)
        return
    for row in rows:
        fetched = f"digitwise data fetch {row['name']}"
        get = fetched if row["mirrors"] else f"not fetched, get it from {row['page']}"
        served = [f"mirrors {', '.join(row['mirrors'])}"] if row["mirrors"] else []
        served += [f"page {row['page']}"] if row["page"] else []
        told = [f"{row['size']}; licence: {row['licence']}; cite {row['citation']}"]
        told += [f"{'; '.join(served)}; checksum: {row['checksum']}"] if served else []
        told.append(row["found"] or f"not here, {get}")
        out.print(f"{row['name']}: {row['title']}\n    " + "\n    ".join(told))


@app.command()
def fetch(name: Annotated[str, typer.Argument(help="A named set.")], as_json: JsonFlag = False) -> None:
    """Fetch a named set into the user's cache, unless it is here already."""
    from digitwise.data import locate
    from digitwise.data.download import cache_folder
    from digitwise.data.download import fetch as fetch_source
    from digitwise.data.sources import EMBEDDED, source

    if name == EMBEDDED:
        folder: Path | str = "embedded"
    else:
        named = source(name)
        found = locate(named)
        outside = found is not None and found != cache_folder() / named.name
        folder = found if outside and found else fetch_source(named, progress=DownloadBar(stage(as_json)))
    print_json({"name": name, "folder": str(folder)}) if as_json else out.print(f"{name}: {folder}")


@app.command()
def show(
    name: NameArgument,
    patch: PatchOption = None,
    label_column: LabelColumnOption = None,
    out_folder: Annotated[Path, typer.Option("--out", help="Folder for the two images.")] = Path("results/data"),
    as_json: JsonFlag = False,
) -> None:
    """Show a data set: shapes, values, first images, and the class histogram with a verdict."""
    from digitwise.cli.info import banner
    from digitwise.outputs import claimed
    from digitwise.reporting.figures import FIGURES
    from digitwise.reporting.render import check_data_figures, draw_data

    check_data_figures(out_folder)
    dataset = _loaded(name, patch, label_column, DownloadBar(stage(as_json)))
    with claimed(out_folder, FIGURES, inside=True):
        draw_data(dataset, out_folder)
    if as_json:
        print_json({**facts(dataset), "figures": [str(out_folder / f) for f in ("samples.png", "classes.png")]})
        return
    out.print(banner())
    tell(dataset, out)
    out.print(f"images: {out_folder / 'samples.png'}, {out_folder / 'classes.png'}")


def _loaded(name: str, patch: Path | None, label_column: str | None, progress: Any) -> Dataset | Labelled:
    """A data set; one that cannot be trained with whole, and a note says why."""
    from digitwise.data import load, read_labelled
    from digitwise.errors import DataError, DataNotFoundError

    try:
        return load(name, patch=patch, label_column=label_column, progress=progress)
    except DataNotFoundError:
        raise
    except DataError as error:
        if patch is not None:
            raise
        found = read_labelled(name, label_column=label_column)  # what cannot be read at all is the same error again
        why = str(error).removeprefix(f"{found.name}: ")
        return dataclasses.replace(found, notes=(*found.notes, f"not to be trained with as it is: {why}"))


@app.command()
def normalize(
    source: Annotated[
        str, typer.Argument(metavar="DATA", help="Labelled digits: a folder of images by class, or any other data set.")
    ],
    out_folder: Annotated[
        Path,
        typer.Option(
            "--out", help="A folder for the images as a model takes them: a new one, or that of an earlier time."
        ),
    ],
    turn: Annotated[
        str | None,
        typer.Option(
            metavar="TURN",
            help="Turn all images first, as check DW035 says: transpose, transverse, mirror, flip, rotate-90, "
            "rotate-180, rotate-270.",
        ),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Bring scans to MNIST's form, as the reader does, to inspect them, check them and train on them."""
    from digitwise.data.normalized import normalize_set, scans_in
    from digitwise.turns import turn_of

    if turn is not None:
        turn_of(turn)  # before the data is read
    scans = scans_in(source)
    tell_links([source])
    with bar_for("normalising"):
        found = normalize_set(scans, out_folder, turn=turn)
    if as_json:
        print_json({"out": str(found.path), "images": found.images, "blank": [str(file) for file in found.blank]})
        return
    for file in found.blank:
        out.print(f"{printable(file)}: blank, left out")
    out.print(
        f"{found.images:,} images of 28x28 written to {found.path}; "
        f"train on them: digitwise train augmented --data {found.path}"
    )


def facts(dataset: Dataset | Labelled) -> dict[str, Any]:
    """The data set as ``--json`` prints it."""
    from digitwise.data.balance import class_balance

    balance = class_balance(dataset.train, dataset.test)
    splits = _splits(dataset)
    return {
        "name": dataset.name,
        "source": dataset.source,
        "notes": list(dataset.notes),
        "fingerprint": {name: split.fingerprint for name, split in splits.items()},
        **{name: _split_facts(split) for name, split in splits.items()},
        "class_names": list(dataset.train.class_names),
        "ratio": balance.ratio,
        "entropy": balance.entropy,
        "chi_square": balance.chi_square,
        "p_value": balance.p_value,
        "verdict": balance.verdict,
    }


def tell(dataset: Dataset | Labelled, console: Console) -> None:
    """Print shapes, values, the first image and the classes of a data set."""
    from digitwise.data.balance import class_balance

    console.print(f"{dataset.name}, from {dataset.source}")
    for note in dataset.notes:
        console.print(f"  {note}", style="dim")
    for name, split in _splits(dataset).items():
        images = split.images
        told = "images" if dataset.test is None else "training" if name == "train" else name
        console.print(f"  {told:9} {images.shape} {images.dtype}, values {images.min()} to {images.max()}")
    console.print(
        f"\nThe first training image, label {dataset.train.class_names[dataset.train.labels[0]]}, row by row:"
    )
    first = dataset.train.images[0]
    for row in first if first.ndim == 2 else first.mean(axis=2).astype(int):
        console.print("".join(f"{value:4d}" if value else "   ·" for value in row))
    balance = class_balance(dataset.train, dataset.test)
    rows = [
        (name, f"{a:,}", f"{a / balance.train.sum():.1%}", f"{b:,}", f"{b / max(balance.test.sum(), 1):.1%}")
        for name, a, b in zip(balance.class_names, balance.train, balance.test, strict=True)
    ]
    console.print()
    console.print(table(("class", "training", "share", "test", "share"), rows))
    console.print(f"\n{balance.verdict}")


def _splits(dataset: Dataset | Labelled) -> dict[str, ImageSet]:
    """The splits by name; all images are ``train`` where none are held out."""
    return {"train": dataset.train, **({} if dataset.test is None else {"test": dataset.test})}


def _split_facts(split: ImageSet) -> dict[str, Any]:
    images = split.images
    return {
        "shape": list(images.shape),
        "dtype": str(images.dtype),
        "min": int(images.min()),
        "max": int(images.max()),
        "class_counts": split.class_counts.tolist(),
    }
