"""The thresholds of all checks in one table.

They let the training images of MNIST and Fashion-MNIST, as published, pass without a finding, and find one
planted image in 10,000 (benchmarks/checks.py).
"""

from __future__ import annotations

UNEVEN = 1.5  # DW001: largest class over smallest, from which small classes are learnt less well
RARE = 50  # DW002: images of a class below which its error rate cannot be told
FEW = 0.1  # DW002: of the median class

DESCRIPTOR_RADIUS = 0.035  # DW011: of the mean descriptor's length; JPEG of quality 75 moves one by 0.02 at most
ALIKE = (
    0.045  # DW011: |a - b| / |a|, aligned and blurred; JPEG of quality 75 gives 0.03, no two of MNIST less than 0.06
)
SAME_INK = 0.18  # DW011: the same of faint ink without its paper; two thin 1s may have 0.2, a copy in JPEG as much
FLOOR = 16  # DW011: grey value below which there is JPEG's noise, not ink
INK = 8  # DW033: grey values above the ground from which a pixel is ink, dark cloth too

BLANK_RANGE = 24  # DW030: grey values between ground and ink below which there is nothing to see
SATURATED = 0.6  # DW030: share of full-white pixels; the fullest of MNIST's have 0.35
UNSCALED = 2  # DW031: grey values up to which an image is one of 0.0 to 1.0, stored as whole numbers
FAINT = 0.6  # DW031: of the set's median range; most sets are stretched to the full one
SPREADS = 8.0  # DW031, DW033: robust standard deviations from the median that no image of a clean set is away
GROUND = 0.75  # DW032: how far up its range the ground of a dark-on-light image lies
BULK = 0.01  # DW030 to DW033: share of the images from which it is a fault of the set, not of an image
OFF_CENTRE = 0.1  # DW033: of the side, whatever the set's own spread
TOO_LARGE = 1.45  # DW033: times the set's own size, or its inverse, whatever the set's own spread
INKED_EDGE = 128  # DW033: grey value from which a pixel at the border is ink that went on outside
CLIPPED = 5  # DW033: such pixels of an image
ODD = 6.8  # DW034: robust standard deviations, of two distances together; the oddest of MNIST has 6.3, of Fashion 6.4

TURNED_Z = 5.0  # DW035: standard errors by which a turn reads the set better than it is read as it is
TURNED_SAMPLE = 2_000  # DW035: images of each split that are asked about under all turns
MIXED = 0.01  # DW035: share of the images that have their label under one turn only, from which they were turned

SHIFT_AUC = 0.65  # DW050: how well a classifier tells the two sides apart; 0.5 is not at all
SHIFT_P = 0.001  # DW050
SHIFT_SAMPLE = 5_000  # DW050: images of each side that are measured
