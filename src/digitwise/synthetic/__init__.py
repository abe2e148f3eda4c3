"""Synthetic images with exact labels: scans of single digits, pages of numbers, corrupted test images."""

from digitwise.synthetic.corruptions import CORRUPTIONS, corrupted
from digitwise.synthetic.glyphs import drawn_digit
from digitwise.synthetic.pages import SyntheticPage, page_of
from digitwise.synthetic.scans import cutout_of, other_ink, scan_of

__all__ = ["CORRUPTIONS", "SyntheticPage", "corrupted", "cutout_of", "drawn_digit", "other_ink", "page_of", "scan_of"]
