"""Normalisation of any image of a digit to a model's input: light on dark, 20 pixels long, centred in 28x28.

The modules: light (polarity, shade), ink (noise, blur, threshold), pieces (the ink of the digit), road (size, place).
They use NumPy, Pillow and SciPy's ndimage only, so that reading images needs no other imports.
"""

from digitwise.normalization.road import (
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
