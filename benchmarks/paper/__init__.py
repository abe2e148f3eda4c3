"""Numbers on real paper: cheques, registers, photos, rows, pages, hard cases, and pages without any number."""
