"""Options that several commands share, how their values are read, and what they stand for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from digitwise.cli.console import FURTHER
from digitwise.errors import DataError
from digitwise.training.devices import DEVICE

if TYPE_CHECKING:
    from rich.console import Console

    from digitwise.data.streamed import StreamedDataset
    from digitwise.recipes import Recipe
    from digitwise.runs import Run
    from digitwise.training.pool import Pool
ClassMixOption = Annotated[
    str | None,
    typer.Option(
        "--class-mix",
        metavar="CLASS=SHARE,…",
        help="Class shares in use, such as 0=30%,1=0.2; others divide the rest.",
        rich_help_panel=FURTHER,
    ),
]
SamplesOption = Annotated[
    int, typer.Option(min=1, help="Number of readings to estimate errors for.", rich_help_panel=FURTHER)
]
ModelOption = Annotated[
    Path | None, typer.Option("--model", metavar="FILE", help="The model to read with; by default the bundled one.")
]
InputScaleOption = Annotated[
    str | None,
    typer.Option(
        metavar="0-1|0-255|centred|standardised|0-16",
        help="The pixels that a model from elsewhere takes: centred is -1 to 1, standardised by MNIST's mean and "
        "deviation.  [default: found by asking it about known images]",
        rich_help_panel=FURTHER,
    ),
]
ClusterOption = Annotated[
    str | None,
    typer.Option(
        metavar="auto|HOST:PORT",
        help="Run on Ray: auto joins this machine's cluster or starts one on its cores; HOST:PORT joins that cluster.",
        rich_help_panel=FURTHER,
    ),
]
JobsOption = Annotated[
    int | None,
    typer.Option(min=1, help="Number of trainings run in parallel on this machine.", rich_help_panel=FURTHER),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Cores per training.  [default: 1 on a cluster, else all cores divided by --jobs]",
        rich_help_panel=FURTHER,
    ),
]


def _asked_for(device: str | None) -> str | None:
    """Tell the processes that train; before Keras is imported in this one."""
    if device is not None:
        os.environ[DEVICE] = device
    return device


DeviceOption = Annotated[
    Literal["cpu", "gpu"] | None,
    typer.Option(
        callback=_asked_for,
        help="Where to train.  [default: a GPU that an installed backend computes on, else the processor]",
        rich_help_panel=FURTHER,
    ),
]


def seconds(text: str) -> float:
    """Read a duration, ``45``, ``45s``, ``1.5m`` or ``1h``, as seconds."""
    units = {"s": 1, "m": 60, "h": 3600}
    number, unit = (text[:-1], text[-1]) if text[-1:] in units else (text, "s")
    try:
        value = float(number) * units[unit]
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise typer.BadParameter(f"expected a time like 45s, 2m or 1h, got {text!r}")
    return value


def share(text: str) -> float:
    """Read a share above 0 and below 1: ``0.1%`` or ``0.001``."""
    text = text.strip()
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise typer.BadParameter(f"expected a share like 0.1% or 0.001, got {text!r}")
    return value


def share_or_all(text: str) -> float:
    """Read a share above 0 and at most 1: ``95%``, ``0.95`` or ``100%``."""
    return 1.0 if text.strip() in ("1", "1.0", "100%") else share(text)


def class_mix(text: str | None) -> dict[str, float] | None:
    """Read shares of classes: ``0=30%,1=0.2``; the classes not named divide the rest."""
    if not text:
        return None
    mix = {}
    for part in text.split(","):
        name, equals, amount = part.rpartition("=")
        name, amount = name.strip(), amount.strip()
        if name in mix:
            raise typer.BadParameter(f"expected each class once, got {name!r} twice")
        try:
            mix[name] = float(amount.removesuffix("%")) / (100 if amount.endswith("%") else 1)
        except ValueError:
            equals = ""
        if not equals:
            raise typer.BadParameter(f"expected CLASS=SHARE,… as in 0=30%,1=0.2, got {part.strip()!r}")
    return mix


MaxErrorOption = Annotated[
    float | None,
    typer.Option(
        parser=share, metavar="SHARE", help="Answer only as long as at most this share of the answers is wrong."
    ),
]


def check_pool(cluster: str | None, jobs: int | None) -> None:
    """Reject options that exclude each other, before any data is read.

    Raises
    ------
    typer.BadParameter
        If both are given.
    MissingPartError
        If a cluster is given and Ray is not installed.
    """
    if cluster is None:
        return
    if jobs is not None:
        raise typer.BadParameter("expected --cluster or --jobs, got both: Ray runs as many as there are cores for")
    from digitwise.cluster.connect import library

    library()


@contextmanager
def pool_for(cluster: str | None, jobs: int | None, threads: int | None) -> Iterator[Pool]:
    """The pool that the options select; without any of them, this process."""
    from digitwise.system import cores

    check_pool(cluster, jobs)
    if cluster is not None:
        from digitwise.cluster.connect import connected
        from digitwise.cluster.pool import RayPool

        with connected(cluster) as ray:
            yield RayPool(ray, threads or 1)
    elif jobs is not None or threads is not None:
        from digitwise.training.pool import Processes

        yield Processes(jobs or 1, threads or max(1, cores() // (jobs or 1)))
    else:
        from digitwise.training.pool import Here

        yield Here()


def open_shards(
    recipe: Recipe,
    data: str | None,
    *,
    patch: Path | None,
    label_column: str | None,
    validation: int | None,
    console: Console,
) -> StreamedDataset:
    """Open a folder of shards to train on, and show the progress.

    Raises
    ------
    RecipeError
        If the recipe needs all images in memory.
    DataError
        If no folder is given, or it cannot be streamed.
    """
    from digitwise.data.streamed import open_streamed

    recipe.require_streamable()
    if data in (None, "mnist"):
        raise DataError("--stream: expected a folder of shards, got none; give --data DIR")
    if patch is not None:
        raise DataError("--stream: expected no --patch with it, which is about images in memory; leave one out")
    with console.status("opening shards") as status:
        return open_streamed(
            data,
            validation=validation,
            label_column=label_column,
            told=lambda what, done, of: status.update(f"{what}: shard {done + 1} of {of}"),
        )


def tell_memory(run: Run, console: Console) -> None:
    """Print the number of shards and the peak memory of the training."""
    streamed = run.info["data"]["streamed"]
    peak = streamed["peak_memory"]
    most = "" if peak is None else f"; peak memory {peak / 1e6:,.0f} MB"
    console.print(f"  {run.info['data']['train']:,} images streamed from {streamed['shards']:,} shards{most}")
