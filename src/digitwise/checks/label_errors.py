"""DW040: labels that are probably wrong, by confident learning on out-of-sample probabilities.

References
----------
C. G. Northcutt, L. Jiang, I. L. Chuang, Confident Learning: Estimating Uncertainty in Dataset Labels, JAIR 70 (2021).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from digitwise.checks.base import Check, Finding, NotApplicableError, counted, tiles
from digitwise.checks.subject import Subject
from digitwise.images import Float32, Float64, Int64, Mask

REVIEWED = 100  # pictures worth a look at least: the cut is careful


@dataclass(frozen=True, eq=False)
class Suspicion:
    """How much each label is in doubt.

    Parameters
    ----------
    order : ndarray of int64, shape (n,)
        All pictures, the most suspicious first.
    suggested : ndarray of int64, shape (n,)
        The class most probable to the networks that have not seen the picture.
    given_confidence, suggested_confidence : ndarray of float64, shape (n,)
    wrong : ndarray of bool, shape (n,)
        Beyond the automatic cut.
    """

    order: Int64
    suggested: Int64
    given_confidence: Float64
    suggested_confidence: Float64
    wrong: Mask

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
    """Rank labels by how little out-of-sample probabilities support them.

    Parameters
    ----------
    labels : ndarray of int64, shape (n,)
    probabilities : ndarray of float32, shape (n, n_classes)

    Returns
    -------
    Suspicion
        Ranked by the probability of the given class against that of the best other one. The cut is confident
        learning's: it estimates how many labels of each class are wrong, and takes as many, the least probable first.
    """
    from cleanlab.filter import find_label_issues

    values = np.asarray(probabilities, np.float64)
    values = np.maximum(values / values.sum(axis=1, keepdims=True), 1e-9)
    rows = np.arange(len(labels))
    given = values[rows, labels]
    others = values.copy()
    others[rows, labels] = -1
    best = others.max(axis=1)
    wrong = np.zeros(len(labels), bool)
    if len(np.unique(labels)) > 1:
        wrong = find_label_issues(labels, values, filter_by="prune_by_class", n_jobs=1)
    return Suspicion(
        order=np.argsort(given / (given + best), kind="stable").astype(np.int64),
        suggested=values.argmax(axis=1).astype(np.int64),
        given_confidence=given,
        suggested_confidence=values.max(axis=1),
        wrong=np.asarray(wrong, bool) & (values.argmax(axis=1) != labels),
    )


class LabelErrors(Check):
    """DW040."""

    code = "DW040"
    title = "probable label errors"
    meaning = (
        "Networks that have not seen the picture are sure of another class than the one given. Most of these labels "
        "are wrong; the others are digits that even people read in two ways."
    )
    remedy = (
        "Decide picture by picture: digitwise check … --labels --review writes labels.csv, digitwise review shows its "
        "pictures and takes a label, drop or keep, and --patch labels.csv applies it everywhere, touching no file."
    )
    needs = "answers"

    def find(self, subject: Subject) -> list[Finding]:
        """Training pictures beyond the cut, the most suspicious first."""
        learned = subject.learned
        if learned is None:
            raise NotApplicableError(subject.why_not_learned)
        if learned.probabilities is None:
            raise NotApplicableError("asked for with --labels: it trains a network a fold")
        part = subject.train
        found = suspicion(part.classes[learned.indices], learned.probabilities)
        if not len(found.cut):
            return []
        own, looked_at = learned.indices[found.cut], found.doubtful
        rows = [
            {
                "index": int(learned.indices[k]),
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
        captions = [f"{row['given']} → {row['suggested']}" for row in rows]
        shown = tiles(part, learned.indices[looked_at], captions)
        return [self.finding("warning", words, indices=own, evidence={"share": share, "labels": rows}, tiles=shown)]
