"""Pictures in many files, here or behind an address, each read from front to back in blocks."""
