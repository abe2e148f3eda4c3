"""Some pictures of a shard, as they lie in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Block:
    """Pictures in the order of their file, and what stands beside them.

    Parameters
    ----------
    pictures : ndarray (n, h, w), (n, h, w, 3) or (n, square), or list
        Numbers as they are stored, of any range (:class:`digitwise.data.blocks.pixels.Pixels` makes them pixels), or
        contents of picture files. None in a list is a missing picture, or one that was not asked for.
    labels : ndarray of int (n,), list of int or str, or None
        None if they were not asked for.
    names : list of str or None
        Names inside an archive; None in tables, which have none.
    errors : dict of int to str
        Why a picture of the block is None, by its place, where that is known.
    """

    pictures: NDArray[Any] | list[bytes | None]
    labels: NDArray[Any] | list[int | str] | None = None
    names: list[str] | None = None
    errors: dict[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        """Pictures, missing ones too."""
        return len(self.pictures)
