"""What to do about a group with too many errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from digitwise.evaluation.slices import Slice

WIDENED = {  # which ranges of augmentation make training show more of a property
    "slant": ("shear_range", "rotation_range"),
    "stroke_width": ("zoom_range",),
    "ink": ("zoom_range",),
    "height_to_width": ("zoom_range",),
    "size": ("zoom_range",),
    "offset": ("width_shift_range", "height_shift_range"),
}


@dataclass(frozen=True)
class Mend:
    """A proposal.

    Parameters
    ----------
    words : str
    widen : tuple of str
        Ranges of :class:`digitwise.recipes.Augmentation` to make wider.
    focus : bool
        Whether to deal extra samples to the classes with errors.
    """

    words: str
    widen: tuple[str, ...] = ()
    focus: bool = False


def mend(group: Slice) -> Mend:
    """Propose what to do about a group: wider augmentation, more of a class, or a look at its labels."""
    properties = [condition.property for condition in group.conditions]
    widen = tuple(dict.fromkeys(name for known in properties for name in WIDENED.get(known, ())))
    focus = "class" in properties
    proposals = []
    if widen:
        proposals.append(f"widen {' and '.join(name.replace('_', ' ') for name in widen)} of the augmentation")
    if focus:
        proposals.append("show more samples of the class (focus)")
    if not proposals:
        proposals.append("look at the labels of these pictures, and collect more like them: no augmentation makes them")
    words = "; ".join(proposals)
    return Mend(words[:1].upper() + words[1:] + ".", widen, focus)


def joined(mends: Sequence[Mend]) -> Mend:
    """All proposals as one, each thing once."""
    widen = tuple(dict.fromkeys(name for each in mends for name in each.widen))
    words = " ".join(dict.fromkeys(each.words for each in mends))
    return Mend(words, widen, any(each.focus for each in mends))
