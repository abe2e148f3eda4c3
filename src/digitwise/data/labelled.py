"""Labelled images as a source has them: to be split for a training, or used as they are to evaluate with."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from digitwise.data.splits import stratified_indices
from digitwise.errors import DataError
from digitwise.images import Dataset, ImageSet, Int64

TEST_SHARE = 0.2  # held out of a set that came without test images
TEST_SEED = 0  # fixed: the test set must not change with the seed of a training


@dataclass(frozen=True, eq=False)
class Labelled:
    """A set of which nothing is held out.

    Parameters
    ----------
    name, source : str
        As in :class:`~digitwise.images.Dataset`.
    train : ImageSet
        All images where the source has no test split.
    test : ImageSet or None
    notes : tuple of str
    """

    name: str
    source: str
    train: ImageSet
    test: ImageSet | None
    notes: tuple[str, ...] = ()

    def turned(self, turn: str) -> Labelled:
        """The same set with all images turned, see :data:`digitwise.turns.TURNS`; a note says so.

        Raises
        ------
        DataError
            If there is no such turn.
        """
        return replace(
            self,
            train=self.train.turned(turn),
            test=None if self.test is None else self.test.turned(turn),
            notes=(*self.notes, f"all images turned: {turn}"),
        )

    def split(self) -> Dataset:
        """For a training: without test images a fifth is held out, stratified, and the notes say so.

        Raises
        ------
        DataError
            If there are too few images for that, or a class has none to train on.
        """
        if self.test is not None:
            return Dataset(self.name, self.source, self.train, self.test, (*self.notes, *without_images(self.test)))
        train = self.train
        size = round(len(train) * TEST_SHARE)
        if not 1 <= size <= len(train) - train.n_classes:
            raise DataError(
                f"{self.name}: {len(train)} images of {train.n_classes} classes are too few to hold a test set out: "
                f"expected at least {max(5, train.n_classes + 2)}",
                argument="data",
                expected=max(5, train.n_classes + 2),
                got=len(train),
            )
        kept, held = stratified_indices(train.labels, size, seed=TEST_SEED)
        test = train.take(held)
        note = f"test: no test images given, {size} of {len(train)} held out, stratified, seed {TEST_SEED}"
        notes = (*self.notes, *without_images(test), note)
        return Dataset(self.name, self.source, train.take(kept), test, notes)

    def to_test(self, trained_on: str | None = None) -> ImageSet:
        """What a model is evaluated with: the test split, or all images where there is none.

        Parameters
        ----------
        trained_on : str, optional
            The fingerprint of the test images that were held out for the model's training. If they were held out of
            this set, they alone are taken: the model has seen the others.
        """
        if self.test is not None:
            return self.test
        try:
            held = self.split().test
        except DataError:  # too few to be split, or a class is missing: no model was trained on them
            return self.train
        return held if held.fingerprint == trained_on else self.train


def without_images(images: ImageSet) -> tuple[str, ...]:
    """A note on the classes of a test set that have no images; none where all have some."""
    missing = [images.class_names[place] for place in np.flatnonzero(images.class_counts == 0)]
    more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
    return (f"test: no images of class {', '.join(missing[:5])}{more}",) if missing else ()


def of_classes(images: ImageSet, class_names: tuple[str, ...], where: str, known: str) -> ImageSet:
    """The same images under the classes of a model, by name, or by number where they have no names.

    Parameters
    ----------
    images : ImageSet
        Of any of these classes.
    class_names : tuple of str
        Of the model.
    where : str
        The data, for messages.
    known : str
        The model.

    Raises
    ------
    DataError
        If there are images of another class.
    """
    if images.class_names == class_names:
        return images
    given = [images.class_names[label] for label in range(images.n_classes) if images.class_counts[label]]
    numbers = {name: number for number, name in enumerate(class_names)}
    if images.class_names == tuple(map(str, range(images.n_classes))):  # labels without names
        numbers = {str(number): number for number in range(len(class_names))} | numbers
    if strange := [name for name in given if name not in numbers]:
        raise DataError.wanted(
            where,
            f"the {len(class_names)} classes that {known} was trained on",
            f"{len(strange)} others: {', '.join(strange[:5])}",
        )
    meant: Int64 = np.array([numbers.get(name, 0) for name in images.class_names], np.int64)
    return replace(images, labels=meant[images.labels], class_names=class_names)
