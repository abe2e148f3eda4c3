"""The thresholds of all checks in one table.

They let the training images of MNIST and Fashion-MNIST, as published, pass without a finding, and find one
planted image in 10,000 (benchmarks/checks.py).
"""

from __future__ import annotations

UNEVEN = 1.5  # DW001: largest class over smallest, from which small classes are learnt less well
RARE = 50  # DW002: images of a class below which its error rate cannot be measured
FEW = 0.1  # DW002: of the median class

DESCRIPTOR_RADIUS = 0.035  # DW011: of the mean descriptor's length; JPEG of quality 75 moves one by 0.02 at most
ALIKE = 0.045  # DW011: |a - b| / |a|, aligned and blurred; JPEG of quality 75 gives 0.03, no two of MNIST below 0.06
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
ODD_NEIGHBOUR = 10  # DW034: whose distance counts, so that up to nine copies of one image do not hide each other
ODD_BANK = 10_000  # DW034: images among which neighbours are looked for
ODD_COMPONENTS = 50  # DW034: principal components that draw an image

TURNED_Z = 5.0  # DW035: standard errors by which a turn reads the set better than it is read as it is
TURNED_SAMPLE = 2_000  # DW035: images of each split that are asked about under all turns
MIXED = 0.01  # DW035: share of the images that have their label under one turn only, from which they were turned
TURNED_SURE = 0.8  # DW035: probability of its label, once turned, of an image that was turned alone
TURNED_DENIED = 0.2  # DW035: the same of that image as it is
TURNED_KNOWN = 0.5  # DW035: share read right, under the best turn, below which the bundled model is not asked
TURNED_CLASSES = 3  # DW035: that turned images have at least; fewer are wrong labels, as of 6 and 9
TURNED_FEWEST = 20  # DW035: images of a split below which nothing can be concluded
TURNED_LEARNT = 200  # DW035: labelled training images from which a linear discriminant can be fitted

NAMED = 0.9  # DW040: of the labels that are named as wrong, so many are expected to be
LIKELIER = 10.0  # DW040: twice the gain in log-likelihood from which some labels are wrong; 6.6 is the 1 % level
TRUSTED = 0.7  # DW040: agreement of networks and labels below which none is named: too little is known of the set
HARD = 0.9  # DW040: the same below which most wrong labels cannot be distinguished from hard images
REVIEWED = 100  # DW040: images worth a look at least: the cut is careful

SHIFT_AUC = 0.65  # DW050: how well a classifier tells the two sides apart; 0.5 is not at all
SHIFT_P = 0.001  # DW050: chance of that by accident, from which it is no accident
SHIFT_FEWEST = 50  # DW050: images of each side that the test needs
SHIFT_SAMPLE = 5_000  # DW050: images of each side that are measured
