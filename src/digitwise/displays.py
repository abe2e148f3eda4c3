"""What results show in a notebook: small pieces of HTML, readable on light and dark, names of strangers escaped."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitwise.escaping import printable

LONGEST = 1_000  # pixels of the longer side of an image that is shown
SMALL = 56  # and of one of many
HEAVY = 100_000  # bytes of a PNG, from which on a photo is shown as JPEG: a notebook keeps what it shows
GREY = "#888"  # tells from white and from black
SHOWN = 15  # images of a set
NAMED = 12  # classes in one line


def text(value: object) -> str:
    """A value as text of HTML: markup and harmful characters are escaped.

    Examples
    --------
    >>> text("<b>7</b>")
    '&lt;b&gt;7&lt;/b&gt;'
    """
    return html.escape(printable(value))


def paragraph(value: object) -> str:
    """A line of text."""
    return f'<p style="margin:0.3em 0">{text(value)}</p>'


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table; colours are those of the notebook."""
    cell = "text-align:left;padding:0.15em 1em 0.15em 0"
    head = "".join(f'<th style="{cell}">{text(column)}</th>' for column in columns)
    body = "".join(
        "<tr>" + "".join(f'<td style="{cell};vertical-align:top">{text(value)}</td>' for value in row) + "</tr>"
        for row in rows
    )
    return f'<table style="border-collapse:collapse"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def as_png(image: NDArray[np.uint8], compress_level: int = 6) -> bytes:
    """An image, uint8 (h, w) or (h, w, 3), as a file; level 9 is the smallest, and slow."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG", compress_level=compress_level)
    return file.getvalue()


def data_url(content: bytes, kind: str = "png") -> str:
    """A file of an image in a URL that holds it."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def image(shown: NDArray[np.uint8] | Image.Image, told: str, longest: int = LONGEST) -> str:
    """An image, scaled so that its longer side has at most so many pixels; a tiny one is enlarged.

    Parameters
    ----------
    shown : ndarray of uint8, shape (h, w) or (h, w, 3), or PIL image
    told : str
        What it shows, for those who cannot see it.
    longest : int
    """
    drawn = shown if isinstance(shown, Image.Image) else Image.fromarray(shown)
    if max(drawn.size) > longest:
        drawn.thumbnail((longest, longest))
    kind, content = "png", io.BytesIO()
    drawn.save(content, "PNG", optimize=True)
    if content.tell() > HEAVY:
        kind, content = "jpeg", io.BytesIO()
        drawn.convert("RGB").save(content, "JPEG", quality=85)
    width = drawn.width * max(1, SMALL // max(drawn.size))
    style = (
        f"width:{width}px;max-width:100%;height:auto;image-rendering:{'pixelated' if width > drawn.width else 'auto'}"
    )
    url = data_url(content.getvalue(), kind)
    return f'<img alt="{text(told)}" style="{style};outline:1px solid {GREY}" src="{url}">'


def gallery(images: Sequence[NDArray[np.uint8]], captions: Sequence[str]) -> str:
    """Images side by side, each with its caption.

    Parameters
    ----------
    images : sequence of ndarray of uint8, shape (h, w) or (h, w, 3)
    captions : sequence of str
    """
    figures = (
        f'<figure style="display:inline-block;margin:0.2em 0.6em 0.2em 0;vertical-align:top;max-width:9em">'
        f'{image(each, caption, SMALL)}<figcaption style="font-size:85%">{text(caption)}</figcaption></figure>'
        for each, caption in zip(images, captions, strict=True)
    )
    return f"<div>{''.join(figures)}</div>"


def block(*parts: str) -> str:
    """Pieces of HTML, one below the other."""
    return f'<div style="overflow-x:auto">{"".join(parts)}</div>'


def sides(shape: tuple[int, ...]) -> str:
    """Height and width in words, and the channels of colour: ``28x28``, ``32x32x3``."""
    return "x".join(map(str, shape if shape[-1] == 3 else shape[:2]))


def listed(names: Sequence[str]) -> str:
    """The classes in one line."""
    return f"{len(names)} classes: {', '.join(names[:NAMED])}{', …' if len(names) > NAMED else ''}"


def labelled(
    words: str,
    names: Sequence[str],
    counts: Mapping[str, NDArray[np.int64]],
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
) -> str:
    """Images with labels: what they are, how many of each class, and the first fifteen.

    Parameters
    ----------
    words : str
        Their repr: lines after the first are notes.
    names : sequence of str
        Of the classes.
    counts : mapping of str to ndarray
        Images of each class in a split.
    images : ndarray of uint8, shape (n, h, w) or (n, h, w, 3)
    labels : ndarray of int64, shape (n,)
    """
    rows = [(name, *(f"{own[place]:,}" for own in counts.values())) for place, name in enumerate(names)]
    told = (line.strip("<> ") for line in words.splitlines())
    shown = gallery(list(images[:SHOWN]), [names[label] for label in labels[:SHOWN].tolist()])
    return block(*map(paragraph, told), table(("class", *counts), rows), shown)
