"""What to do next about a model: each step a command to run, and what to expect of it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from digitwise.data.arrays import IN_MEMORY
from digitwise.data.sources import NAMES
from digitwise.evaluation.assessment import Assessment
from digitwise.evaluation.rates import Verdict, images_to_decide
from digitwise.exporting.card import LEVELS

if TYPE_CHECKING:
    from digitwise.reporting.evaluation import Evaluation

MORE = "more-scans/"  # stands for images that only the reader of the report can have


@dataclass(frozen=True)
class Step:
    """One step.

    Parameters
    ----------
    words : str
        What it is for.
    command : str
        To run in a shell; empty where none helps.
    expected : str
        What it is expected to change, or to show.
    """

    words: str
    command: str
    expected: str


def steps_for(
    evaluation: Evaluation,
    assessment: Assessment,
    slices: Mapping[str, Any],
    verdict: Verdict,
    findings: Sequence[Mapping[str, Any]],
) -> list[Step]:
    """The steps to take, the most urgent first.

    Parameters
    ----------
    evaluation : Evaluation
    assessment : Assessment
    slices : dict
        Groups with many errors, see :func:`~digitwise.evaluation.fixes.gatherings`.
    verdict : Verdict
    findings : sequence of dict
        Of ``digitwise check``.

    Returns
    -------
    list of Step
    """
    return [
        *_about_pixels(evaluation),
        *_about_data(evaluation, findings),
        *_about_target(evaluation, verdict),
        *_about_errors(evaluation, slices),
        *_about_reading(evaluation, assessment),
    ]


def _about_pixels(evaluation: Evaluation) -> Iterator[Step]:
    if evaluation.understood is not None and evaluation.understood.doubtful:
        yield Step(
            "Find out which pixels the model takes: as it was asked, most is wrong.",
            f"digitwise evaluate {_of(evaluation)} --data {_data(evaluation)} --input-scale 0-255",
            "If the scale was the fault, most answers are right with one of 0-1, 0-255, centred and standardised.",
        )


def _about_data(evaluation: Evaluation, findings: Sequence[Mapping[str, Any]]) -> Iterator[Step]:
    if errors := sum(finding.get("severity") == "error" for finding in findings):
        found = "1 error" if errors == 1 else f"{errors} errors"
        yield Step(
            f"Fix the data first: digitwise check found {found} in it, see Data.",
            f"digitwise check {_data(evaluation)} --open",
            "The page shows the images of each error and what to do; until then no figure here is to be relied on.",
        )


def _about_target(evaluation: Evaluation, verdict: Verdict) -> Iterator[Step]:
    if verdict.outcome != "open" or verdict.target is None:
        return
    needed = images_to_decide(evaluation.n_errors, evaluation.n, verdict.target)
    yield Step(
        "Test on more images: these cannot decide whether the target is kept.",
        f"digitwise evaluate {_of(evaluation)} --data {MORE}",
        f"If the error rate stays as it is, about {needed:,} images decide."
        if needed
        else "The measured rate is so near the target that no set at hand decides: improve the model first.",
    )


def _about_errors(evaluation: Evaluation, slices: Mapping[str, Any]) -> Iterator[Step]:
    """About groups with many errors, or about errors without a group."""
    found, run = slices["found"], evaluation.run
    of = "" if slices["of"] == "evaluation" else f" of {slices['of']}"
    if found:
        words = "\n".join(f"{group['words'][:1].upper()}{group['words'][1:]}. {group['fix']}" for group in found)
        wrong, usual = (sum(errors) for errors in zip(*map(_errors, found), strict=True))
        expected = f"At best as few errors there as elsewhere: {usual:.0f} instead of {wrong} among these images{of}."
        if run is not None:
            judged = "It says whether it helped, judged by images that had no part in the choice."
            yield Step(words, f"digitwise improve {_of(evaluation)}", f"{expected} {judged}")
        else:
            judged = "The groups were found in these images: judge what you change by others."
            yield Step(words, f"digitwise evaluate {_of(evaluation)} --data {MORE}", f"{expected} {judged}")
        return
    among = f"among {slices['images']:,} images{of}"
    if slices["errors"] > 1:
        words = f"The {slices['errors']:,} errors {among} have nothing in common that chance does not explain."
    else:
        words = f"{'1 error' if slices['errors'] else 'No error'} {among}: too few to tell where errors gather."
    if run is not None and slices["of"] == "validation":
        yield Step(
            words,
            f"digitwise improve {_of(evaluation)}",
            "It looks again at all training images, by cross-validation, where smaller groups show.",
        )
    else:
        yield Step(words, "", "")


def _errors(group: Mapping[str, Any]) -> tuple[int, float]:
    """A group's errors, and those it would have at the rate of the others."""
    return group["errors"], group["n"] * group["others_rate"]


def _about_reading(evaluation: Evaluation, assessment: Assessment) -> Iterator[Step]:
    reading = assessment.reading
    if reading.policy is None:
        yield Step(
            f"No reading policy: {reading.refusal}.",
            f"digitwise calibrate {MORE} --model {_model(evaluation)}",
            "With enough labelled images, a threshold from which a stated share of what is read is right.",
        )
        return
    most, share = reading.policy.max_error, f"{100 * reading.policy.coverage:.1f} %"
    asked = f"{100 * most:.3g}%"
    if evaluation.run is None or most not in LEVELS:
        command = f"digitwise calibrate {MORE} --model {_model(evaluation)} --max-error {asked}"
    else:
        model = _model(evaluation)
        command = f"digitwise export {_of(evaluation)} && digitwise read {MORE} --model {model} --max-error {asked}"
    yield Step(
        "Read with a guarantee: answer only where the model is sure.",
        command,
        f"About {share} of such images are answered; with 95 % confidence at most {100 * most:.3g} % are wrong.",
    )


def _of(evaluation: Evaluation) -> str:
    """The run or model as an argument of a command."""
    return shlex.quote(evaluation.place or "MODEL")


def _model(evaluation: Evaluation) -> str:
    return shlex.quote(f"{evaluation.place}/model.onnx") if evaluation.run is not None else _of(evaluation)


def _data(evaluation: Evaluation) -> str:
    """The data set as an argument of a command."""
    known = evaluation.data in NAMES or not evaluation.source or evaluation.source == IN_MEMORY
    return shlex.quote(evaluation.data if known else evaluation.source)
