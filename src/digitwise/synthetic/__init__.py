"""Made images whose truth is known: scans of single digits, pages of numbers, corrupted test images."""

from digitwise.synthetic.corruptions import CORRUPTIONS, corrupted
from digitwise.synthetic.glyphs import drawn_digit
from digitwise.synthetic.pages import Page, page_of
from digitwise.synthetic.scans import cutout_of, other_ink, scan_of

__all__ = ["CORRUPTIONS", "Page", "corrupted", "cutout_of", "drawn_digit", "other_ink", "page_of", "scan_of"]
