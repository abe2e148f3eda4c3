"""Labels and classes: DW001 balance, DW002 missing or rare, DW003 range and type, DW004 unreadable, DW040 errors.

References
----------
C. G. Northcutt, L. Jiang, I. L. Chuang, Confident Learning: Estimating Uncertainty in Dataset Labels, JAIR 70 (2021):
out-of-sample probabilities against given labels. C. Guo et al., On Calibration of Modern Neural Networks, ICML 2017:
one temperature.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from digitwise import parts
from digitwise.checks.base import Check, Finding, ImageCheck, NotApplicableError, tiles
from digitwise.checks.subject import SplitData, Subject
from digitwise.checks.thresholds import FEW, HARD, LIKELIER, NAMED, RARE, REVIEWED, TRUSTED, UNEVEN
from digitwise.errors import counted
from digitwise.images import Float32, Float64, Int64, Mask


def counts(part: SplitData) -> Int64:
    """Images of each class, int64 (n_classes,)."""
    found = part.classes[part.classes >= 0]
    return np.bincount(found, minlength=len(part.class_names)).astype(np.int64)


class UnevenClasses(Check):
    """DW001."""

    code = "DW001"
    title = "uneven classes"
    meaning = (
        "A class with few images is learnt less well, and accuracy hides it: a classifier that never says 7 is right "
        "on every other digit."
    )
    remedy = (
        "Collect more of the small classes, or train with augmentation and extra samples (recipe focus); judge by "
        "class (digitwise evaluate), not by accuracy alone."
    )

    def find(self, subject: Subject) -> list[Finding]:
        """One finding about the training classes that have images at all."""
        if not subject.train.labelled:
            raise NotApplicableError("the images have no labels")
        own = counts(subject.train)
        if (own > 0).sum() < 2:
            raise NotApplicableError("fewer than two classes have images")
        present = np.flatnonzero(own)
        small, large = present[own[present].argmin()], present[own[present].argmax()]
        ratio = float(own[large] / own[small])
        if ratio <= UNEVEN:
            return []
        names = subject.train.class_names
        words = (
            f"class {names[large]} has {ratio:.1f} times the images of class {names[small]}: "
            f"{own[large]:,} and {own[small]:,}"
        )
        evidence = {"ratio": ratio, "counts": {name: int(n) for name, n in zip(names, own, strict=True)}}
        return [self.finding("warning", words, evidence=evidence, count=1)]


class MissingClass(Check):
    """DW002."""

    code = "DW002"
    title = "missing or rare class"
    meaning = (
        "What was never shown is never answered, and a class with a few dozen images can be neither learnt nor "
        "judged: 1 error of 30 is anything from 0.6 to 17 %."
    )
    remedy = "Collect images of these classes, in training and test; or leave the class out of the task."

    def find(self, subject: Subject) -> list[Finding]:
        """One finding a split."""
        if not subject.train.labelled:
            raise NotApplicableError("the images have no labels")
        if (subject.train.classes < 0).all():
            raise NotApplicableError("no label is a class")
        found = []
        names = max((part.class_names for part in subject.parts), key=len)
        for part in subject.parts:
            if part.labelled:
                own = counts(part)
                own = np.pad(own, (0, len(names) - len(own)))
                missing = np.flatnonzero(own == 0)
                rare = np.flatnonzero((own > 0) & ((own < RARE) | (own < FEW * np.median(own))))
                if len(missing) or len(rare):
                    found.append(self._told(part, own, missing, rare, names))
        return found

    def _told(self, part: SplitData, own: Int64, missing: Int64, rare: Int64, names: tuple[str, ...]) -> Finding:
        told = [f"class {names[i]} has no {part.kind} image" for i in missing]
        told += [f"class {names[i]} has {own[i]}" for i in rare]
        evidence = {"missing": [names[i] for i in missing], "rare": {names[i]: int(own[i]) for i in rare}}
        more = f" and {len(told) - 6} more" if len(told) > 6 else ""
        return self.finding(
            "error" if len(missing) and part.split == "train" else "warning",
            "; ".join(told[:6]) + more,
            evidence=evidence,
            split=part.split,
            count=len(told),
        )


class LabelRange(ImageCheck):
    """DW003."""

    code = "DW003"
    title = "labels that are no class"
    meaning = (
        "A label has to be a whole number 0, 1, 2, …, one an image. NaN, −1, 3.5, text or a row of several ones name "
        "no class; training on them stops, or goes wrong unseen."
    )
    remedy = "Fix or drop these rows; number classes from 0 without gaps."

    def find_in(self, part: SplitData, subject: Subject) -> Finding | None:
        """Images whose label is no class of the set."""
        if not part.labelled:
            if part is subject.train:
                raise NotApplicableError("the images have no labels")
            return None
        wrong = np.flatnonzero(part.classes < 0)
        strange = np.flatnonzero(part.classes >= len(subject.train.class_names))  # a test label never trained on
        indices = np.union1d(wrong, strange).astype(np.int64)
        if not len(indices):
            return None
        labels: Any = part.raw.labels
        shown = ", ".join(str(labels[i].tolist()) for i in indices[:5])
        captions = [str(labels[i].tolist())[:20] for i in indices]
        words = f"{counted(len(indices), 'image')} with a label that is no class: {shown}"
        evidence = {"dtype": str(labels.dtype), "examples": [str(labels[i].tolist()) for i in indices[:20]]}
        return self.found(part, indices, "error", words, evidence, captions)


class Unreadable(ImageCheck):
    """DW004."""

    code = "DW004"
    title = "files that cannot be read"
    meaning = "A damaged file, or one that is no image, stops a training before it begins."
    remedy = "Replace the files, or take them out of the class folders."

    def find_in(self, part: SplitData, subject: Subject) -> Finding | None:
        """The files by name."""
        if not any(each.raw.files or each.raw.unreadable for each in subject.parts):
            raise NotApplicableError("the data is no folder of images")
        bad = part.raw.unreadable
        if not bad:
            return None
        names = ", ".join(name for name, _ in bad[:3]) + (f" and {len(bad) - 3} more" if len(bad) > 3 else "")
        files = [{"file": name, "reason": reason} for name, reason in bad]
        words = f"{counted(len(bad), 'file')} cannot be read: {names}"
        return self.finding("error", words, evidence={"files": files}, split=part.split, count=len(bad))


@dataclass(frozen=True, eq=False)
class Suspicion:
    """How much each label is in doubt.

    Parameters
    ----------
    order : ndarray of int64, shape (n,)
        All images, the most suspicious first.
    suggested : ndarray of int64, shape (n,)
        The class most probable to the networks that have not seen the image.
    given_confidence, suggested_confidence : ndarray of float64, shape (n,)
    wrong : ndarray of bool, shape (n,)
        Named as wrong.
    agreement : float
        The share of labels that are the most probable class.
    """

    order: Int64
    suggested: Int64
    given_confidence: Float64
    suggested_confidence: Float64
    wrong: Mask
    agreement: float

    @property
    def cut(self) -> Int64:
        """The places beyond the cut, the most suspicious first, int64 (k,)."""
        return self.order[self.wrong[self.order]]

    @property
    def doubtful(self) -> Int64:
        """Those, and after them the next for which another class is more probable, ``REVIEWED`` in all or more."""
        more = self.order[(self.given_confidence < self.suggested_confidence)[self.order] & ~self.wrong[self.order]]
        return np.concatenate([self.cut, more[: max(0, REVIEWED - len(self.cut))]])


def suspicion(labels: Int64, probabilities: Float32) -> Suspicion:
    """Rank labels by how little out-of-sample probabilities support them, and tell which are wrong.

    Parameters
    ----------
    labels : ndarray of int64, shape (n,)
    probabilities : ndarray of float32, shape (n, n_classes)

    Returns
    -------
    Suspicion
        Ranked by the probability of the given class against that of the best other one. As many are wrong, the least
        probable first, as have a mean probability of :data:`NAMED` to be so, see :func:`wrong_probabilities`. Where
        networks agree with :data:`HARD` of the labels, those of confident learning's cut are wrong too: networks learn
        labels that are wrong by a pattern, and then are right to expect them. Where they agree with fewer than
        :data:`TRUSTED`, none is.
    """
    values = np.asarray(probabilities, np.float64)
    values = np.maximum(values / values.sum(axis=1, keepdims=True), 1e-9)
    rows = np.arange(len(labels))
    given = values[rows, labels]
    others = values.copy()
    others[rows, labels] = -1
    agreed = values.argmax(axis=1) == labels
    wrong = np.zeros(len(labels), bool)
    found = wrong_probabilities(labels, values)
    worst = np.argsort(-found, kind="stable")
    sure = np.flatnonzero(np.cumsum(found[worst]) >= NAMED * np.arange(1, len(labels) + 1))
    wrong[worst[: sure[-1] + 1] if len(sure) else []] = True
    if agreed.mean() >= HARD and len(np.unique(labels)) > 1:
        cleaning = parts.imported("cleanlab.filter", "looking for label errors")
        wrong |= np.asarray(cleaning.find_label_issues(labels, values, filter_by="prune_by_class", n_jobs=1), bool)
    return Suspicion(
        order=np.argsort(given / (given + others.max(axis=1)), kind="stable").astype(np.int64),
        suggested=values.argmax(axis=1).astype(np.int64),
        given_confidence=given,
        suggested_confidence=values.max(axis=1),
        wrong=wrong & ~agreed & (agreed.mean() >= TRUSTED),
        agreement=float(agreed.mean()),
    )


def wrong_probabilities(labels: Int64, probabilities: Float64) -> Float64:
    """The probability that each label is wrong, float64 (n,).

    The labels are taken as a mixture: a label is drawn from its image's probabilities, brought to the right confidence
    by a temperature, or it is wrong, and each other class is as likely. Temperature and share of wrong labels are
    those that make the given labels most likely. All are 0 where labels without errors are nearly as likely: where
    networks are unsure, little can be told, and the likelihood says so.

    Parameters
    ----------
    labels : ndarray of int64, shape (n,)
    probabilities : ndarray of float64, shape (n, n_classes)
        Out-of-sample, all above 0.
    """
    from scipy.optimize import minimize_scalar

    logs, classes = np.log(probabilities), probabilities.shape[1]
    if len(np.unique(labels)) < 2:
        return np.zeros(len(labels))

    def given(sharpness: float) -> Float64:
        """The probability of each given label at a temperature, whose inverse logarithm this is."""
        scaled = np.exp(sharpness) * (logs - logs.max(axis=1, keepdims=True))
        return np.asarray(np.exp(scaled[np.arange(len(labels)), labels]) / np.exp(scaled).sum(axis=1))

    def likelihood(right: Float64, rate: float) -> float:
        return float(np.log(np.maximum((1 - rate) * right + rate * (1 - right) / (classes - 1), 1e-300)).sum())

    def best_rate(right: Float64) -> float:
        found = minimize_scalar(lambda logit: -likelihood(right, _share(logit)), bounds=(-12, 0), method="bounded")
        return _share(found.x)

    def cost(sharpness: float) -> float:
        right = given(sharpness)
        return -likelihood(right, best_rate(right))

    clean = minimize_scalar(lambda sharpness: -likelihood(given(sharpness), 0.0), bounds=(-2, 3), method="bounded")
    mixed = minimize_scalar(cost, bounds=(-2, 3), method="bounded")
    if 2 * (clean.fun - mixed.fun) < LIKELIER:
        return np.zeros(len(labels))
    right = given(mixed.x)
    rate = best_rate(right)
    errors = rate * (1 - right) / (classes - 1)
    return np.asarray(errors / np.maximum(errors + (1 - rate) * right, 1e-300))


def _share(logit: float) -> float:
    return float(1 / (1 + np.exp(-logit)))


class LabelErrors(Check):
    """DW040."""

    code = "DW040"
    title = "probable label errors"
    meaning = (
        "Networks that have not seen the image are sure of another class than the one given. Most of these labels "
        "are wrong; the others are digits that even people read in two ways."
    )
    remedy = (
        "Decide image by image: digitwise check … --labels --review writes labels.csv, digitwise review shows its "
        "images and takes a label, drop or keep, and --patch labels.csv applies it everywhere, touching no file."
    )
    needs = "answers"

    def find(self, subject: Subject) -> list[Finding]:
        """Training images beyond the cut, the most suspicious first."""
        learned = subject.learned
        if learned is None:
            raise NotApplicableError(subject.why_not_learned)
        if learned.probabilities is None:
            raise NotApplicableError("asked for with labels=True (--labels): it trains a network a fold")
        part = subject.train
        found = suspicion(part.classes[learned.indices], learned.probabilities)
        hard = f"networks that have not seen the images agree with {found.agreement:.0%} of their labels"
        if not len(found.cut):
            if found.agreement < HARD:
                raise NotApplicableError(f"{hard}: the set is too small or too hard to name wrong ones")
            return []
        own, looked_at = learned.indices[found.cut], found.doubtful
        rows = [
            {
                "index": int(learned.indices[k]),
                **({"file": part.file_of(learned.indices[k])} if part.raw.files else {}),
                "sha256": part.digest(learned.indices[k]),
                "given": part.name_of(learned.indices[k]),
                "suggested": part.class_names[found.suggested[k]],
                "given_confidence": round(float(found.given_confidence[k]), 4),
                "suggested_confidence": round(float(found.suggested_confidence[k]), 4),
            }
            for k in looked_at
        ]
        share = len(own) / len(learned.indices)
        words = f"{counted(len(own), 'label')} of {len(learned.indices):,} ({share:.2%}) probably wrong"
        if more := len(rows) - len(own):
            words += f"; the next {more} in doubt follow"
        if found.agreement < HARD:
            words += f"; there may be others: {hard}"
        captions = [f"{row['given']} → {row['suggested']}" for row in rows]
        shown = tiles(part, learned.indices[looked_at], captions)
        return [self.finding("warning", words, indices=own, evidence={"share": share, "labels": rows}, tiles=shown)]
