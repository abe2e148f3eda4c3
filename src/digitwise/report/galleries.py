"""Groups of pictures with a title and words for each: made once, shown by the page and drawn as figures."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from digitwise.images import ImageSet, Predictions
from digitwise.report.comparisons import apart
from digitwise.report.sprite import sheet_of

SLICE_TILES = 24  # wrong pictures of a slice that are shown
COMPARED_TILES = 40  # of each kind of a comparison


@dataclass(frozen=True)
class Group:
    """Some pictures that belong together.

    Parameters
    ----------
    title : str
    tiles : tuple of (int, str)
        Index of a picture, and what is written below it.
    """

    title: str
    tiles: tuple[tuple[int, str], ...]


def slice_groups(found: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[Group]:
    """The wrong pictures of each slice, as :func:`~digitwise.evaluation.fixes.gatherings` has them."""
    groups = []
    for each in found:
        wrong = each["wrong"]
        rows = itertools.islice(zip(wrong["index"], wrong["given"], wrong["predicted"], strict=True), SLICE_TILES)
        tiles = tuple((index, f"{names[given]} → {names[predicted]}") for index, given, predicted in rows)
        groups.append(Group(each["words"], tiles))
    return groups


def compared_groups(answers: Sequence[Predictions], names: Sequence[str]) -> list[Group]:
    """The pictures that both, only the first, only the second of two runs gets wrong; without the kinds that are empty.

    Parameters
    ----------
    answers : sequence of two Predictions
    names : sequence of two str
        Of the runs.
    """
    a, b = answers
    classes = a.class_names
    titles = ("both wrong", f"only {names[0]} wrong", f"only {names[1]} wrong")
    groups = []
    for title, indices in zip(titles, apart(a, b).values(), strict=True):
        tiles = tuple(
            (int(i), f"{classes[a.labels[i]]} → {classes[a.predicted[i]]}, {classes[b.predicted[i]]}")
            for i in indices[:COMPARED_TILES]
        )
        if tiles:
            groups.append(Group(f"{title}: {len(indices)}", tiles))
    return groups


def on_a_sheet(pictures: ImageSet, groups: Sequence[Group]) -> dict[str, Any] | None:
    """The groups for a page: one sheet of all their pictures, and of each tile its place on it and its words."""
    indices = [index for group in groups for index, _ in group.tiles]
    if not indices:
        return None
    places = itertools.count()
    shown = [(group.title, [(next(places), words) for _, words in group.tiles]) for group in groups]
    return {"sheet": sheet_of(pictures, np.array(indices, np.int64)), "groups": shown}
