"""The plan on paper of docs/scale.md: what 10^9 readings and training on 10^8 images take, by the rates measured."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.cells import NOTHING, head, line
from benchmarks.measure import Row, kept, median, newest, place

READ, SHOWN = 10**9, 10**8  # images
CORES = 2  # of the machine that the rates are measured on
SHARD = 100_000  # digits
PRICE = 0.04  # dollars for an hour of a core: the order of what clouds ask for; put in your own
MANY = 100  # cores of the example
NETWORK = 1.25e9  # bytes a second of 10 Gbit/s
COLUMNS = ("stored as", "a second on a core", "core hours", f"hours on {MANY} cores", "$ a million")
IMAGES = 55_000  # that MNIST's trainings show in an epoch


def reading_plan(rows: Sequence[Row]) -> str:
    """Reading 10^9 digits: by what they are stored as."""
    lines = head(*COLUMNS, "bytes each", "TB in all", "cores that 10 Gbit/s feed")
    for source, what in (("parquet", "pixels in Parquet"), ("tars", "PNG files in tars")):
        rate = _rate(rows, f"digits read, {source}", "Ray, two cores") / CORES
        if not rate:
            lines.append(line(what, *[NOTHING] * 7))
            continue
        size = float(next(row["bytes"] for row in rows if row["what"] == f"digits read, {source}"))
        fed = f"{NETWORK / (rate * size):,.0f}"
        lines.append(line(what, *_cells(rate, READ), f"{size:,.0f}", f"{READ * size / 1e12:.2f}", fed))
    return "\n".join(lines)


def bounds(rows: Sequence[Row]) -> str:
    """What does not get faster with more cores: what one process deals out, and what one thread reads."""
    shards = _rate(rows, "shards of ten digits", "Ray, two cores")
    digits = _rate(rows, "digits read, parquet", "Ray, two cores") / CORES
    mixed = _rate(rows, "images read and mixed, nothing trained", "one thread")
    cores = f"{shards * SHARD / digits:,.0f}" if digits else NOTHING
    return (
        f"One asking process got {_told(shards)} shards of ten digits a second done, the start of Ray included: at "
        f"{SHARD:,} digits a shard it is known to keep {cores} cores busy. One thread reads and mixes {_told(mixed)} "
        f"images a second for a training."
    )


def _told(rate: float) -> str:
    return f"{rate:,.0f}" if rate else NOTHING


def training_plan(rows: Sequence[Row]) -> str:
    """Showing 10^8 images once to a network: by recipe."""
    lines = head("network of", *COLUMNS[1:])
    rates = {"flash, streamed": _rate(rows, "training images shown by flash, one epoch", "streamed")}
    rates |= {name: _trained(rows, name) for name in ("improved", "augmented")}
    for name, rate in rates.items():
        lines.append(line(name, *(_cells(rate / CORES, SHOWN) if rate else [NOTHING] * 4)))
    return "\n".join(lines)


def _rate(rows: Sequence[Row], what: str, way: str) -> float:
    own = [row for row in (newest(rows) if rows else ()) if (row["what"], row["way"]) == (what, way)]
    return median(own, "per_second") if own else 0.0


def _trained(rows: Sequence[Row], name: str) -> float:
    """Images a second of a recipe on MNIST, on the processor that the other rates are of."""
    from digitwise.recipes import RECIPES

    own = [row for row in kept("recipes") if (row["contender"], row["data"]) == (name, "mnist")]
    here = [row for row in own if rows and place(row)[0] == rows[-1]["cpu"]]
    return IMAGES * RECIPES[name].epochs / median(here, "fit_seconds") if here else 0.0


def _cells(rate: float, images: int) -> list[str]:
    """Of so many images a second on a core."""
    hours = images / rate / 3600
    return [f"{rate:,.0f}", f"{hours:,.1f}", f"{hours / MANY:.2f}", f"{PRICE * hours / images * 1e6:.4f}"]
