"""Every number on the report page, as plain values: what ``report.json`` holds."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digitwise.data.balance import class_balance
from digitwise.data.labelled import without_images
from digitwise.data.streamed import training_splits
from digitwise.errors import RunError
from digitwise.evaluation import apart, compare_each, confusion_matrix
from digitwise.evaluation.assessment import MAX_ERROR, Assessment, assess, under_patch
from digitwise.evaluation.calibration import Calibration
from digitwise.evaluation.fixes import gatherings
from digitwise.evaluation.rates import judge
from digitwise.evaluation.selective import RiskCoverage, risk_coverage
from digitwise.evaluation.slices import Slice, find_slices
from digitwise.evaluation.spread import over_seeds, seeds_in_words
from digitwise.images import Dataset, Float64, ImageSet, Int64
from digitwise.ledger import looks
from digitwise.predictions import Predictions
from digitwise.properties import properties
from digitwise.reporting import feature_map
from digitwise.reporting.advice import steps_for
from digitwise.runs import Run, now
from digitwise.system import versions

if TYPE_CHECKING:
    from digitwise.reporting.evaluation import Evaluation

CURVE_POINTS = 200  # of the risk-coverage curve that report.json keeps


@dataclass(frozen=True)
class Wishes:
    """The options of a report.

    Parameters
    ----------
    target : float, optional
        The error rate the model has to stay below, in (0, 1).
    max_error : float, optional
        The error rate that a reading policy guarantees, in (0, 1); by default what the run keeps, or 0.001.
    samples : int
        Number of readings to estimate errors for.
    class_mix : mapping of str to float, optional
        See :func:`~digitwise.evaluation.rates.expected_errors`.
    findings : list of dict
        Of ``digitwise check``: code, severity, title, count.
    patch : Path, optional
        A label patch under which a run's own test images are counted too; by default what it was trained under.
    """

    target: float | None = None
    max_error: float | None = None
    samples: int = 10_000
    class_mix: Mapping[str, float] | None = None
    findings: Sequence[Mapping[str, Any]] = field(default=())
    patch: Path | None = None


@dataclass(frozen=True, eq=False)
class Examined:
    """All results about the model of a report, before they become text.

    Parameters
    ----------
    evaluation : Evaluation
    assessment : Assessment
    slices : dict
        Groups with many errors, as :func:`~digitwise.evaluation.fixes.gatherings` returns them.
    searched : ImageSet
        The images searched for these groups: the training images of a cross-validated run, else the validation images
        of a run; those evaluated of another model.
    risks : dict of str to RiskCoverage
        Of the images that the policy is chosen by, and of those that count.
    places : (ndarray of int64, ndarray of float64), optional
        Indices and places of the map's points; None without features.
    patched : list of dict
        The errors under a label patch, see :func:`~digitwise.evaluation.assessment.under_patch`; empty without one.
    """

    evaluation: Evaluation
    assessment: Assessment
    slices: dict[str, Any]
    searched: ImageSet
    risks: dict[str, RiskCoverage]
    places: tuple[Int64, Float64] | None
    patched: list[dict[str, Any]]


def guaranteed(run: Run | None) -> float:
    """The error rate that a run's policy guarantees, or the default where it has none."""
    return MAX_ERROR if run is None or run.policy is None else float(run.policy["max_error"])


def examine(evaluation: Evaluation, wishes: Wishes) -> Examined:
    """Compute all results about a model.

    Raises
    ------
    RunError
        If a run lacks answers, or the data set has other images than the answers.
    """
    validation, test = evaluation.validation, evaluation.predictions
    if evaluation.run is None:
        slices, searched = gatherings(_found(test, evaluation.images), test, of="evaluation"), evaluation.images
        features = None
    else:
        slices, searched = _slices(evaluation.run, evaluation)
        features = evaluation.run.features()
    about_the_same(evaluation)
    most = wishes.max_error or guaranteed(evaluation.run)
    assessment = assess(validation, test, samples=wishes.samples, class_mix=wishes.class_mix, max_error=most)
    basis = assessment.basis
    names = ("validation", "test") if basis.validated else ("to choose by", "counted")
    curves = map(risk_coverage, (basis.choosing, basis.counting))
    return Examined(
        evaluation=evaluation,
        assessment=assessment,
        slices=slices,
        searched=searched,
        risks=dict(zip(names, curves, strict=True)),
        places=None if features is None else feature_map.feature_places(features, test),
        patched=_patched(evaluation, wishes.patch),
    )


def _patched(evaluation: Evaluation, patch: Path | None) -> list[dict[str, Any]]:
    if evaluation.run is None or evaluation.dataset is None:
        if patch is not None:
            raise RunError(f"{patch}: expected a run on its own test images with a label patch, got others")
        return []
    found = evaluation.run.patched_test(evaluation.dataset, patch)
    return [count.as_dict() for count in under_patch(evaluation.predictions, *found)] if found else []


def _found(answers: Predictions, images: ImageSet) -> list[Slice]:
    return find_slices(answers, properties(images.images))


def _slices(run: Run, evaluation: Evaluation) -> tuple[dict[str, Any], ImageSet]:
    """Groups with many errors: among the training images of a cross-validated run, else in validation."""
    dataset, validation, data = evaluation.dataset, evaluation.validation, run.info["data"]
    assert dataset is not None
    assert validation is not None
    images = training_splits(dataset, size=data["validation"], seed=data["split_seed"]).validation
    if not np.array_equal(images.labels, validation.labels):
        raise RunError(f"{run.path}: its validation images are not those of {dataset.source}; train again")
    if (kept := run.slices) is None:
        return gatherings(_found(validation, images), validation), images
    if dataset.train.fingerprint != run.info["data"]["fingerprint"]["train"]:
        raise RunError(f"{dataset.source}: expected the training images of {run.path}, got others; give data (--data)")
    assert isinstance(dataset, Dataset)  # cross-validation holds the images in memory
    return kept, dataset.train


def about_the_same(evaluation: Evaluation) -> None:
    """Check that stored answers are about the images.

    Raises
    ------
    RunError
        If their labels differ.
    """
    if not np.array_equal(evaluation.predictions.labels, evaluation.images.labels):
        where = evaluation.place if evaluation.run is None else evaluation.run.path / "test.npz"
        raise RunError(
            f"{where}: expected the labels of the test images of {evaluation.source}, got others; "
            f"give the right data (--data), or train again"
        )


def content(subject: Examined, others: Sequence[Evaluation], wishes: Wishes) -> dict[str, Any]:
    """Convert everything to plain values, all models' answers about the images too."""
    evaluation, assessment, test = subject.evaluation, subject.assessment, subject.evaluation.predictions
    everyone = (evaluation, *others)
    verdict = judge(test.errors, len(test), wishes.target)
    names = labels_of(everyone)
    return {
        "digitwise": versions()["digitwise"],
        "created": now(),
        "subject": {"name": evaluation.name, "place": evaluation.place, "purpose": evaluation.purpose},
        "verdict": vars(verdict),
        "next_steps": [
            vars(step) for step in steps_for(evaluation, assessment, subject.slices, verdict, wishes.findings)
        ],
        **assessment.as_dict(),
        "expected_words": assessment.expectation.words,
        "calibration_bins": {
            "as_trained": _bins(assessment.raw),
            "at_temperature": _bins(assessment.calibrated),
        },
        "class_names": list(test.class_names),
        "fingerprint": evaluation.fingerprint,
        "wrong": [
            {
                "index": int(i),
                "given": test.class_names[test.labels[i]],
                "predicted": test.class_names[test.predicted[i]],
                "confidence": round(float(test.confidence[i]), 4),
            }
            for i in test.wrong
        ],
        "confusion": confusion_matrix(test).tolist(),
        "risk_coverage": {name: _curve(curve) for name, curve in subject.risks.items()},
        "risk_table": _risk_table(subject.risks),
        "slices": subject.slices,
        "map_places": None if subject.places is None else feature_map.points(*subject.places),
        "map_company": None if subject.places is None else feature_map.company(*subject.places, test),
        "data": _data(evaluation),
        "patched": subject.patched,
        "findings": [dict(finding) for finding in wishes.findings],
        "runs": [_row(each, name) for each, name in zip(everyone, names, strict=True)],
        "recipes": [
            {**row, "words": seeds_in_words(row)} for row in over_seeds([each.run for each in everyone if each.run])
        ],
        "comparisons": _pairs(everyone, names),
        "ledger": [vars(look) for look in looks(evaluation.fingerprint)],
        "answers": _stored(everyone, names),
        **_training(evaluation.run),
    }


def labels_of(evaluations: Sequence[Evaluation]) -> list[str]:
    """What to call each model beside others: its folder or file; of those of one name the whole place, or a number."""
    short = [Path(each.place).name or each.name for each in evaluations]
    names = [each.place if each.place and short.count(s) > 1 else s for each, s in zip(evaluations, short, strict=True)]
    return [f"{name} ({i})" if names.count(name) > 1 else name for i, name in enumerate(names, 1)]


def _training(run: Run | None) -> dict[str, Any]:
    """What is known of a run only; None for each of it for another model."""
    if run is None:
        return {"run": None, "history": None, "improvement": None, "made": None}
    told = {"name": run.name, "path": str(run.path), "purpose": run.info["recipe"]["purpose"]}
    return {"run": told, "history": run.history, "improvement": run.improvement, "made": _made(run)}


def _data(evaluation: Evaluation) -> dict[str, Any]:
    """The images; of a run's own set the training images too, and whether its classes are even."""
    dataset = evaluation.dataset
    if dataset is None:
        notes = dict.fromkeys((*evaluation.notes, *without_images(evaluation.images)))
        told = {"name": evaluation.data, "source": evaluation.source, "notes": list(notes)}
        return {**told, "verdict": None, "train": None, "test": None}
    balance = class_balance(dataset.train, dataset.test)
    return {
        "name": dataset.name,
        "source": dataset.source,
        "notes": list(dataset.notes),
        "verdict": balance.verdict,
        "train": balance.train.tolist(),
        "test": balance.test.tolist(),
    }


def _bins(found: Calibration) -> list[dict[str, Any]]:
    return [{**vars(each), "interval_95": list(each.interval_95)} for each in found.bins]


def _curve(curve: RiskCoverage) -> list[list[float]]:
    last = len(curve.coverage) - 1
    places = np.unique(np.linspace(0, last, min(CURVE_POINTS, last + 1)).round().astype(int))
    return [[round(float(curve.coverage[i]), 6), round(float(curve.risk[i]), 6)] for i in places]


def _risk_table(risks: Mapping[str, RiskCoverage]) -> list[list[float]]:
    """Share answered, and the risk there on the images to choose by and on those that count."""
    shares = (*np.arange(0.1, 0.9, 0.1), *np.arange(0.9, 1.001, 0.01))
    return [
        [
            round(float(share), 2),
            *(float(np.interp(share, curve.coverage, curve.risk)) for curve in risks.values()),
        ]
        for share in shares
    ]


def _made(run: Run) -> dict[str, Any]:
    info = run.info
    keys = ("seed", "epochs", "precision", "backend", "budget", "deterministic", "fit_seconds", "compile_seconds")
    return {
        "recipe": info["recipe"],
        "networks": run.networks,
        **{key: info.get(key) for key in keys},
        "created": info.get("created"),
        "parameters": info["parameters"],
        "versions": info.get("versions", {}),
        "hardware": info.get("hardware", {}),
        "fingerprint": info["data"]["fingerprint"],
    }


def _pairs(everyone: Sequence[Evaluation], names: Sequence[str]) -> list[dict[str, Any]]:
    """Each pair of models compared, with the indices of the images that they answer differently."""
    answers = [each.predictions for each in everyone]
    told = compare_each(answers, names).rows()
    return [
        {**row, "images": {kind: indices.tolist() for kind, indices in apart(a, b).items()}}
        for row, (a, b) in zip(told, itertools.combinations(answers, 2), strict=True)
    ]


def _stored(everyone: Sequence[Evaluation], names: Sequence[str]) -> dict[str, Any]:
    """All answers about all images, for the cells of the confusion matrix and the galleries."""
    return {
        "given": everyone[0].predictions.labels.tolist(),
        "runs": [
            {
                "folder": name,
                "predicted": each.predictions.predicted.tolist(),
                # 1 is for the certain
                "confidence": (np.floor(1e4 * each.predictions.confidence.astype(float)) / 1e4).tolist(),
            }
            for each, name in zip(everyone, names, strict=True)
        ],
    }


def _row(evaluation: Evaluation, name: str) -> dict[str, Any]:
    info = {} if evaluation.run is None else evaluation.run.info
    return {
        "name": evaluation.name,
        "folder": name,
        "path": evaluation.place,
        "errors": evaluation.n_errors,
        "n": evaluation.n,
        "interval_95": list(evaluation.interval_95),
        "validation_errors": None if evaluation.validation is None else evaluation.validation.errors,
        **{key: info.get(key) for key in ("seed", "parameters", "fit_seconds")},
    }
