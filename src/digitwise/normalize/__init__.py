"""The one road from any image of a digit to a model's input: light on dark, 20 pixels long, centred in 28x28.

Repair (noise, blur), light (polarity, shade), ink (threshold), pieces (which ink is the digit's), road (size, place).
NumPy, Pillow and SciPy's ndimage only, so that whoever reads images need not import more.
"""

from digitwise.normalize.road import (
    BOX,
    SIDE,
    VERSION,
    Normalized,
    centred,
    form_of,
    in_form,
    normalize,
    normalize_all,
    stroke_width,
)

__all__ = [
    "BOX",
    "SIDE",
    "VERSION",
    "Normalized",
    "centred",
    "form_of",
    "in_form",
    "normalize",
    "normalize_all",
    "stroke_width",
]
