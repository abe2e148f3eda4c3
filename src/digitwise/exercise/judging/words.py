"""Judges of a student's texts: whether there is an answer, and whether its numbers agree with the recount."""

from __future__ import annotations

import math
import re

import numpy as np

from digitwise.evaluation.comparison import SIGNIFICANT, mcnemar
from digitwise.exercise.judging.case import Case, Judge, Judgement, percent

INTERVAL = 95  # per cent: the level of an interval, not an accuracy
WORDS = 3  # of the shortest sentence
LINK = re.compile(r"https?://\S+|\bdoi:\S+|\barxiv:\S+", re.IGNORECASE)
NUMBER = re.compile(r"(?<![\w.,])(\d{1,3}(?:,\d{3})+|\d+(?:[.,]\d+)?)(?![\w]|[.,]\d)\s*(%|percent|per cent)?")
ANOTHER_RUN = 0.002  # by which accuracies of two runs of one training differ, besides chance
CLEAR = 0.01  # p-values between this and 0.05 may change sides in the next run


def answered(task: str) -> Judge:
    """Make a judge of whether a task's text cell has an answer."""

    def judge(case: Case) -> Judgement:
        words = len(re.findall(r"[^\W\d_]{2,}", case.notebook.answer(task)))
        if words >= WORDS:
            return Judgement(1, f"answered in {words} words, for the teacher to read")
        return Judgement(
            0, "the question has no answer in words", "Write a sentence or two into the text cell below the question."
        )

    return judge


def sources(case: Case) -> Judgement:
    """A link to where the ideas come from."""
    cells = [cell for cell in case.notebook.of("model2") if cell.role != "question"]
    links = [link for cell in cells for link in LINK.findall(cell.source)]
    if links:
        return Judgement(1, f"{len(links)} link{'s' * (len(links) != 1)} given")
    return Judgement(
        0, "no link to a source was found", "Add the address of your source, a page or paper, to the text cell."
    )


def gain(case: Case) -> Judgement:
    """The gain over the first model, in numbers."""
    first, second = case.missed("model"), case.missed("model2")
    if first is None or second is None:
        return Judgement(0, "there is no gain without both models", "Train model and model2 first.")
    stated = numbers(case.notebook.answer("model2"))
    right = f"{percent(1 - first.mean())} and {percent(1 - second.mean())}"
    recount = f"by recount: {right}, {first.sum():,} and {second.sum():,} errors"
    if not stated:
        return Judgement(
            0,
            f"the text has no numbers; {recount}",
            "Write both accuracies, or both numbers of errors, into the text cell.",
        )
    slack = tolerance(case, "model") + tolerance(case, "model2")
    difference = float(first.mean() - second.mean())
    near = any(
        (abs(value - difference) <= slack / 2 and value > 0)
        or (abs(value - difference * len(first)) <= slack / 2 * len(first) and not is_share)
        for value, is_share in _shares(stated)
    )
    if near or states(case, "model2", stated):
        return Judgement(1, f"the text's numbers agree; {recount}")
    hint = "Take the numbers from the run that you hand in."
    return Judgement(0.5, f"the text's numbers disagree; {recount}", hint)


def judged(case: Case) -> Judgement:
    """The resulting accuracy, and whether it is really better than the improved model."""
    before, after = case.missed("model2"), case.missed("model3")
    if after is None:
        return case.unknown("model3")
    stated = numbers(case.notebook.answer("model3"))
    fits = states(case, "model3", stated)
    reasons, hints = [f"by recount, {percent(1 - after.mean())} of the test images are right"], []
    if not fits:
        reasons.append("the text states another accuracy" if stated else "the text states no accuracy")
        hints.append("Write the third model's test accuracy, from the run that you hand in, into the text cell.")
    if before is None:
        return Judgement(0.5 * fits, "; ".join([*reasons, "model2 is missing for the comparison"]), " ".join(hints))
    lost, won = int((after & ~before).sum()), int((before & ~after).sum())
    p = mcnemar(won, lost)
    really = won > lost and p < SIGNIFICANT
    outcome = "better" if really else "worse" if lost > won and p < SIGNIFICANT else "not clearly better"
    reasons.append(f"{won} images better and {lost} worse than the improved model (p = {p:.2g}): {outcome}")
    claim = case.evidence.better
    undecided = won > lost and CLEAR <= p < 2 * SIGNIFICANT
    honest = claim is not None and (claim == really or undecided)
    if claim is None:
        reasons.append("model3_is_better is not set")
        hints.append("Set model3_is_better to True or False, after a paired test of both models.")
    elif not honest:
        reasons.append(f"model3_is_better = {claim}")
        hints.append(
            "A difference of a few images may be chance: compare both models image by image before you claim True."
            if claim
            else "The difference is more than chance: set model3_is_better = True."
        )
    return Judgement(0.5 * fits + 0.5 * honest, "; ".join(reasons), " ".join(hints))


def numbers(text: str) -> list[tuple[float, bool]]:
    """The numbers in a text, and whether each is in per cent; reads ``99,2 %`` and ``10,000``."""
    found = []
    for digits, unit in NUMBER.findall(LINK.sub(" ", text)):
        thousands = re.fullmatch(r"\d{1,3}(,\d{3})+", digits)
        value = float(digits.replace(",", "" if thousands else "."))
        if not (unit and value == INTERVAL):
            found.append((value, bool(unit)))
    return found


def tolerance(case: Case, name: str) -> float:
    """How far a stated accuracy may deviate from the recount."""
    accuracy = case.accuracy(name) or 0.0
    spread = math.sqrt(accuracy * (1 - accuracy) / len(case.labels))
    return ANOTHER_RUN + 2 * spread


def states(case: Case, name: str, stated: list[tuple[float, bool]]) -> bool:
    """Whether the numbers include a model's accuracy, or its errors as a share or a count."""
    missed = case.missed(name)
    if missed is None:
        return False
    near, rate, n = tolerance(case, name), float(missed.mean()), len(missed)
    shares = _shares(stated)
    accuracies = [value for value, is_share in shares if is_share and 0.5 < value <= 1]
    if accuracies:
        return any(abs(value - (1 - rate)) <= near for value in accuracies)
    errors = np.array([value if is_share else value / n for value, is_share in shares])
    return bool((np.abs(errors - rate) <= near).any())


def _shares(stated: list[tuple[float, bool]]) -> list[tuple[float, bool]]:
    """Each number as a share where it can be one: ``99.2 %``, ``0.992`` and a plain ``99.2``."""
    shares = []
    for value, is_percent in stated:
        if is_percent:
            shares.append((value / 100, True))
        elif value < 1 or (90 <= value < 100 and value != int(value)):
            shares.append((value if value < 1 else value / 100, True))
        else:
            shares.append((value, False))
    return shares
