"""Digits of one stroke for tests."""

import numpy as np
from PIL import Image, ImageDraw


def rng(*seed):
    return np.random.default_rng(seed or 0)


def digit(kind="ring", width=3):
    """A 0, or a 1, with light ink on a dark ground."""
    image = Image.new("L", (28, 28))
    pen = ImageDraw.Draw(image)
    if kind == "ring":
        pen.ellipse((8, 4, 20, 23), outline=255, width=width)
    else:
        pen.line([(15, 4), (13, 23)], fill=255, width=width)
    return np.array(image)
