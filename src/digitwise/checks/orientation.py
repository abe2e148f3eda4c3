"""DW035: images that are transposed, mirrored or turned, all of a split or some of them.

Each image is classified as it is and under the seven other symmetries of the square. The classifier is the bundled
model where the classes are digits; otherwise a linear discriminant of the training images, which cannot tell that all
of them are turned.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitwise.checks.base import Check, Finding, NotApplicableError, tiles
from digitwise.checks.subject import SplitData, Subject
from digitwise.checks.thresholds import (
    MIXED,
    TURNED_CLASSES,
    TURNED_DENIED,
    TURNED_FEWEST,
    TURNED_KNOWN,
    TURNED_LEARNT,
    TURNED_SAMPLE,
    TURNED_SURE,
    TURNED_Z,
)
from digitwise.errors import counted
from digitwise.fitting import fit_into
from digitwise.images import Float32, Int64, Mask, UInt8
from digitwise.normalization import SIDE, normalize_all
from digitwise.turns import TURNS

DIGITS = tuple("0123456789")
NONE = "none"


@dataclass(frozen=True)
class Classifier:
    """What reads images under each symmetry.

    Parameters
    ----------
    prepare : callable
        Grey images, light on dark, uint8 (n, h, w), to its input, uint8 (n, 28, 28).
    probabilities : callable
        Its input to float32 (n, k).
    judges_images : bool
        Whether it is right often enough to be asked about single images, not only about splits.
    """

    prepare: Callable[[UInt8], UInt8]
    probabilities: Callable[[UInt8], Float32]
    judges_images: bool


@dataclass(frozen=True, eq=False)
class Support:
    """How well a split is read under each symmetry.

    Parameters
    ----------
    indices : ndarray of int64, shape (n,)
        Of the images asked about.
    values : dict of str to ndarray of float32, shape (n,)
        By turn: the probability of the label; of the most probable class where there are no labels.
    hits : dict of str to ndarray of bool, shape (n,)
        By turn: whether the label is the most probable class; empty where there are no labels.
    """

    indices: Int64
    values: dict[str, Float32]
    hits: dict[str, Mask]

    def best(self) -> str | None:
        """The turn under which the whole split is read clearly better than as it is."""
        told: Mapping[str, NDArray[Any]] = self.hits or self.values
        turn = max(TURNS, key=lambda name: float(told[name].mean()))
        gain = told[turn].astype(np.float64) - told[NONE]
        error = max(float(gain.std()), 1e-9) / np.sqrt(len(gain))
        return turn if gain.mean() > TURNED_Z * error else None

    def is_known(self) -> bool:
        """Whether the classifier reads the images at all, under one turn or another."""
        told: Mapping[str, NDArray[Any]] = self.hits or self.values
        return max(float(told[name].mean()) for name in told) > TURNED_KNOWN

    def turned(self, turn: str) -> Mask:
        """Images that are read only under this turn, bool (n,)."""
        return np.asarray((self.values[NONE] < TURNED_DENIED) & (self.values[turn] > TURNED_SURE))


class Orientation(Check):
    """DW035."""

    code = "DW035"
    title = "transposed, mirrored or turned images"
    meaning = (
        "Files in column-major order (EMNIST, MATLAB) show each digit transposed; scanners and cameras turn pages. A "
        "network trained on such images reads upright ones wrong, and a model of upright digits reads these wrong."
    )
    remedy = (
        'Turn the images as the finding says: digitwise.load(data, turn="transpose") (rotate-90, mirror, …) loads them '
        "turned; digitwise data normalize DATA --turn transpose --out DIR writes digits anew. Where only some are "
        "turned, find the file or the step that they come from."
    )

    def find(self, subject: Subject) -> list[Finding]:
        """A finding for each split that lies wrong, or of which some images do."""
        names = subject.train.class_names
        if set(names) <= set(DIGITS) and len(names) > 1:
            classifier = bundled_classifier(names)
            asked = [(part, classifier) for part in subject.parts]
            first = _sampled(*asked[0])
            if first is None or first.is_known():
                return [found for part, classifier in asked for found in self._of(part, classifier)]
        return [found for part, classifier in _learnt(subject) for found in self._of(part, classifier)]

    def _of(self, part: SplitData, classifier: Classifier) -> list[Finding]:
        found = _sampled(part, classifier)
        if found is None:
            return []
        if (turn := found.best()) is not None:
            return [self._whole(part, found, turn)]
        if not (part.labelled and classifier.judges_images):
            return []
        counts = {name: _of_several_classes(part.classes[found.indices[found.turned(name)]]) for name in TURNS}
        second, most = sorted(counts.values())[-2:]
        turn = max(counts, key=lambda name: counts[name])
        chance = 1.5 * second + 2 * second**0.5  # a wrong label is right under any turn by chance
        if most < max(5, MIXED * len(found.indices), chance):
            return []
        return [self._mixed(part, _support(part, usable_in(part), classifier, [NONE, turn]), turn)]

    def _whole(self, part: SplitData, found: Support, turn: str) -> Finding:
        told: Mapping[str, NDArray[Any]] = found.hits or found.values
        what = "right" if found.hits else "mean confidence"
        as_is, better = (float(told[name].mean()) for name in (NONE, turn))
        words = f"the {part.kind} images lie wrong: {as_is:.0%} {what} as they are, {better:.0%} after {turn}"
        evidence = {"turn": turn, **{name: float(values.mean()) for name, values in told.items()}}
        shown = tiles(part, found.indices[:20])
        return self.finding("error", words, evidence=evidence, split=part.split, count=len(part), tiles=shown)

    def _mixed(self, part: SplitData, found: Support, turn: str) -> Finding:
        own = found.indices[found.turned(turn)]
        words = f"{counted(len(own), 'image')} of {len(part):,} have their label only after {turn}"
        shown = tiles(part, own)
        return self.finding("warning", words, indices=own, evidence={"turn": turn}, split=part.split, tiles=shown)


def _of_several_classes(labels: Int64) -> int:
    """How many images were turned, by their labels; none where these are of too few classes."""
    return len(labels) if len(np.unique(labels)) >= TURNED_CLASSES else 0


def usable_in(part: SplitData) -> Int64:
    """Images that can be classified, and whose label is a class where there are labels, int64 (k,)."""
    return np.flatnonzero(~part.blank & ((part.classes >= 0) | (not part.labelled))).astype(np.int64)


def _sampled(part: SplitData, classifier: Classifier) -> Support | None:
    """A sample of a split under all symmetries; None where nothing can be told."""
    usable = usable_in(part)
    if len(usable) < TURNED_FEWEST or part.images.shape[1] != part.images.shape[2]:
        return None
    if len(usable) > TURNED_SAMPLE:
        usable = np.sort(np.random.default_rng(0).choice(usable, TURNED_SAMPLE, replace=False))
    return _support(part, usable, classifier, [NONE, *TURNS])


def _support(part: SplitData, indices: Int64, classifier: Classifier, turns: list[str]) -> Support:
    images = classifier.prepare(np.asarray(part.images[indices]))
    labels = part.classes[indices] if part.labelled else None
    values: dict[str, Float32] = {}
    hits: dict[str, Mask] = {}
    for name in turns:
        given = classifier.probabilities(images if name == NONE else TURNS[name](images))
        values[name] = given.max(axis=1) if labels is None else given[np.arange(len(labels)), labels]
        if labels is not None:
            hits[name] = given.argmax(axis=1) == labels
    return Support(indices, values, hits)


def bundled_classifier(names: tuple[str, ...]) -> Classifier:
    """The bundled model, asked about those of its classes that have these names."""
    from digitwise.reading.model import Model

    model, columns = Model(), [int(name) for name in names]

    def probabilities(images: UInt8) -> Float32:
        given = model.probabilities(np.ascontiguousarray(images))[:, columns]
        return np.asarray(given / np.maximum(given.sum(axis=1, keepdims=True), 1e-9), np.float32)

    return Classifier(lambda images: normalize_all(images)[0], probabilities, judges_images=True)


def _learnt(subject: Subject) -> list[tuple[SplitData, Classifier]]:
    """The test split, and a linear discriminant of the training images; nothing where there are too few of these."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    train, test = subject.train, subject.test
    places = np.flatnonzero(~train.blank & (train.classes >= 0))
    if test is None or len(places) < TURNED_LEARNT or len(np.unique(train.classes[places])) < 2:
        raise NotApplicableError("the classes are not digits, and there are not two splits to compare")
    if len(places) > 2 * TURNED_SAMPLE:
        places = np.sort(np.random.default_rng(0).choice(places, 2 * TURNED_SAMPLE, replace=False))
    fitted = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1)
    fitted.fit(_rows(_small(np.asarray(train.images[places]))), train.classes[places])

    def probabilities(images: UInt8) -> Float32:
        given = np.zeros((len(images), len(train.class_names)), np.float32)
        given[:, fitted.classes_] = fitted.predict_proba(_rows(images))
        return given

    return [(test, Classifier(_small, probabilities, judges_images=False))]


def _small(images: UInt8) -> UInt8:
    if images.shape[1:] == (SIDE, SIDE):
        return images
    return np.stack([fit_into(image, (SIDE, SIDE)) for image in images])


def _rows(images: UInt8) -> Float32:
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(255)
