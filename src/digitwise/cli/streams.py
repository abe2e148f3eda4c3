"""Training images that stay in their shards: opening them, and what memory it took."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from digitwise.errors import DataError

if TYPE_CHECKING:
    from rich.console import Console

    from digitwise.data.streamed import StreamedDataset
    from digitwise.recipes import Recipe
    from digitwise.runs import Run


def open_shards(
    recipe: Recipe,
    data: str | None,
    *,
    patch: Path | None,
    label_column: str | None,
    validation: int | None,
    console: Console,
) -> StreamedDataset:
    """Open a folder of shards to train on, and show how far that is.

    Raises
    ------
    RecipeError
        If the recipe needs all images at hand.
    DataError
        If no folder is given, or it cannot be used so.
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
    """Say how many shards the images stayed in, and how much memory the training took at most."""
    streamed = run.info["data"]["streamed"]
    peak = streamed["peak_memory"]
    most = "" if peak is None else f"; peak memory {peak / 1e6:,.0f} MB"
    console.print(f"  {run.info['data']['train']:,} images streamed from {streamed['shards']:,} shards{most}")
