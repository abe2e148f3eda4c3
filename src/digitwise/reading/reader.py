"""The reader: from images to digits and numbers, each with a status and a confidence."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, overload

import numpy as np

from digitwise.decoding import MAX_PIXELS, Decoded
from digitwise.errors import DigitwiseError, ModelError
from digitwise.images import Float32, UInt8
from digitwise.progress import each_of, showing
from digitwise.reading import finder, trust
from digitwise.reading.answers import Answers, Expected, Single, pooled
from digitwise.reading.finder import Sight
from digitwise.reading.foreign import Foreign
from digitwise.reading.forms.fields import read_form
from digitwise.reading.forms.template import Field, Template
from digitwise.reading.inputs import OneImage, cut_out, image_of, path_of, stack_of
from digitwise.reading.known import Known, Region
from digitwise.reading.model import UNTOUCHED, Model, chosen
from digitwise.reading.model_input import Prepared, as_they_are, even, fitted, normalized, normalized_stack, opinions_of
from digitwise.reading.numbers import is_more, page_of
from digitwise.reading.results import Digit, Page, Reading

# Pixels of the longer side, for JPEGs that are larger: a digit as small as a tenth of the image still has a hundred.
SINGLE = 1_000
FEW = 3  # pieces of ink without a detected digit that may still be one: more are a page of something else
LIKELY = 0.5  # the finder's probability of a class from which an image without ink is not blank
PAGE = 2_000  # pixels of the longer side, for larger JPEGs: the finder looks at no more than three million pixels
DIGITS = tuple("0123456789")


class Reader:
    """Reads digits with a model, and marks unsure ones. Thread-safe.

    Parameters
    ----------
    model : str, Path, bytes or Foreign, optional
        An ONNX file made by ``digitwise export``, or its content; by default the one in the package. Also one from
        elsewhere, see :class:`~digitwise.reading.model.Model`; it has no error guarantee. A reader with a ``Foreign``
        cannot be sent to another process.
    max_error : float, optional
        At most this share of what has status ``read`` is wrong; the rest is ``unsure``. For single digits it is a share
        of the digits, by default the model's strictest guarantee from 0.3 % on; for numbers on a page a share of the
        numbers, by default 3 %.
    threads : int, optional
        For many images at once; by default one per core.
    max_pixels : int
        Larger images are refused before they are decoded.
    input_scale : str, optional
        The pixels that a model from elsewhere takes, ``0-1``, ``0-255``, ``centred`` (-1 to 1) or ``standardised``; by
        default found by asking it about known digits.

    Raises
    ------
    ModelError
        If the model cannot be used, or cannot guarantee so few errors.

    Examples
    --------
    >>> import digitwise
    >>> reader = digitwise.Reader(max_error=0.02)
    >>> images = digitwise.load("digits").test.images
    >>> [reading.label for reading in reader.read(images[:4])]
    ['5', '9', '2', '4']
    >>> reader.read_numbers("form.jpg").text  # doctest: +SKIP
    '4096'
    """

    def __init__(
        self,
        model: str | Path | bytes | Foreign | None = None,
        *,
        max_error: float | None = None,
        threads: int | None = None,
        max_pixels: int = MAX_PIXELS,
        input_scale: str | None = None,
    ) -> None:
        self.model = Model(model, threads=threads, input_scale=input_scale)
        self.policy = chosen(self.model.card.policies, max_error, self.model.name)
        self.max_pixels, self.max_error = max_pixels, max_error
        again = partial(Reader, model, max_error=max_error, threads=1, max_pixels=max_pixels)
        self._again = partial(again, input_scale=input_scale)

    def __reduce__(self) -> tuple[Any, ...]:  # a session cannot be pickled: another process opens its own
        return self._again, ()  # of one thread: there is a process for each core

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes, in the order of the probabilities."""
        return self.model.card.class_names

    @overload
    def read(self, x: OneImage, *, progress: bool | None = None) -> Reading: ...
    @overload
    def read(self, x: list[Any] | tuple[Any, ...], *, progress: bool | None = None) -> list[Reading]: ...
    @overload
    def read(self, x: Any, *, progress: bool | None = None) -> Any: ...

    def read(self, x: Any, *, progress: bool | None = None) -> Reading | list[Reading]:
        """Read one digit per image.

        Parameters
        ----------
        x : str, Path, bytes, PIL image or array, or several of them
            One image: a file, its content, or an array (h, w) or (h, w, 3) of any size. Several: a list or tuple, or
            an array (n, h, w), (n, h, w, 3), (n, 1, h, w) or (n, 3, h, w). An array (n, 784) may be either and is
            refused: give ``x.reshape(-1, 28, 28)``, or ``[x]`` for one image. Digits in MNIST's form are read as they
            are, others are normalised.
        progress : bool, optional
            Whether to show a bar for several; by default on a terminal and in a notebook.

        Returns
        -------
        Reading, or list of Reading for several

        Warns
        -----
        UserWarning
            If more of several images may be wrong than the guarantee allows, see
            :class:`~digitwise.reading.answers.Expected`: they differ from those that the model was validated on.

        Raises
        ------
        DataError
            If one image cannot be read, or an array may be one image or several. Among several images one that cannot
            becomes a reading of status ``error``.
        """
        stack = None if isinstance(x, list | tuple) else stack_of(x)
        if stack is not None or isinstance(x, list | tuple):
            several = len(x if stack is None else stack) > 1
            with showing(progress, "reading", timed=False) if several else nullcontext():
                readings = self._read_each(x) if stack is None else self.answers(stack).readings()
            if word := Expected.of(readings).word(self.policy):
                warnings.warn(word, stacklevel=2)
            return readings
        return self.answered(self.prepared(x)).readings([path_of(x)])[0]

    def read_numbers(
        self,
        x: Any,
        *,
        region: str | Sequence[float] | None = None,
        pattern: str | None = None,
        expect: int | None = None,
    ) -> Page:
        r"""Find the numbers in a photo or scan, and read them.

        Parameters
        ----------
        x : str, Path, bytes, PIL image or array
            One image.
        region : str or sequence of four float, optional
            The part to read: left, top, width and height in pixels, or ``"60%,10%,30%,8%"``. Boxes are in pixels of the
            whole image.
        pattern : str, optional
            A regular expression that each number matches as a whole, with or without its signs. The most probable
            matching reading is taken; a number without one is ``unsure``.
        expect : int, optional
            The number of digits of each number, instead of a pattern.

        Returns
        -------
        Page

        Raises
        ------
        DataError
            If the image cannot be read, or region, pattern or expect is invalid.
        ModelError
            If the model's classes are not the ten digits.

        Examples
        --------
        ::

            reader.read_numbers("cheque.jpg", region="60%,10%,30%,8%", pattern=r"\d+\.\d\d").text
        """
        known = Known.of(pattern, expect)
        decoded = image_of(x, max_pixels=self.max_pixels, at_least=PAGE)
        part = decoded if region is None else Region.parsed(region).of(decoded)
        return self.page_of(part, path_of(x), known=known)

    def read_form(self, x: Any, template: Template | str | Path) -> Page:
        """Read the fields of a form.

        Parameters
        ----------
        x : str, Path, bytes, PIL image or array
            One image: a scan, or a photo that shows all of the form.
        template : Template, str or Path
            The places of its fields, or their TOML file.

        Returns
        -------
        Page
            With ``fields`` by name.

        Raises
        ------
        DataError
            If the image or the template cannot be read, or the form's marks are not found.

        Examples
        --------
        ::

            reader.read_form("form.jpg", "form.toml").fields["amount"].text
        """
        template = template if isinstance(template, Template) else Template.from_file(template)
        return self.form_of(image_of(x, max_pixels=self.max_pixels, at_least=PAGE), template, path_of(x))

    def form_of(self, decoded: Decoded, template: Template, path: str | None = None) -> Page:
        """The fields of a form on an image that is decoded already."""

        def read(image: UInt8, field: Field) -> Page:
            return self.page_of(Decoded(image), known=field.known, turn=0)

        turn = finder.bundled(self.model.threads).turn(decoded.image)
        return replace(read_form(read, decoded, template, turn=turn), path=path)

    def page_of(
        self, decoded: Decoded, path: str | None = None, *, known: Known | None = None, turn: int | None = None
    ) -> Page:
        """The numbers of a decoded image; ``turn`` is its orientation, if known."""
        self.check_numbers()
        return self._page(self._sight(decoded, turn), decoded, path, known)

    def _page(self, sight: Sight, decoded: Decoded, path: str | None, known: Known | None = None) -> Page:
        least = trust.bundled().least(self.max_error)
        return page_of(sight, path=path, least=least, unit=decoded.scale, origin=decoded.origin, known=known)

    def check_numbers(self) -> None:
        """Reject a model that cannot read numbers.

        Raises
        ------
        ModelError
            If its classes are not the ten digits.
        """
        if self.class_names != DIGITS:
            told = f"{self.model.name}: expected a model of the digits 0 to 9 to read numbers"
            raise ModelError(
                f"{told}, got {len(self.class_names)} other classes; read single images with it: read (--single)"
            )

    def auto_of(self, decoded: Decoded, path: str | None = None) -> Single | Page:
        """Read a decoded image as what it shows: nothing, one digit, or numbers.

        One digit is read by the finder and by the model, and is sure only if both agree. Other ink beside it makes the
        image a page. Without a digit, a few pieces of ink are an unsure digit, more are a page without numbers.
        """
        if self.class_names != DIGITS:
            return self.single_of(decoded.image, path)
        sight = self._sight(decoded)
        page = self._page(sight, decoded, path)
        digits = [digit for number in page.numbers for digit in number.digits]
        if len(digits) > 1 or (digits and any(map(is_more, page.others))):
            return page
        if digits:
            single = self._agreed(decoded, digits[0], sight, path)
            return page if single.reading.label is None else single
        pieces = sum(other.kind != "rule" for other in page.others)
        if pieces > FEW:
            return page
        single = self.single_of(decoded.image, path, sight=sight)
        return single.said("unsure" if pieces and single.reading.status != "blank" else "blank")

    def _agreed(self, decoded: Decoded, digit: Digit, sight: Sight, path: str | None) -> Single:
        """A lone digit by the model, on the image or, if other ink is in view, on the digit cut out."""
        whole = self.single_of(decoded.image, path, sight=sight)
        if whole.reading.label != digit.label:
            whole = self.single_of(cut_out(decoded, digit.box), path)
        return whole if whole.reading.label == digit.label and digit.status == "read" else whole.said("unsure")

    def single_of(self, image: UInt8, path: str | None = None, *, sight: Sight | None = None) -> Single:
        """Read an image, uint8 (h, w) or (h, w, 3), as one digit; ``sight`` is what the finder saw, if it ran."""
        prepared = self.formed(image, sight=sight)
        answers = self.answered(prepared)
        return Single(answers.readings([path])[0], answers.probabilities[0], prepared.images[0])

    def _sight(self, decoded: Decoded, turn: int | None = None) -> Sight:
        return finder.bundled(self.model.threads).find(decoded.image, turn=turn)

    def probabilities(self, images: UInt8) -> Float32:
        """The calibrated probability of each class, float32 (n, k).

        Parameters
        ----------
        images : ndarray of uint8, shape (n, 28, 28)
            In the model's own form and size, which is not checked.
        """
        return self.model.probabilities(images)

    def input_of(self, x: Any) -> UInt8:
        """The model's input for one image: uint8 (28, 28) or the model's own size; black if it is blank."""
        image: UInt8 = self.prepared(x).images[0]
        return image

    def answers(self, images: UInt8) -> Answers:
        """Answers about an array of images, as arrays.

        Parameters
        ----------
        images : ndarray of uint8, shape (n, h, w) or (n, h, w, 3)
        """
        return self.answered(self.formed_stack(images))

    def answered(self, prepared: Prepared) -> Answers:
        """Answers about prepared images; blank ones are not given to the model.

        Opinions of the finder are pooled with the model's probabilities, see
        :func:`~digitwise.reading.answers.pooled`; an answer is unsure if they change the class, or see several digits.
        """
        blank = prepared.blank
        if not blank.any():
            probabilities = self.model.probabilities(prepared.images)
        else:
            probabilities = even(len(blank), len(self.class_names))
            probabilities[~blank] = self.model.probabilities(prepared.images[~blank])
        if (opinions := prepared.opinions) is None:
            agreed = np.ones(len(blank), bool)
            return Answers(probabilities, blank, self._sure(probabilities), self.class_names, agreed)
        told, evidence = pooled(probabilities, opinions)
        agreed = probabilities.argmax(axis=1) == told.argmax(axis=1)
        if prepared.several is not None:
            agreed &= ~prepared.several
        blank = blank & (opinions.max(axis=1) < LIKELY)
        return Answers(told, blank, self._sure(evidence) & agreed, self.class_names, agreed, evidence)

    def prepared(self, x: Any) -> Prepared:
        """One image as the model takes it; a path, bytes, PIL image or array."""
        image = image_of(x, max_pixels=self.max_pixels, at_least=SINGLE).image
        is_array = hasattr(x, "__array__") and not hasattr(x, "getbands")  # which a PIL image has
        if is_array and self.model.card.normalization == UNTOUCHED:
            return as_they_are(image[None], self.model.image_shape)
        return self.formed(image)

    def formed(self, image: UInt8, *, sight: Sight | None = None) -> Prepared:
        """An image of any size, uint8 (h, w) or (h, w, 3), as the model takes it.

        ``sight`` is what the finder saw, where it has looked already.
        """
        if self.model.card.normalization == UNTOUCHED:
            return fitted(image, self.model.image_shape)
        return self._advised(normalized(image), image[None], sight)

    def formed_stack(self, images: UInt8) -> Prepared:
        """Images of one size, uint8 (n, h, w) or (n, h, w, 3), as the model takes them."""
        if self.model.card.normalization == UNTOUCHED:
            return as_they_are(images, self.model.image_shape)
        return self._advised(normalized_stack(images), images)

    def _advised(self, prepared: Prepared, images: UInt8, sight: Sight | None = None) -> Prepared:
        """Add the finder's opinion of each image that was not in the model's form."""
        if prepared.strange is None or not prepared.strange.any() or self.class_names != DIGITS:
            return prepared
        opinions, several = opinions_of(images, prepared.strange, self.model, sight)
        return replace(prepared, opinions=opinions, several=several)

    def answers_each(self, sources: Sequence[Any]) -> tuple[Answers, list[int], dict[int, str]]:
        """Answers about images of any kind, and the errors of those that cannot be read.

        Parameters
        ----------
        sources : sequence
            Each a path, bytes, PIL image or array.

        Returns
        -------
        (Answers, list of int, dict of int to str)
            Answers about the readable ones; their indices in ``sources``; error messages of the others by index.
        """
        found: dict[int, Prepared] = {}
        errors: dict[int, str] = {}
        for place, source in enumerate(each_of(sources, "reading")):
            try:
                found[place] = self.prepared(source)
            except DigitwiseError as error:
                errors[place] = str(error)
        none = Prepared(np.empty((0, *self.model.image_shape), np.uint8), np.empty(0, bool))
        answers = self.answered(Prepared.joined([*found.values(), none], classes=len(self.class_names)))
        return answers, list(found), errors

    def _read_each(self, sources: list[Any] | tuple[Any, ...]) -> list[Reading]:
        answers, places, errors = self.answers_each(sources)
        readings = dict(zip(places, answers.readings([path_of(sources[place]) for place in places]), strict=True))
        for place, reason in errors.items():
            readings[place] = Reading(None, None, "error", path=path_of(sources[place]), error=reason)
        return [readings[place] for place in range(len(sources))]

    def _sure(self, probabilities: Float32) -> Any:
        return np.ones(len(probabilities), bool) if self.policy is None else self.policy.sure(probabilities)
