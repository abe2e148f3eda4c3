"""What a teacher should know besides the points: above all, whether the test pictures were used to choose anything."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from digitwise.exercise.evidence import Fit
from digitwise.exercise.judging.case import Case

MANY_LOOKS = 2  # of one model, trained on in between
MANY_MODELS = 8  # trained models that were shown the test pictures: the exercise has three, each once or twice
LEARNED = 0.5  # of the test pictures right: an untrained model has a tenth
CHOOSING = ("EarlyStopping", "ModelCheckpoint", "ReduceLROnPlateau")
NOBODY = "a model that has none of the exercise's names"


def remarks(case: Case) -> tuple[str, ...]:
    """Warnings about a notebook, most serious first."""
    evidence = case.evidence
    names = {model.key: name for name, model in evidence.models.items() if name != "loaded"}
    found = [*_trained(evidence.fits, names), *_validated(evidence.fits, names), *_looks(case, names)]
    found += [*_unseen(case, names), *_alike(case)]
    if evidence.troubles:
        found.append(f"{len(evidence.troubles)} calls could not be looked into: {evidence.troubles[0]}")
    if evidence.missing:
        found.append(f"run with less protection: {'; '.join(evidence.missing)}")
    return tuple(dict.fromkeys(found))


def _trained(fits: tuple[Fit, ...], names: dict[int, str]) -> Iterator[str]:
    for fit in fits:
        if fit.fed.test:
            yield f"test pictures in training: fit of {_who(fit, names)} had {fit.fed.test:,} of them"


def _validated(fits: tuple[Fit, ...], names: dict[int, str]) -> Iterator[str]:
    for fit in fits:
        if fit.validation.test:
            choosing = [kind for kind, watched in fit.callbacks if kind in CHOOSING and watched.startswith("val_")]
            fair = "which is fair only while nothing is chosen by its curves"
            does = f"and {choosing[0]} chooses by them" if choosing else fair
            yield f"test pictures as validation data in fit of {_who(fit, names)}, {does}"


def _looks(case: Case, names: dict[int, str]) -> Iterator[str]:
    states = defaultdict(set)
    for look in case.evidence.looks:
        states[min(look.models, default=0)].add(look.fits)
    for key, trainings in states.items():
        if len(trainings) > MANY_LOOKS:
            times = f"after each of {len(trainings)} trainings"
            yield f"{names.get(key, NOBODY)} was tested on the test pictures {times}; choose by validation"
    tested = sum(map(len, states.values()))
    if tested > MANY_MODELS:
        yield f"{tested} trained models were tested on the test pictures: the best one's accuracy flatters it"


def _unseen(case: Case, names: dict[int, str]) -> Iterator[str]:
    for name in names.values():
        if not case.fits(name) and (case.accuracy(name) or 0) > LEARNED:
            yield f"{name} learned, but no fit of it was seen: what it was trained on is not known"


def _alike(case: Case) -> Iterator[str]:
    keys = defaultdict(list)
    for name, model in case.evidence.models.items():
        if name != "loaded":
            keys[model.key].append(name)
    for alike in keys.values():
        if len(alike) > 1:
            yield f"{' and '.join(alike)} are one network, which was trained on; build a new one for each"


def _who(fit: Fit, names: dict[int, str]) -> str:
    return next((name for key, name in names.items() if key in fit.models), NOBODY)
