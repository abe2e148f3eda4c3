"""What a report advises: each step names a command, and what to expect of it."""

import shlex
import shutil

import numpy as np
import pytest

import digitwise
from digitwise.evaluation.assessment import assess
from digitwise.evaluation.fixes import gatherings
from digitwise.evaluation.rates import images_to_decide, judge, wilson
from digitwise.evaluation.slices import Condition, Slice
from digitwise.predictions import Predictions
from digitwise.reporting.advice import steps_for
from digitwise.reporting.evaluation import Evaluation


def answers(n, errors):
    """Predictions of n images of ten classes, the first of them wrong."""
    labels = np.arange(n) % 10
    given = np.where(np.arange(n) < errors, (labels + 1) % 10, labels)
    sure = np.where(np.arange(n) < errors, 0.5, 0.98)[:, None]
    probabilities = np.where(np.eye(10)[given] == 1, sure, (1 - sure) / 9).astype(np.float32)
    return Predictions(labels, probabilities, tuple("0123456789"))


@pytest.fixture
def evaluation(trained):
    return digitwise.evaluate(trained)


def steps(evaluation, *, target=None, found=(), findings=(), n=4_000, errors=30):
    """The steps for the run of an evaluation, had it these answers."""
    given = answers(n, errors)
    slices = gatherings(found, given)
    about = {name: getattr(evaluation, name) for name in ("name", "data", "fingerprint", "load", "place", "run")}
    return steps_for(
        Evaluation.of(given, **about), assess(given, given, max_error=0.05), slices, judge(errors, n, target), findings
    )


def test_every_command_is_one_of_ours(evaluation):
    group = Slice((Condition("class", "is", 3, "of class 3"),), np.arange(40), 4, 0.005, 0.01)
    finding = {"severity": "error"}
    told = steps(evaluation, target=0.0075, found=[group], findings=[finding])
    assert len(told) == 4
    for step in told:
        assert step.words
        assert step.expected
        for part in step.command.split(" && "):
            program, command, *_ = shlex.split(part)
            assert program == "digitwise"
            assert command in {"check", "evaluate", "improve", "export", "read"}


def test_a_group_may_at_best_have_the_errors_of_the_others(evaluation):
    group = Slice((Condition("class", "is", 3, "of class 3"),), np.arange(400), 12, 0.005, 0.01)
    (step,) = (each for each in steps(evaluation, found=[group]) if "digitwise improve" in each.command)
    assert "2 instead of 12" in step.expected
    assert step.words.startswith("Digits of class 3")


def test_images_that_decide_are_enough_to_decide():
    needed = images_to_decide(30, 4_000, 0.009)
    assert needed == 16_000
    assert wilson(120, needed)[1] <= 0.009
    assert wilson(60, needed // 2)[1] > 0.009


def test_a_rate_at_the_target_is_never_decided():
    assert images_to_decide(10, 1_000, 0.01) is None


def test_an_open_target_asks_for_images(evaluation):
    first = steps(evaluation, target=0.009)[0]
    assert "about 16,000 images decide" in first.expected
    undecided = steps(evaluation, target=0.0075)[0]
    assert "improve the model first" in undecided.expected


def test_a_run_in_a_folder_with_a_space_is_quoted(trained, tmp_path):
    place = shutil.copytree(trained, tmp_path / "my run")
    told = steps(digitwise.evaluate(place))
    assert all(shlex.split(step.command)[2] == str(place) for step in told if "digitwise improve" in step.command)
