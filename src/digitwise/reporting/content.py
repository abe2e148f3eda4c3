"""Every number on the report page, as plain values: what ``report.json`` holds."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from digitwise.data.balance import class_balance
from digitwise.data.streamed import AnyDataset, training_splits
from digitwise.errors import RunError
from digitwise.evaluation import apart, compare_predictions, confusion_matrix
from digitwise.evaluation.assessment import MAX_ERROR, Assessment, assess
from digitwise.evaluation.calibration import Calibration
from digitwise.evaluation.fixes import gatherings
from digitwise.evaluation.rates import Verdict, judge
from digitwise.evaluation.selective import RiskCoverage, risk_coverage
from digitwise.evaluation.slices import find_slices
from digitwise.evaluation.spread import over_seeds, seeds_in_words
from digitwise.images import Dataset, Float64, ImageSet, Int64, Predictions
from digitwise.ledger import looks
from digitwise.properties import properties
from digitwise.reporting import feature_map
from digitwise.runs import Run, now
from digitwise.system import versions

CURVE_POINTS = 200  # of the risk-coverage curve that report.json keeps


@dataclass(frozen=True)
class Wishes:
    """The options of a report.

    Parameters
    ----------
    target : float
        The error rate the model has to stay below, in (0, 1).
    max_error : float
        The error rate that a reading policy guarantees, in (0, 1).
    samples : int
        Number of readings to estimate errors for.
    class_mix : mapping of str to float, optional
        See :func:`~digitwise.evaluation.rates.expected_errors`.
    findings : list of dict
        Of ``digitwise check``: code, severity, title, count.
    patched : list of dict
        The errors under a label patch, see :func:`~digitwise.evaluation.assessment.under_patch`.
    """

    target: float = 0.01
    max_error: float = MAX_ERROR
    samples: int = 10_000
    class_mix: Mapping[str, float] | None = None
    findings: Sequence[Mapping[str, Any]] = field(default=())
    patched: Sequence[Mapping[str, Any]] = field(default=())


@dataclass(frozen=True, eq=False)
class Examined:
    """All results about the run of a report, before they become text.

    Parameters
    ----------
    run : Run
    dataset : Dataset
        What it was trained and tested on.
    test : Predictions
        Answers about the test images.
    assessment : Assessment
    slices : dict
        Groups with many errors, as :func:`~digitwise.evaluation.fixes.gatherings` returns them.
    searched : ImageSet
        The images searched for these groups: the training images of a cross-validated run, else the validation images.
    risks : dict of str to RiskCoverage
        Of validation and test.
    places : (ndarray of int64, ndarray of float64), optional
        Indices and places of the map's points; None for a run without features.
    """

    run: Run
    dataset: AnyDataset
    test: Predictions
    assessment: Assessment
    slices: dict[str, Any]
    searched: ImageSet
    risks: dict[str, RiskCoverage]
    places: tuple[Int64, Float64] | None


def examine(run: Run, dataset: AnyDataset, wishes: Wishes) -> Examined:
    """Compute all results about a run.

    Raises
    ------
    RunError
        If the run lacks answers, or the data set has other images than the answers.
    """
    validation, test = run.predictions("validation"), run.predictions("test")
    data = run.info["data"]
    images = training_splits(dataset, size=data["validation"], seed=data["split_seed"]).validation
    if not np.array_equal(images.labels, validation.labels):
        raise RunError(f"{run.path}: its validation images are not those of {dataset.source}; train again")
    about_the_same(run, test, dataset)
    features = run.features()
    slices, searched = _slices(run, dataset, images, validation)
    return Examined(
        run=run,
        dataset=dataset,
        test=test,
        assessment=assess(
            validation, test, samples=wishes.samples, class_mix=wishes.class_mix, max_error=wishes.max_error
        ),
        slices=slices,
        searched=searched,
        risks={"validation": risk_coverage(validation), "test": risk_coverage(test)},
        places=None if features is None else feature_map.feature_places(features, test),
    )


def _slices(
    run: Run, dataset: AnyDataset, images: ImageSet, validation: Predictions
) -> tuple[dict[str, Any], ImageSet]:
    """Groups with many errors: among the training images of a cross-validated run, else in validation."""
    if (kept := run.slices) is None:
        return gatherings(find_slices(validation, properties(images.images)), validation), images
    if dataset.train.fingerprint != run.info["data"]["fingerprint"]["train"]:
        raise RunError(f"{dataset.source}: expected the training images of {run.path}, got others; give --data")
    assert isinstance(dataset, Dataset)  # cross-validation holds the images in memory
    return kept, dataset.train


def about_the_same(run: Run, answers: Predictions, dataset: AnyDataset) -> None:
    """Check that stored answers are about the test images of the data set.

    Raises
    ------
    RunError
        If their labels differ.
    """
    if not np.array_equal(answers.labels, dataset.test.labels):
        raise RunError(
            f"{run.path / 'test.npz'}: expected the labels of the test images of {dataset.source}, got others; "
            f"give the right data with --data, or train again"
        )


def content(subject: Examined, others: Sequence[Run], answers: Sequence[Predictions], wishes: Wishes) -> dict[str, Any]:
    """Convert everything to plain values; ``answers`` are those of all runs about the test images."""
    run, assessment, test = subject.run, subject.assessment, subject.test
    runs = (run, *others)
    balance = class_balance(subject.dataset.train, subject.dataset.test)
    verdict = judge(test.errors, len(test), wishes.target)
    return {
        "digitwise": versions()["digitwise"],
        "created": now(),
        "run": {"name": run.name, "path": str(run.path), "purpose": run.info["recipe"]["purpose"]},
        "verdict": vars(verdict),
        "next_steps": _next_steps(subject, verdict, wishes),
        **assessment.as_dict(),
        "expected_words": assessment.expectation.words,
        "calibration_bins": {
            "as_trained": _bins(assessment.raw),
            "at_temperature": _bins(assessment.calibrated),
        },
        "history": run.history,
        "class_names": list(test.class_names),
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
        "improvement": run.improvement,
        "data": {
            "name": subject.dataset.name,
            "source": subject.dataset.source,
            "notes": list(subject.dataset.notes),
            "verdict": balance.verdict,
            "train": balance.train.tolist(),
            "test": balance.test.tolist(),
        },
        "patched": [dict(count) for count in wishes.patched],
        "findings": [dict(finding) for finding in wishes.findings],
        "runs": [_row(each) for each in runs],
        "recipes": [{**row, "words": seeds_in_words(row)} for row in over_seeds(runs)],
        "comparisons": _pairs(runs, answers),
        "ledger": [vars(look) for look in looks(run.info["data"]["fingerprint"]["test"])],
        "made": _made(run),
        "answers": _stored(runs, answers),
    }


def _next_steps(subject: Examined, verdict: Verdict, wishes: Wishes) -> list[str]:
    """What to do about it, the most urgent first."""
    steps = []
    if errors := [finding for finding in wishes.findings if finding.get("severity") == "error"]:
        steps.append(f"Fix the data first: digitwise check found {len(errors)} errors in it, see Data.")
    if verdict.outcome == "open":
        steps.append("Test on more images: these cannot decide whether the target is kept.")
    slices = subject.slices
    steps += [f"{group['words'][:1].upper()}{group['words'][1:]}. {group['fix']}" for group in slices["found"]]
    if slices["found"]:
        steps.append(f"digitwise improve {subject.run.path} trains with these fixes, and says whether they helped.")
    else:
        again = (
            f"; digitwise improve {subject.run.path} looks again, by cross-validation, at all training images"
            if slices["of"] == "validation"
            else ""
        )
        steps.append(
            f"The {slices['errors']:,} errors among {slices['images']:,} images of {slices['of']} have nothing in "
            f"common that chance does not explain{again}."
        )
    reading = subject.assessment.reading
    if reading.policy is None:
        steps.append(f"No reading policy: {reading.refusal}.")
    elif verdict.outcome != "reached":
        share, most = f"{100 * reading.policy.coverage:.1f} %", f"{100 * wishes.max_error:.3g} %"
        steps.append(
            f"Or answer only the surest {share}: with 95 % confidence at most {most} of those will be wrong; see "
            f"Reading with a guarantee."
        )
    return steps


def _bins(found: Calibration) -> list[dict[str, Any]]:
    return [{**vars(each), "interval_95": list(each.interval_95)} for each in found.bins]


def _curve(curve: RiskCoverage) -> list[list[float]]:
    last = len(curve.coverage) - 1
    places = np.unique(np.linspace(0, last, min(CURVE_POINTS, last + 1)).round().astype(int))
    return [[round(float(curve.coverage[i]), 6), round(float(curve.risk[i]), 6)] for i in places]


def _risk_table(risks: Mapping[str, RiskCoverage]) -> list[list[float]]:
    """Share answered, and the risk on validation and on test there."""
    shares = (*np.arange(0.1, 0.9, 0.1), *np.arange(0.9, 1.001, 0.01))
    return [
        [
            round(float(share), 2),
            *(float(np.interp(share, risks[name].coverage, risks[name].risk)) for name in ("validation", "test")),
        ]
        for share in shares
    ]


def _made(run: Run) -> dict[str, Any]:
    info = run.info
    keys = ("seed", "epochs", "precision", "backend", "budget", "deterministic", "fit_seconds", "compile_seconds")
    return {
        "recipe": info["recipe"],
        **{key: info.get(key) for key in keys},
        "created": info.get("created"),
        "parameters": info["parameters"],
        "versions": info.get("versions", {}),
        "hardware": info.get("hardware", {}),
        "fingerprint": info["data"]["fingerprint"],
    }


def _pairs(runs: Sequence[Run], answers: Sequence[Predictions]) -> list[dict[str, Any]]:
    """Each pair of runs compared, with the indices of the images that they answer differently."""
    folders = [run.path.name for run in runs]
    names = folders if len(set(folders)) == len(runs) else [str(run.path) for run in runs]
    found = []
    for i, j in itertools.combinations(range(len(runs)), 2):
        result = compare_predictions(answers[i], answers[j])
        verdict = result.verdict(names[i], names[j])
        images = {kind: indices.tolist() for kind, indices in apart(answers[i], answers[j]).items()}
        found.append({"a": names[i], "b": names[j], **result.as_dict(), "verdict": verdict, "images": images})
    return found


def _stored(runs: Sequence[Run], answers: Sequence[Predictions]) -> dict[str, Any]:
    """All answers about all test images, for the cells of the confusion matrix and the galleries."""
    return {
        "given": answers[0].labels.tolist(),
        "runs": [
            {
                "folder": run.path.name,
                "predicted": own.predicted.tolist(),
                "confidence": (np.floor(1e4 * own.confidence.astype(float)) / 1e4).tolist(),  # 1 is for the certain
            }
            for run, own in zip(runs, answers, strict=True)
        ],
    }


def _row(run: Run) -> dict[str, Any]:
    info, results = run.info, run.info["results"]
    return {
        "name": run.name,
        "folder": run.path.name,
        "path": str(run.path),
        "seed": info["seed"],
        "errors": results["test"]["errors"],
        "n": results["test"]["n"],
        "interval_95": results["test"]["interval_95"],
        "validation_errors": results["validation"]["errors"],
        "parameters": info["parameters"],
        "fit_seconds": info["fit_seconds"],
    }
