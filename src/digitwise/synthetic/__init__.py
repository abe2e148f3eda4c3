"""Made pictures whose truth is known: scans of single digits, pages of numbers, corrupted test pictures."""

from digitwise.synthetic.corruptions import CORRUPTIONS, corrupted
from digitwise.synthetic.pages import Page, page_of
from digitwise.synthetic.scans import scan_of

__all__ = ["CORRUPTIONS", "Page", "corrupted", "page_of", "scan_of"]
