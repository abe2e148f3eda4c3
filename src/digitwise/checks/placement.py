"""DW033: pictures whose digit is off the centre, cut off, or of another size than the set's own norm."""

from __future__ import annotations

import numpy as np

from digitwise.checks.base import Finding, PictureCheck, tiles
from digitwise.checks.pixels import opposite, severity_of, spread
from digitwise.checks.subject import Part, Subject
from digitwise.checks.thresholds import BULK, CLIPPED, OFF_CENTRE, SPREADS, TOO_LARGE


class Placement(PictureCheck):
    """DW033."""

    code = "DW033"
    title = "off-centre, cut off, or of another size"
    meaning = (
        "A network learns where digits stand and how large they are. MNIST's are centred by mass in 28x28 and fit a "
        "box of 20x20; pictures prepared in another way are read with several times the errors."
    )
    remedy = (
        "Prepare all pictures in one way (digitwise data normalize crops, scales and centres by mass), or train with "
        "wider shifts and zoom if the pictures in use are like that too."
    )

    def find_in(self, part: Part, subject: Subject) -> Finding | None:
        """Pictures far from the set's own norm."""
        if part.fitted_from:
            was, now = ("×".join(map(str, each)) for each in (part.fitted_from, part.images.shape[1:]))
            words = f"the {part.split} pictures are {was}, the training pictures {now}"
            return self.finding("error", words, split=part.split, count=len(part))
        found, side = part.measures, max(part.images.shape[1:])
        usable = ~part.blank & ~opposite(part)
        if not usable.any():
            return None
        middle = [float(np.median(values[usable])) for values in (found.y, found.x)]
        offset = np.hypot(found.y - middle[0], found.x - middle[1]).astype(np.float64)
        usual, deviation = spread(offset[usable])
        off = usable & (offset > max(OFF_CENTRE * side, usual + SPREADS * deviation))
        size = np.maximum(np.maximum(found.height, found.width), 1).astype(np.float64)
        ratio = np.log(size / np.median(size[usable]))
        _, deviation = spread(ratio[usable])
        sized = usable & (np.abs(ratio) > max(np.log(TOO_LARGE), SPREADS * deviation))
        clipped = usable & (found.edge >= CLIPPED)
        if clipped.sum() > BULK * len(part):  # the set fills its frame
            clipped[:] = False
        indices = np.flatnonzero(off | sized | clipped).astype(np.int64)
        if not len(indices):
            return None
        kinds = {
            "off the centre": int(off.sum()),
            "of another size": int(sized.sum()),
            "cut off at the border": int(clipped.sum()),
        }
        captions = [
            f"{part.name_of(i)} · " + ("off centre" if off[i] else f"{size[i]:.0f} px" if sized[i] else "cut off")
            for i in indices
        ]
        return self.finding(
            severity_of(indices, part),
            ", ".join(f"{n:,} {kind}" for kind, n in kinds.items() if n),
            indices=indices,
            evidence={**kinds, "usual_centre": middle, "usual_size": float(np.median(size[usable]))},
            split=part.split,
            tiles=tiles(part, indices, captions),
        )
