"""Synthetic images with exact labels: scans of single digits, scenes of numbers, corrupted test images."""

from digitwise.synthetic.corruptions import CORRUPTIONS, corrupted
from digitwise.synthetic.glyphs import drawn_digit
from digitwise.synthetic.scans import cutout_of, other_ink, scan_of

__all__ = ["CORRUPTIONS", "corrupted", "cutout_of", "drawn_digit", "other_ink", "scan_of"]
