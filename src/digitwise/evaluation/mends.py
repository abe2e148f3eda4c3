"""What to do about a group with too many errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from digitwise.evaluation.slices import Slice

WIDENED = {  # which ranges of augmentation make training show more of an end of a property
    ("slant", "much"): ("shear_range", "rotation_range"),
    ("slant", "little"): ("shear_range", "rotation_range"),
    ("stroke_width", "much"): ("zoom_range",),
    ("stroke_width", "little"): ("zoom_range",),
    ("height_to_width", "much"): ("zoom_range",),
    ("height_to_width", "little"): ("zoom_range",),
    ("size", "much"): ("zoom_range",),
    ("size", "little"): ("zoom_range",),
    ("offset", "much"): ("width_shift_range", "height_shift_range"),
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
    ends = [(condition.property, condition.side) for condition in group.conditions]
    widen = tuple(dict.fromkeys(name for end in ends for name in WIDENED.get(end, ())))
    focus = ("class", "is") in ends
    proposals = []
    if widen:
        proposals.append(f"widen {' and '.join(name.replace('_', ' ') for name in widen)} of the augmentation")
    if focus:
        proposals.append("show more samples of the class (focus)")
    if not widen:
        proposals.append("look at the labels of these pictures, and collect more like them: no augmentation makes them")
    words = "; ".join(proposals)
    return Mend(words[:1].upper() + words[1:] + ".", widen, focus)


def joined(mends: Sequence[Mend]) -> Mend:
    """All proposals as one, each thing once."""
    widen = tuple(dict.fromkeys(name for each in mends for name in each.widen))
    words = " ".join(dict.fromkeys(each.words for each in mends))
    return Mend(words, widen, any(each.focus for each in mends))
