"""One judge for each part of a task, and warnings for the teacher: evidence in, points and hints out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from digitwise.exercise.evidence import Fit
from digitwise.exercise.judging.case import Case, Judge, hard_images
from digitwise.exercise.judging.results import better, built, confusion, drawn, equal, predicted, shaped, trained
from digitwise.exercise.judging.strategy import augmented, focus
from digitwise.exercise.judging.words import answered, gain, judged, sources
from digitwise.exercise.language import say
from digitwise.exercise.marks import PartMark, TaskMark
from digitwise.exercise.tasks import TASKS

__all__ = ["JUDGES", "Case", "judge", "remarks"]

JUDGES: dict[tuple[str, str], Judge] = {
    ("histogram", "drawn"): drawn,
    ("histogram", "judged"): answered("histogram"),
    ("shape", "shaped"): shaped,
    ("shape", "explained"): answered("shape"),
    ("model1", "built"): built,
    ("model1", "trained"): trained,
    ("prediction", "predicted"): predicted,
    ("prediction", "explained"): answered("prediction"),
    ("model2", "better"): better,
    ("model2", "sources"): sources,
    ("model2", "gain"): gain,
    ("saving", "equal"): equal,
    ("errors", "confusion"): confusion,
    ("errors", "explained"): answered("errors"),
    ("model3", "focus"): focus,
    ("model3", "augmented"): augmented,
    ("model3", "judged"): judged,
}
MANY_LOOKS = 2  # at the test images, with trainings of the same model in between
MANY_MODELS = 8  # trained models that predicted the test images: the exercise needs three, each once or twice
FEWEST_HARD = 15  # test images that show whether a model was trained on them
KNOWN = 0.8  # share of these that no model gets right that was not
LEARNED = 0.5  # accuracy: an untrained model has a tenth
CHOOSING = ("EarlyStopping", "ModelCheckpoint", "ReduceLROnPlateau")
UNNAMED = "a model with none of the exercise's names"


def judge(case: Case) -> tuple[TaskMark, ...]:
    """Give points to every task of a notebook."""
    tasks = []
    for task in TASKS:
        parts, trouble = [], case.trouble(task.id)
        for part in task.parts:
            verdict = JUDGES[task.id, part.id](case)
            hint = verdict.hint
            if trouble and verdict.share < 1:  # stated once, with the first part that it may concern
                hint, trouble = f"{trouble} {hint}".strip(), ""
            points = part.points * verdict.share
            told = (verdict.reason, hint, verdict.text, verdict.provisional)
            parts.append(PartMark(part.id, say(part.what), points, part.points, *told))
        tasks.append(TaskMark(task.id, say(task.title), tuple(parts)))
    return tuple(tasks)


def remarks(case: Case) -> tuple[str, ...]:
    """Warnings about a notebook, most serious first."""
    evidence = case.evidence
    names = {model.key: name for name, model in evidence.models.items() if name != "loaded"}
    found = [*_trained(evidence.fits, names), *_validated(evidence.fits, names), *_looks(case, names)]
    found += [*_unseen(case, names), *_knowing(case, names), *_alike(case)]
    if evidence.troubles:
        first = evidence.troubles[0]
        found.append(say("{n} calls could not be recorded: {first}", n=len(evidence.troubles), first=first))
    if evidence.missing:
        found.append(say("run with less protection: {what}", what="; ".join(evidence.missing)))
    return tuple(dict.fromkeys(found))


def _trained(fits: tuple[Fit, ...], names: dict[int, str]) -> Iterator[str]:
    for fit in fits:
        if fit.fed.test:
            facts = {"name": _named(fit, names), "n": f"{fit.fed.test:,}"}
            yield say("test images in training: fit of {name} had {n} of them", **facts)


def _validated(fits: tuple[Fit, ...], names: dict[int, str]) -> Iterator[str]:
    for fit in fits:
        if fit.validation.test:
            choosing = [kind for kind, watched in fit.callbacks if kind in CHOOSING and watched.startswith("val_")]
            fair = say("which is fair only if nothing is chosen by its curves")
            use = say("and {callback} chooses by them", callback=choosing[0]) if choosing else fair
            name = _named(fit, names)
            yield say("test images as validation data in fit of {name}, {use}", name=name, use=use)


def _looks(case: Case, names: dict[int, str]) -> Iterator[str]:
    states = defaultdict(set)
    for look in case.evidence.looks:
        states[min(look.models, default=0)].add(look.fits)
    for key, trainings in states.items():
        if len(trainings) > MANY_LOOKS:
            yield say(
                "{name} was tested on the test images after each of {n} trainings; choose by validation",
                name=names.get(key) or say(UNNAMED),
                n=len(trainings),
            )
    tested = sum(map(len, states.values()))
    if tested > MANY_MODELS:
        yield say(
            "{n} trained models were tested on the test images: the accuracy of the best is too optimistic", n=tested
        )


def _unseen(case: Case, names: dict[int, str]) -> Iterator[str]:
    for name in names.values():
        if not case.fits(name) and (case.accuracy(name) or 0) > LEARNED:
            yield say("{name} is trained, but its fit was not seen: its training images are unknown", name=name)


def _knowing(case: Case, names: dict[int, str]) -> Iterator[str]:
    """Models that know the labels of test images that can hardly be read, however they came to know them."""
    for name in names.values():
        missed = case.missed(name)
        if missed is None or len(hard := hard_images(case.dataset.test)) < FEWEST_HARD:
            continue
        right = int((~missed[hard]).sum())
        if right > KNOWN * len(hard):
            facts = {"name": name, "right": right, "n": len(hard)}
            yield say(
                "{name} is right on {right} of the {n} test images that are hardest to read: it was trained on them, "
                "or has its weights from a model that was",
                **facts,
            )


def _alike(case: Case) -> Iterator[str]:
    keys = defaultdict(list)
    for name, model in case.evidence.models.items():
        if name != "loaded":
            keys[model.key].append(name)
    for alike in keys.values():
        if len(alike) > 1:
            both = say(" and ").join(alike)
            yield say("{names} are one network, trained again; build a new network for each", names=both)


def _named(fit: Fit, names: dict[int, str]) -> str:
    return next((name for key, name in names.items() if key in fit.models), say(UNNAMED))
