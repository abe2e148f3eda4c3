"""Many glyphs to write scenes with: digits of MNIST's writers, drawn forms that MNIST lacks, signs and letters."""

from __future__ import annotations

import functools
import string
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from digitwise.images import Float32, Int64, UInt8
from digitwise.maps import SIGNS
from digitwise.synthetic.fields import EMPTY, FINE, INSET, TALL, drawn, field_of_digit, field_of_drawing
from digitwise.synthetic.strokes import Drawing, form_of

FRAME, SIZE = 72, 40  # pixels: side of a printed letter's image, and size of its font
OTHER = -1  # the label of a letter
OUTLINE, MIDDLE, DRAWN = range(3)  # kinds
FORMS = 1_200  # drawn forms of each digit
LETTERS = string.ascii_letters
LOOKALIKES = "OoQDlIiSsZzBbgq()!"  # of the letters and marks: digits, for all that can be seen of one alone
MARKS = "åäöøæéñçß&$€%#*+?!()[]"
FONTS = ("STIXGeneralItalic", "DejaVuSans", "DejaVuSerif-Italic", "cmmi10", "cmss10", "cmr10")
WIDE_FONTS = 3  # of these have marks too
ASPECTS = {"0": (0.35, 1.5), "1": (0.15, 0.7), "-": (1, 1), "=": (1, 1), ".": (0.5, 0.5), ",": (0.2, 0.7)}
USUAL = 0.4, 0.95  # width over height of the other drawn forms
BLOCK = 1_000  # digits that a process works on at a time, where there are enough for three blocks


@dataclass(frozen=True, eq=False)
class Glyphs:
    """Many glyphs.

    Parameters
    ----------
    fields : ndarray of uint8, shape (n, 48, 48)
        See :mod:`digitwise.synthetic.fields`.
    labels : ndarray of int64, shape (n,)
        Places in :data:`~digitwise.maps.SIGNS`, or :data:`OTHER`.
    kinds : ndarray of uint8, shape (n,)
        :data:`OUTLINE` and :data:`MIDDLE` for digits of writers, by what distances are measured from; any pen will do
        for a middle. :data:`DRAWN` for drawn forms and letters, from the middle too.
    """

    fields: UInt8
    labels: Int64
    kinds: UInt8

    @functools.cached_property
    def places(self) -> dict[tuple[int, int], Int64]:
        """Where the glyphs of each label and kind are."""
        pairs = {(int(label), int(kind)) for label, kind in zip(self.labels, self.kinds, strict=True)}
        return {pair: np.flatnonzero((self.labels == pair[0]) & (self.kinds == pair[1])) for pair in pairs}

    @functools.cached_property
    def spans(self) -> Float32:
        """Width and height of each glyph's middle lines, float32 (n, 2), in shares of a field's :data:`TALL`."""
        reach = np.where(self.kinds == OUTLINE, (INSET + 0.5) * FINE, FINE).astype(np.uint8)
        near = self.fields < reach[:, None, None]
        counts = np.stack([near.any(axis=1).sum(axis=1), near.any(axis=2).sum(axis=1)], axis=1)
        return np.asarray(np.maximum(counts - 1, 1).astype(np.float32) / TALL)


def glyphs_of(digits: UInt8, labels: Int64, *, seed: int, jobs: int, forms: int = FORMS) -> Glyphs:
    """The glyphs of digits, of drawn forms and of letters.

    Parameters
    ----------
    digits : ndarray of uint8, shape (n, h, w)
        Light on dark. Of every third block of about a thousand the outlines are taken, of the others the middles; those
        whose strokes are too faint are left out.
    labels : ndarray of int64, shape (n,)
        0 to 9.
    seed : int
        Decides the drawn forms.
    jobs : int
        Processes to share the work.
    forms : int
        Drawn forms of each digit; of each sign there is a sixth of that.
    """
    from joblib import Parallel, delayed

    blocks = np.array_split(np.arange(len(digits)), max(3, len(digits) // BLOCK))
    written = [
        delayed(_written)(digits[block], labels[block], MIDDLE if k % 3 else OUTLINE) for k, block in enumerate(blocks)
    ]
    drawn = [
        delayed(_drawn)(place, forms if sign.isdigit() else forms // 6, seed=(seed, place))
        for place, sign in enumerate(SIGNS)
    ]
    return _joined([*Parallel(n_jobs=jobs)([*written, *drawn]), _letters()])


def _joined(parts: Iterable[Glyphs]) -> Glyphs:
    """All glyphs that have ink."""
    each = [(part.fields, part.labels, part.kinds) for part in parts]
    fields, labels, kinds = (np.concatenate(arrays) for arrays in zip(*each, strict=True))
    inked = fields.min(axis=(1, 2)) < EMPTY
    return Glyphs(fields[inked], labels[inked], kinds[inked])


def _alike(fields: list[UInt8], label: int, kind: int) -> Glyphs:
    n = len(fields)
    return Glyphs(np.stack(fields), np.full(n, label, np.int64), np.full(n, kind, np.uint8))


def _written(digits: UInt8, labels: Int64, kind: int) -> Glyphs:
    fields = np.stack([field_of_digit(digit, middle=kind == MIDDLE) for digit in digits])
    return Glyphs(fields, labels, np.full(len(labels), kind, np.uint8))


def _drawn(label: int, count: int, *, seed: tuple[int, int]) -> Glyphs:
    """So many drawn forms of a digit or sign, narrow and wide."""
    rng = np.random.default_rng(seed)
    return _alike([field_of_drawing(_some_form(SIGNS[label], rng=rng)) for _ in range(count)], label, DRAWN)


def _some_form(sign: str, *, rng: np.random.Generator) -> Drawing:
    aspect = rng.uniform(*ASPECTS.get(sign, USUAL))
    return [(stroke - 0.5) * [aspect, 1.0] for stroke in form_of(sign, rng=rng)]


def drawn_digit(label: int, *, rng: np.random.Generator) -> UInt8:
    """Some form of a digit that MNIST may lack, uint8 (48, 48), light on dark, written with a pen like MNIST's."""
    return drawn(_some_form(str(label), rng=rng))


def _letters() -> Glyphs:
    """Letters and marks, from the middles of printed ones."""
    return _alike([field_of_digit(printed(*pair), middle=True) for pair in _pairs()], OTHER, DRAWN)


@functools.cache
def _pairs() -> list[tuple[str, str]]:
    """Each letter and mark with its font, in the order of their glyphs, which are the last ones."""
    wide = FONTS[:WIDE_FONTS]
    return [(letter, name) for name in FONTS for letter in LETTERS] + [(mark, name) for name in wide for mark in MARKS]


def letters_of(glyphs: Glyphs, wanted: str) -> Int64:
    """The places of the letters and marks that are among those wanted."""
    pairs = _pairs()
    among = np.flatnonzero([letter in wanted for letter, _ in pairs])
    return np.asarray(len(glyphs.labels) - len(pairs) + among)


def is_lookalike(glyphs: Glyphs, place: int) -> bool:
    """Whether the letter at a place would be taken for a digit where it stands alone."""
    return _pairs()[place - len(glyphs.labels)][0] in LOOKALIKES


@functools.cache
def font(name: str, size: int) -> ImageFont.FreeTypeFont:
    """A font by its file's name, ``size`` pixels large."""
    return ImageFont.truetype(font_folder() / f"{name}.ttf", size)


@functools.cache
def font_folder() -> Path:
    """Where the fonts lie that matplotlib brings: the same everywhere, unlike a system's."""
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf"


def printed(letter: str, name: str) -> UInt8:
    """A letter in the middle of an image, uint8 (72, 72), light on dark."""
    image = Image.new("L", (FRAME, FRAME), 0)
    ImageDraw.Draw(image).text((FRAME // 2, FRAME // 2), letter, 255, font(name, SIZE), anchor="mm")
    return np.asarray(image)
