"""Are the intervals, guarantees, tests and slices what they claim? On simulated answers whose truth is known."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.measure import Row, keep
from digitwise.errors import RunError
from digitwise.evaluation import compare_predictions, evaluate_predictions
from digitwise.evaluation.calibration import at_temperature
from digitwise.evaluation.rates import expected_errors
from digitwise.evaluation.selective import TEMPERATURE, reading_policy
from digitwise.evaluation.slices import find_slices
from digitwise.images import Float64, Int64, Mask
from digitwise.predictions import Predictions
from digitwise.properties import PROPERTIES, properties

CLASSES = tuple("0123456789")
POPULATION = 400_000
TIMES = 1000
SLICE_TIMES = 500
POWERFUL = {"slice": 6, "pair": 10}  # times the error rate from which on nine of ten planted shall be found


def population(rng: np.random.Generator) -> Predictions:
    """Digits and answers with about 0.6 % errors, the probabilities too sure of themselves by a temperature of 1.5."""
    logits = rng.normal(size=(POPULATION, 10)) * 2.2
    logits[np.arange(POPULATION), rng.integers(0, 10, POPULATION)] += rng.gamma(6, 2.2, POPULATION)
    probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    labels = np.minimum((probabilities.cumsum(axis=1) < rng.random((POPULATION, 1))).sum(axis=1), 9)
    return at_temperature(Predictions(labels.astype(np.int64), probabilities.astype(np.float32), CLASSES), 1 / 1.5)


def some(of: Predictions, indices: Int64) -> Predictions:
    """The answers at these places."""
    return Predictions(of.labels[indices], of.probabilities[indices], of.class_names)


def bench_evaluation() -> None:
    """Simulate, print what came out, keep it."""
    rng = np.random.default_rng(0)
    everyone = population(rng)
    rows: list[Row] = []
    for simulate in (intervals, guarantees, paired_tests, planted_slices):
        for row in simulate(everyone, rng):
            print(f"{row['what']}: {row['measured']} ({row['target']})", flush=True)
            rows.append(row)
    keep("evaluation", rows)


def intervals(everyone: Predictions, rng: np.random.Generator) -> Iterator[Row]:
    """How often each interval holds the population's own value."""
    wrong = everyone.missed
    rates = np.array([wrong[everyone.labels == c].mean() for c in range(10)])
    mix = {"1": 0.3, "9": 0.3}
    shares = np.bincount(everyone.labels, minlength=10) * [c not in mix for c in CLASSES]
    shares = np.array([mix.get(c, 0.4 * s / shares.sum()) for c, s in zip(CLASSES, shares, strict=True)])
    whole = evaluate_predictions(everyone).classes
    held: dict[str, list[bool]] = {}
    for _ in range(TIMES):
        drawn = some(everyone, rng.integers(0, POPULATION, 10_000))
        found = evaluate_predictions(drawn)
        mixed = expected_errors(drawn, 1, mix).interval_95
        inside = {
            "error rate": (found.interval_95, wrong.mean()),
            "errors for another class mix": (mixed, shares @ rates),
            "precision of a class": (found.classes[4].precision_95, whole[4].precision),
            "recall of a class": (found.classes[4].recall_95, whole[4].recall),
            "F1 of a class": (found.classes[4].f1_95, whole[4].f1),
        }
        for name, (interval, truth) in inside.items():
            held.setdefault(name, []).append(interval[0] <= truth <= interval[1])
    for name, each in held.items():
        yield _row(f"95 % interval of the {name} holds the truth", f"{np.mean(each):.1%}", "94 to 97 %")


def guarantees(everyone: Predictions, rng: np.random.Generator) -> Iterator[Row]:
    """How often a guaranteed error rate is broken.

    By answers as they are, and where it is hardest to keep: errors strike at random, whatever the confidence, and a
    little more often than guaranteed, so that hardly any policy keeps its guarantee and it must be refused.
    """
    for max_error, n in ((0.0005, 10_000), (0.001, 5_000), (0.001, 20_000), (0.005, 2_000), (0.02, 1_000)):
        yield _guarantee(everyone, max_error, n, rng, "")
    for max_error, n in ((0.001, 5_000), (0.002, 10_000), (0.01, 2_000), (0.05, 1_000)):
        blind = _blind(everyone, 1.02 * max_error, rng)
        yield _guarantee(
            blind, max_error, n, rng, " where confidence tells nothing and the error rate is 1.02 times it"
        )


def _guarantee(everyone: Predictions, max_error: float, n: int, rng: np.random.Generator, where: str) -> Row:
    scaled = at_temperature(everyone, TEMPERATURE)  # once, not by every policy
    order = np.argsort(-scaled.confidence)
    sure, wrong = -scaled.confidence[order], np.cumsum(scaled.missed[order])
    broken, refused, coverage = 0, 0, []
    for _ in range(TIMES):
        try:
            policy = reading_policy(some(everyone, rng.integers(0, POPULATION, n)), max_error)
        except RunError:
            refused += 1
            continue
        answered = int(np.searchsorted(sure, -policy.threshold, side="right"))
        broken += wrong[answered - 1] / answered > max_error
        coverage.append(answered / POPULATION)
    else_ = f", coverage {np.median(coverage):.0%} else" if coverage else ""
    return _row(
        f"--max-error {max_error:.2%} on {n:,} validation images broken{where}",
        f"{broken / TIMES:.1%}; refused {refused / TIMES:.1%}{else_}",
        "at most 5 %",
    )


def _blind(everyone: Predictions, rate: float, rng: np.random.Generator) -> Predictions:
    """The same probabilities, but wrong at random at this rate, exactly."""
    labels = everyone.predicted
    wrong = rng.permutation(POPULATION)[: round(rate * POPULATION)]
    labels[wrong] = (labels[wrong] + 1) % 10
    return Predictions(labels, everyone.probabilities, CLASSES)


def paired_tests(everyone: Predictions, rng: np.random.Generator) -> Iterator[Row]:
    """How often McNemar's p-value lies below a level where two models are equally good."""
    n, levels = 10_000, (0.01, 0.05, 0.1, 0.5)
    labels, below, held = np.zeros(n, np.int64), np.zeros(len(levels)), 0
    for _ in range(TIMES):
        hard = rng.random(n) < 0.02
        a, b = ((rng.random(n) < np.where(hard, 0.5, 0.002)).astype(int) for _ in range(2))
        found = compare_predictions(*(Predictions(labels, np.eye(10, dtype=np.float32)[w], CLASSES) for w in (a, b)))
        below += [found.p_value <= level for level in levels]
        held += found.difference_95[0] <= 0 <= found.difference_95[1]
    shares = ", ".join(f"{share / TIMES:.1%} below {level:g}" for share, level in zip(below, levels, strict=True))
    yield _row("exact McNemar p-values without a difference", shares, "uniform: no more than each level")
    yield _row("95 % interval of the paired difference holds the truth", f"{held / TIMES:.1%}", "94 to 97 %")


def planted_slices(_: Predictions, rng: np.random.Generator) -> Iterator[Row]:
    """How often a planted group is found, and how many of those found are none; on MNIST's own properties.

    A group is one end of a property, or two ends together, at no bound that the search has on its grid. Found means
    that most images of a group found are of the planted one.
    """
    from digitwise.data import load

    images = load("mnist").train.take(np.arange(10_000))
    measured = properties(images.images)
    for ratio, pair in ((4, False), (6, False), (10, False), (6, True), (10, True)):
        kind, hit, shares = "pair" if pair else "slice", 0, []
        for _ in range(SLICE_TIMES):
            planted = _planted(measured, rng, pair=pair)
            truth = np.where(planted, 0.004 * ratio, 0.004)
            found = find_slices(_answers(images.labels, truth, rng), measured)
            hit += any(planted[each.indices].mean() > 0.5 for each in found)
            shares.append(np.mean([_is_false(each.indices, truth) for each in found]) if found else 0.0)
        yield _row(
            f"planted {kind} with {ratio} times 0.4 % errors found",
            f"{hit / SLICE_TIMES:.1%}; false among those found {np.mean(shares):.1%}",
            f"{'90 % or more' if ratio >= POWERFUL[kind] else 'as many as it can'}; at most 5 %",
            times=SLICE_TIMES,
        )
    silent = sum(not find_slices(_answers(images.labels, np.full(10_000, 0.006), rng), measured) for _ in range(TIMES))
    yield _row("no slice found where none is planted", f"{silent / TIMES:.1%}", "95 % or more")


def _planted(measured: dict[str, Float64], rng: np.random.Generator, *, pair: bool) -> Mask:
    """One end of a property, or of two; at least 250 images."""
    known = [each.name for each in PROPERTIES if each.kind == "measure"]
    while True:
        group = np.ones(10_000, bool)
        for name in rng.choice(known, 2 if pair else 1, replace=False):
            values, share = measured[name], rng.uniform(0.2, 0.35) if pair else rng.uniform(0.05, 0.2)
            high = rng.random() < 0.5
            group &= values >= np.quantile(values, 1 - share) if high else values <= np.quantile(values, share)
        if 250 <= group.sum() <= 2500:
            return group


def _answers(labels: Int64, truth: Float64, rng: np.random.Generator) -> Predictions:
    predicted = np.where(rng.random(len(labels)) < truth, (labels + 1) % 10, labels)
    return Predictions(labels, np.eye(10, dtype=np.float32)[predicted], CLASSES)


def _is_false(indices: Int64, truth: Float64) -> bool:
    outside = np.ones(len(truth), bool)
    outside[indices] = False
    return bool(truth[indices].mean() <= truth[outside].mean())


def _row(what: str, measured: str, target: str, *, times: int = TIMES) -> Row:
    return {"what": what, "measured": measured, "target": target, "times": times}
