"""What a student wrote: whether it is there, and whether its numbers are those that we count."""

from __future__ import annotations

import math
import re

import numpy as np

from digitwise.evaluation.comparison import SIGNIFICANT, mcnemar
from digitwise.exercise.judging.case import Case, Judge, Verdict, percent

INTERVAL = 95  # per cent: what intervals are said with, and no accuracy that would do here
WORDS = 3  # fewer are no sentence
LINK = re.compile(r"https?://\S+|\bdoi:\S+|\barxiv:\S+", re.IGNORECASE)
NUMBER = re.compile(r"(?<![\w.,])(\d{1,3}(?:,\d{3})+|\d+(?:[.,]\d+)?)(?![\w]|[.,]\d)\s*(%|percent|per cent)?")
# A training that is run again ends elsewhere: two of its accuracies differ by this and by chance.
ANOTHER_RUN = 0.002
CLEAR = 0.01  # between this and 0.05, the next run may come out on the other side


def answered(task: str) -> Judge:
    """A judge of whether a task's text cell is answered."""

    def judge(case: Case) -> Verdict:
        words = len(re.findall(r"[^\W\d_]{2,}", case.notebook.answer(task)))
        if words >= WORDS:
            return Verdict(1, f"answered in {words} words; the teacher reads them")
        return Verdict(
            0, "the question is not answered in words", "Write a sentence or two into the text cell below the question."
        )

    return judge


def sources(case: Case) -> Verdict:
    """A link to where the ideas come from."""
    cells = [cell for cell in case.notebook.of("model2") if cell.role != "question"]
    links = [link for cell in cells for link in LINK.findall(cell.source)]
    if links:
        return Verdict(1, f"{len(links)} link{'s' * (len(links) != 1)} given")
    return Verdict(
        0, "no link to a source was found", "Put the address of the page or paper you learned from into the text cell."
    )


def gain(case: Case) -> Verdict:
    """The gain over the first model, in numbers."""
    first, second = case.missed("model"), case.missed("model2")
    if first is None or second is None:
        return Verdict(0, "without both models there is no gain to compare", "Train model and model2 first.")
    said = numbers(case.notebook.answer("model2"))
    right = f"{percent(1 - first.mean())} and {percent(1 - second.mean())}"
    ours = f"counted anew: {right}, {first.sum():,} and {second.sum():,} errors"
    if not said:
        return Verdict(
            0,
            f"the text says nothing in numbers; {ours}",
            "Write both accuracies, or both numbers of errors, into the text cell.",
        )
    slack = tolerance(case, "model") + tolerance(case, "model2")
    difference = float(first.mean() - second.mean())
    near = any(
        (abs(value - difference) <= slack / 2 and value > 0)
        or (abs(value - difference * len(first)) <= slack / 2 * len(first) and not is_share)
        for value, is_share in _shares(said)
    )
    if near or states(case, "model2", said):
        return Verdict(1, f"the text's numbers fit; {ours}")
    return Verdict(0.5, f"the text's numbers do not fit; {ours}", "Take the numbers from the run that you hand in.")


def judged(case: Case) -> Verdict:
    """The resulting accuracy, and whether it is really better than the improved model."""
    before, after = case.missed("model2"), case.missed("model3")
    if after is None:
        return case.unknown("model3")
    said = numbers(case.notebook.answer("model3"))
    fits = states(case, "model3", said)
    reasons, hints = [f"counted anew, {percent(1 - after.mean())} of the test pictures are right"], []
    if not fits:
        reasons.append("the text says otherwise" if said else "the text does not say so")
        hints.append("Write the third model's test accuracy, from the run that you hand in, into the text cell.")
    if before is None:
        return Verdict(0.5 * fits, "; ".join([*reasons, "there is no model2 to compare with"]), " ".join(hints))
    lost, won = int((after & ~before).sum()), int((before & ~after).sum())
    p = mcnemar(won, lost)
    really = won > lost and p < SIGNIFICANT
    outcome = "better" if really else "worse" if lost > won and p < SIGNIFICANT else "not clearly better"
    reasons.append(f"{won} pictures better and {lost} worse than the improved model (p = {p:.2g}): {outcome}")
    claim = case.evidence.better
    undecided = won > lost and CLEAR <= p < 2 * SIGNIFICANT
    honest = claim is not None and (claim == really or undecided)
    if claim is None:
        reasons.append("model3_is_better is not set")
        hints.append("Set model3_is_better to True or False, after a paired test of both models.")
    elif not honest:
        reasons.append(f"model3_is_better = {claim}")
        hints.append(
            "A few pictures more or less are luck: compare both models picture by picture before you say True."
            if claim
            else "The difference is more than luck: say True."
        )
    return Verdict(0.5 * fits + 0.5 * honest, "; ".join(reasons), " ".join(hints))


def numbers(text: str) -> list[tuple[float, bool]]:
    """The numbers in a text, and whether each is said to be per cent; ``99,2 %`` and ``10,000`` are understood."""
    found = []
    for digits, unit in NUMBER.findall(LINK.sub(" ", text)):
        thousands = re.fullmatch(r"\d{1,3}(,\d{3})+", digits)
        value = float(digits.replace(",", "" if thousands else "."))
        if not (unit and value == INTERVAL):
            found.append((value, bool(unit)))
    return found


def tolerance(case: Case, name: str) -> float:
    """How far a stated accuracy may lie from the one counted anew."""
    accuracy = case.accuracy(name) or 0.0
    spread = math.sqrt(accuracy * (1 - accuracy) / len(case.labels))
    return ANOTHER_RUN + 2 * spread


def states(case: Case, name: str, said: list[tuple[float, bool]]) -> bool:
    """Whether numbers hold a model's accuracy, or its errors as a share or a count."""
    missed = case.missed(name)
    if missed is None:
        return False
    near, rate, n = tolerance(case, name), float(missed.mean()), len(missed)
    shares = _shares(said)
    accuracies = [value for value, is_share in shares if is_share and 0.5 < value <= 1]
    if accuracies:
        return any(abs(value - (1 - rate)) <= near for value in accuracies)
    errors = np.array([value if is_share else value / n for value, is_share in shares])
    return bool((np.abs(errors - rate) <= near).any())


def _shares(said: list[tuple[float, bool]]) -> list[tuple[float, bool]]:
    """Each number as a share where it can be one: ``99.2 %``, ``0.992``, and ``99.2`` alone."""
    shares = []
    for value, is_percent in said:
        if is_percent:
            shares.append((value / 100, True))
        elif value < 1 or (90 <= value < 100 and value != int(value)):
            shares.append((value if value < 1 else value / 100, True))
        else:
            shares.append((value, False))
    return shares
