"""Checking a data set: reading it, training what some checks need, running them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from digitwise.checks import Check, Checked, Learned, SplitData, Subject, chosen, run_checks
from digitwise.checks.labels import suspicion
from digitwise.data.arrays import name_of
from digitwise.data.patches import Patch, digests, patch_text, read_patch
from digitwise.data.raw import read_raw
from digitwise.errors import DataError, MissingPartError
from digitwise.fitting import fit_into
from digitwise.images import Float32, ImageSet, Int64
from digitwise.parts import require
from digitwise.progress import showing
from digitwise.training.live import CheckWatch, progress_bar
from digitwise.training.pool import Pool
from digitwise.training.watch import Watch

RECIPE = "flash"
FOLDS = 5
ROUNDS = 2  # cross-validations with other seeds and folds, averaged: one training alone is sure of some wrong answers
SMALL = 5_000  # images up to which the bundled model's answers are tried before networks are trained
AGREED = 0.85  # share of the labels that they must agree with
NETWORKS = ("keras", "tensorflow")  # what they are trained with
FEWEST = 100  # images below which a network learns nothing that a check could use

Tell = Callable[[Check, int, int], None]


def check(
    data: object,
    *,
    against: object = None,
    labels: bool = False,
    patch: str | Path | None = None,
    label_column: str | None = None,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    seed: int = 0,
    watch: Watch | None = None,
    tell: Tell | None = None,
    progress: bool | None = None,
    pool: Pool | None = None,
) -> Checked:
    """Find what is wrong with a data set.

    Parameters
    ----------
    data : str, Path or object
        As for :func:`digitwise.load`; images without labels too.
    against : str, Path or object, optional
        Test images, or scans as they come in use, instead of the set's own test split. Of a set with two splits it
        is the test split.
    labels : bool
        Look for label errors: trains the recipe ``flash`` ten times.
    patch : str or Path, optional
        A label patch to apply first.
    label_column : str, optional
        As for :func:`digitwise.load`.
    select, ignore : sequence of str
        Codes of checks, or their beginnings; by default all.
    seed : int
        Of the trainings.
    watch : Watch, optional
        Follows the trainings.
    tell : callable, optional
        Called with each check that begins, its place and how many there are.
    progress : bool, optional
        Whether to show a bar; by default on a terminal and in a notebook, where neither watch nor tell is given.
    pool : Pool, optional
        Where the trainings for ``labels`` run, by default here, one after another.

    Returns
    -------
    Checked

    Raises
    ------
    DataError
        If there are no images that can be read, or no such check.
    MissingPartError
        If label errors are looked for, and what trains networks is not installed. Without it, checks that use a network
        are skipped with that reason.

    Examples
    --------
    >>> found = check("digits", select=["DW010", "DW030"])
    >>> [finding.code for finding in found.findings], found.passed
    ([], ('DW010', 'DW030'))
    """
    if labels:
        require("looking for label errors", *NETWORKS, "cleanlab")
    checks = chosen(select, ignore)
    decisions = None if patch is None else read_patch(patch)
    progress = False if watch or tell else progress
    with showing(progress, "reading the data"):
        subject = _subject(data, against, decisions, label_column)
    with progress_bar(CheckWatch, progress, many=pool is not None) as bar:
        if bar is not None:
            watch, tell = bar, lambda each, place, of: bar.say(f"{each.code} {each.title}", place - 1, of)
        needs = {each.needs for each in checks}
        if "network" in needs or (labels and "answers" in needs):
            subject = with_network(
                subject,
                network="network" in needs,
                answers=labels and "answers" in needs,
                seed=seed,
                watch=watch or Watch(),
                pool=pool,
            )
        return run_checks(subject, checks, watch=tell)


def label_patch(checked: Checked, earlier: Patch | None = None) -> str:
    """The text of a ``labels.csv`` to fill in: labels in doubt, the worst first, a hundred or more.

    Decisions of an earlier one stay.

    Raises
    ------
    DataError
        If labels were not looked at.
    """
    learned, part = checked.subject.learned, checked.subject.train
    why = why_no_patch(checked)
    if why is not None or learned is None or learned.probabilities is None:
        raise DataError(f"review: expected a check of labels first: {why}")
    found = suspicion(part.classes[learned.indices], learned.probabilities)
    return patch_text(
        [
            (
                part.digest(learned.indices[k]),
                int(learned.indices[k]),
                part.file_of(learned.indices[k]),
                part.name_of(learned.indices[k]),
                part.class_names[found.suggested[k]],
                f"{found.suggested_confidence[k]:.4f}",
            )
            for k in found.doubtful
        ],
        earlier,
    )


def why_no_patch(checked: Checked) -> str | None:
    """Why there are no labels to decide on; None where there are."""
    learned = checked.subject.learned
    if learned is not None and learned.probabilities is not None:
        return None
    return checked.skipped.get("DW040", "DW040 was not among the checks")


def _subject(data: object, against: object, patch: Patch | None, label_column: str | None) -> Subject:
    splits = read_raw(data, label_column=label_column)
    if against is not None:
        others = read_raw(against)
        splits["test"] = others.get("test", others["train"])
    train = SplitData("train", splits["train"])
    test = _fitted(SplitData("test", splits["test"]), train) if "test" in splits else None
    if patch is not None:
        parts = [part for part in (train, test) if part is not None]
        patch.require({digest for part in parts for digest in digests(part.stored)}, name_of(data))
        train, test = _patched(train, patch), _patched(test, patch) if test is not None and test.labelled else test
    return Subject(name_of(data), train, test)


def _fitted(part: SplitData, model: SplitData) -> SplitData:
    """Bring images of another size to that of the training images, as reading a folder does."""
    size = (model.images.shape[1], model.images.shape[2])
    if part.images.shape[1:] == size:
        return part
    pixels = np.stack([fit_into(image, size) for image in part.stored])
    return SplitData(part.split, dataclasses.replace(part.raw, pixels=pixels), fitted_from=part.images.shape[1:])


def _patched(part: SplitData, patch: Patch) -> SplitData:
    if not part.labelled:
        raise DataError(f"{patch.path}: expected labelled images to patch, these have no labels")
    images, kept = part.labelled_images()
    corrected, dropped = patch.of(images)
    labels = part.classes.copy()
    labels[kept] = corrected
    stay = np.ones(len(part), bool)
    stay[kept[dropped]] = False
    if not stay.any():
        raise DataError(f"{patch.path}: drops every {part.kind} image")
    raw = part.raw
    files = tuple(file for file, stays in zip(raw.files, stay, strict=False) if stays)
    changed = dataclasses.replace(
        raw, pixels=raw.pixels[stay], labels=labels[stay], class_names=part.class_names, files=files
    )
    return SplitData(part.split, changed, part.fitted_from)


def with_network(
    subject: Subject, *, network: bool, answers: bool, seed: int, watch: Watch, pool: Pool | None = None
) -> Subject:
    """The subject and what trained networks know of its training images.

    Parameters
    ----------
    subject : Subject
    network : bool
        Whether features are wanted: trains one network on all images.
    answers : bool
        Whether out-of-sample probabilities are wanted: trains ``FOLDS`` times ``ROUNDS`` networks.
    seed : int
    watch : Watch
    pool : Pool, optional
        Of the latter.

    Returns
    -------
    Subject
        Without ``learned``, and with the reason, where the images do not suffice or there is nothing to train with.
    """
    train = subject.train
    enough = np.bincount(train.classes[train.classes >= 0]) >= FOLDS
    why = ""
    if not train.labelled:
        why = "the images have no labels to train on"
    elif (train.classes >= 0).sum() < FEWEST or enough.sum() < 2:
        why = f"a network needs {FEWEST} labelled images of two classes"
    elif not answers:
        try:
            require("a network", *NETWORKS)
        except MissingPartError as error:  # the other checks need none
            why = str(error)
    if why:
        return Subject(subject.name, train, subject.test, None, why)
    images, indices = train.labelled_images()
    features = _features(images, seed, watch) if network else np.zeros((len(indices), 1), np.float32)
    probabilities = None
    if answers:
        probabilities = _read(train, indices, seed) if len(indices) <= SMALL else None
        if probabilities is None:
            probabilities = _answers(images, seed, watch, pool)
    return Subject(subject.name, train, subject.test, Learned(indices, features, probabilities))


def _features(images: ImageSet, seed: int, watch: Watch) -> Float32:
    from digitwise.data.splits import split_validation
    from digitwise.recipes import find
    from digitwise.training.fit import fit
    from digitwise.training.options import FitOptions
    from digitwise.training.predict import hidden_values

    recipe = find(RECIPE).for_size(len(images)).long_enough(len(images))
    fitted = fit(recipe, split_validation(images), FitOptions(seed), watch=watch)
    return hidden_values(fitted.model, images)


def _read(train: SplitData, indices: Int64, seed: int) -> Float32 | None:
    """What the bundled model says of a small set of digits; None where it does not agree with most labels.

    A few hundred images do not suffice to train a network, but to tell what the model's answers mean here: its
    log-probabilities are brought to the set's classes by a cross-validated logistic regression.
    """
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    from digitwise.data.splits import stratified_folds
    from digitwise.normalization import normalize_all
    from digitwise.reading.model import Model

    labels = train.classes[indices]
    values = np.log(np.maximum(Model().probabilities(normalize_all(np.asarray(train.images[indices]))[0]), 1e-6))
    answers = np.zeros((len(labels), len(train.class_names)), np.float32)
    with threadpool_limits(1):  # more threads wait for each other, as so few numbers are multiplied at once
        for number in range(ROUNDS):
            folds = stratified_folds(labels, FOLDS, seed=seed + number)
            for fold in range(FOLDS):
                inside = folds == fold
                fitted = LogisticRegression(C=10 / len(labels), max_iter=1_000).fit(values[~inside], labels[~inside])
                answers[np.ix_(inside, fitted.classes_)] += fitted.predict_proba(values[inside]) / ROUNDS
    return answers if (answers.argmax(axis=1) == labels).mean() >= AGREED else None


def _answers(images: ImageSet, seed: int, watch: Watch, pool: Pool | None) -> Float32:
    from digitwise.recipes import find
    from digitwise.training.folds import cross_validations
    from digitwise.training.options import FitOptions

    trained_on = len(images) * (FOLDS - 1) // FOLDS
    recipe = find(RECIPE).for_size(trained_on).long_enough(trained_on)
    rounds = [FitOptions(seed + FOLDS * number) for number in range(ROUNDS)]
    predictions = cross_validations(recipe, images, rounds, folds=FOLDS, watch=watch, pool=pool)
    return np.asarray(np.mean([each.probabilities for each in predictions], axis=0), np.float32)
