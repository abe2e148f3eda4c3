"""Judges of a student's texts: what can be said of an answer without understanding it, and whether its numbers agree.

Whether an explanation is right, the teacher decides: its points are provisional.
"""

from __future__ import annotations

import math
import re

import numpy as np

from digitwise.evaluation.comparison import SIGNIFICANT, mcnemar
from digitwise.exercise.judging.case import Case, Judge, Judgement, percent
from digitwise.exercise.language import say
from digitwise.exercise.notebooks import asked

INTERVAL = 95  # per cent: the level of an interval, not an accuracy
WORDS = 3  # fewer are no answer
SENTENCE = 6  # words: fewer explain little
PHRASE = 4  # words in a row, by which copies are found
COPIED = 0.7  # share of an answer's phrases that stand in the task
LINK = re.compile(r"https?://\S+|\bdoi:\S+|\barxiv:\S+", re.IGNORECASE)
NUMBER = re.compile(r"(?<![\w.,])(\d{1,3}(?:,\d{3})+|\d+(?:[.,]\d+)?)(?![\w]|[.,]\d)\s*(%|percent|per cent)?")
ANOTHER_RUN = 0.002  # by which accuracies of two runs of one training differ, besides chance
CLEAR = 0.01  # p-values between this and 0.05 may change sides in the next run


def answered(task: str) -> Judge:
    """Make a judge of a task's explanation: a proposal for the teacher, who reads it."""

    def judge(case: Case) -> Judgement:
        text = case.notebook.answer(task)
        words = _words(text)
        hint = say("Write a sentence or two of your own into the text cell below the question.")
        if len(words) < WORDS:
            return Judgement(0, say("the question has no answer in words"), hint, text)
        to_read = say("{n} words, for the teacher to read", n=len(words))
        if _copied(words, case, task) >= COPIED:
            return Judgement(0, f"{say('copied from the task')}; {to_read}", hint, text, provisional=True)
        if strange := contradictions(task, text, case):
            reason = say("{numbers} fits nothing in the run", numbers=", ".join(strange))
            check = say("Compare the numbers with those of the run that you hand in.")
            return Judgement(1, f"{reason}; {to_read}", check, text, provisional=True)
        if len(words) < SENTENCE:
            return Judgement(0.5, f"{say('very short')}; {to_read}", hint, text, provisional=True)
        return Judgement(1, to_read, "", text, provisional=True)

    return judge


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]{2,}", text.lower())


def _copied(words: list[str], case: Case, task: str) -> float:
    """The share of an answer's phrases that stand in the task, its hint or its conditions."""
    size = min(PHRASE, len(words))
    own = [*asked(), *(cell.source for cell in case.notebook.of(task) if cell.role == "question")]
    known = {phrase for text in own for phrase in _phrases(_words(text), size)}
    phrases = _phrases(words, size)
    return sum(phrase in known for phrase in phrases) / len(phrases)


def _phrases(words: list[str], size: int) -> list[tuple[str, ...]]:
    return [tuple(words[place : place + size]) for place in range(len(words) - size + 1)]


def contradictions(task: str, text: str, case: Case) -> list[str]:
    """The numbers in an explanation that fit nothing in the run; only kinds of numbers that can be checked."""
    stated = numbers(text)
    if task == "histogram":
        counts = case.dataset.train.class_counts
        known = [*counts, counts.sum(), counts.sum() + len(case.labels), len(case.labels), counts.mean()]
        large = [value for value, is_share in stated if not is_share and value >= counts.min() / 2]
        wrong = [value for value in large if not any(abs(value - each) <= 0.02 * each for each in known)]
        wrong = [value for value in wrong if not counts.min() * 0.9 <= value <= counts.max() * 1.1]
        return [f"{value:,.0f}" for value in wrong]
    if task == "errors" and (missed := case.missed("model2")) is not None:
        rate, near = float(missed.mean()), tolerance(case, "model2")
        accuracies = [value / 100 for value, is_percent in stated if is_percent and value > 90]
        return [percent(value) for value in accuracies if abs(1 - rate - value) > near]
    if task == "prediction" and (predicted := case.evidence.arrays.get("prediction")) is not None:
        known = [*predicted.reshape(-1)[:100], 1.0, 0.0]
        shares = [value for value, is_share in _shares(stated) if is_share]
        return [percent(value) for value in shares if min(abs(value - each) for each in known) > 0.01]
    return []


def sources(case: Case) -> Judgement:
    """A link to where the ideas come from."""
    cells = [cell for cell in case.notebook.of("model2") if cell.role != "question"]
    links = [link for cell in cells for link in LINK.findall(cell.source)]
    if links:
        return Judgement(1, say("1 link given") if len(links) == 1 else say("{n} links given", n=len(links)))
    hint = say("Add the address of your source, a page or paper, to the text cell.")
    return Judgement(0, say("no link to a source was found"), hint)


def gain(case: Case) -> Judgement:
    """The gain over the first model, in numbers."""
    first, second = case.missed("model"), case.missed("model2")
    text = case.notebook.answer("model2")
    if first is None or second is None:
        hint = say("Train model and model2 first.")
        return Judgement(0, say("there is no gain without both models"), hint, text)
    stated = numbers(text)
    recount = say(
        "by recount: {before} and {after}, {first} and {second} errors",
        before=percent(1 - first.mean()),
        after=percent(1 - second.mean()),
        first=f"{first.sum():,}",
        second=f"{second.sum():,}",
    )
    if not stated:
        hint = say("Write both accuracies, or both numbers of errors, into the text cell.")
        return Judgement(0, f"{say('the text has no numbers')}; {recount}", hint, text)
    slack = tolerance(case, "model") + tolerance(case, "model2")
    difference = float(first.mean() - second.mean())
    near = any(
        (abs(value - difference) <= slack / 2 and value > 0)
        or (abs(value - difference * len(first)) <= slack / 2 * len(first) and not is_share)
        for value, is_share in _shares(stated)
    )
    if near or states(case, "model2", stated):
        return Judgement(1, f"{say('the numbers of the text agree')}; {recount}", "", text)
    hint = say("Take the numbers from the run that you hand in.")
    # A quick run has other numbers than the student's own.
    reason = f"{say('the numbers of the text disagree')}; {recount}"
    return Judgement(0.5, reason, hint, text, provisional=case.quick)


def judged(case: Case) -> Judgement:
    """The resulting accuracy, and whether it is really better than the improved model."""
    before, after = case.missed("model2"), case.missed("model3")
    if after is None:
        return case.unknown("model3")
    text = case.notebook.answer("model3")
    stated = numbers(text)
    fits = states(case, "model3", stated)
    reasons, hints = [say("by recount, {share} of the test images are right", share=percent(1 - after.mean()))], []
    if not fits:
        reasons.append(say("the text states another accuracy") if stated else say("the text states no accuracy"))
        hints.append(say("Write the third model's test accuracy, from the run that you hand in, into the text cell."))
    if before is None:
        reasons.append(say("model2 is missing for the comparison"))
        return Judgement(0.5 * fits, "; ".join(reasons), " ".join(hints), text)
    lost, won = int((after & ~before).sum()), int((before & ~after).sum())
    p = mcnemar(won, lost)
    really = won > lost and p < SIGNIFICANT
    worse = lost > won and p < SIGNIFICANT
    outcome = say("better") if really else say("worse") if worse else say("not clearly better")
    facts = {"won": won, "lost": lost, "p": f"{p:.2g}", "outcome": outcome}
    reasons.append(say("{won} images better and {lost} worse than the improved model (p = {p}): {outcome}", **facts))
    claim = case.evidence.better
    undecided = won > lost and CLEAR <= p < 2 * SIGNIFICANT
    honest = claim is not None and (claim == really or undecided)
    if claim is None:
        reasons.append(say("model3_is_better is not set"))
        hints.append(say("Set model3_is_better to True or False, after a paired test of both models."))
    elif not honest:
        reasons.append(f"model3_is_better = {claim}")
        hints.append(
            say("A difference of a few images may be chance: compare both models image by image before you claim True.")
            if claim
            else say("The difference is more than chance: set model3_is_better = True.")
        )
    share = 0.5 * fits + 0.5 * honest
    return Judgement(share, "; ".join(reasons), " ".join(hints), text, provisional=case.quick and share < 1)


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
