"""Made pictures whose truth is known: scans of single digits, pages of numbers, corrupted test pictures."""

from digitwise.synthetic.scans import scan_of

__all__ = ["scan_of"]
