"""PDFs made by hand or by Pillow."""

from __future__ import annotations

import io
import zlib

from PIL import Image

DPI = 200  # as pages are rendered


def pdf_of(images):
    """A PDF with an image on each page, which is rendered at the image's own size."""
    file = io.BytesIO()
    first, *others = (Image.fromarray(image) for image in images)
    first.save(file, "PDF", save_all=True, append_images=others, resolution=DPI)
    return file.getvalue()


def endless_pdf(paths=3_000_000):
    """A PDF of some kilobytes that is rendered for an hour: one page with many large paths."""
    content = zlib.compress(b"0 0 500 500 re f\n" * paths)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<<>>>>",
        b"<</Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (len(content), content),
    ]
    found, places = b"%PDF-1.4\n", []
    for number, each in enumerate(objects, 1):
        places.append(len(found))
        found += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    table = b"xref\n0 5\n0000000000 65535 f \n" + table
    return found + table + b"trailer<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % len(found)
