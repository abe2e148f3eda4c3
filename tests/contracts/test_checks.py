"""Every check through one contract: silent on MNIST and Fashion-MNIST as published, heard where a fault is planted."""

import numpy as np
import pytest

from digitwise.checks import CHECKS, Learned, SplitData, Subject, chosen, run_checks
from digitwise.data import load
from digitwise.data.raw import Raw, read_raw
from digitwise.training.watch import Watch
from digitwise.workflows.check import with_network
from tests import helpers
from tests.helpers import glyphs

# What is really there: Fashion-MNIST has the same garment twice, some of them on both sides of the split.
REAL = {"fashion-mnist": {"DW011", "DW020"}}
# MNIST has labels that are wrong; a check that finds them is not silent on it.
NEVER_SILENT = {"DW040"}


@pytest.fixture(scope="module", params=["mnist", "fashion-mnist"])
def published(request, mnist):
    raw = read_raw(request.param)
    subject = Subject(request.param, SplitData("train", raw["train"]), SplitData("test", raw["test"]))
    return with_network(subject, network=True, answers=False, seed=0, watch=Watch())


@pytest.mark.slow
def test_checks_are_silent_on_clean_sets(published):
    checked = run_checks(published, chosen())
    assert set(checked.skipped) == {"DW004", *NEVER_SILENT}
    assert {finding.code for finding in checked.findings} <= REAL.get(published.name, set())
    flagged = sum(finding.total for finding in checked.findings if finding.code == "DW011")
    assert flagged < 0.002 * 70_000


N = 300
LABELS = np.arange(N) % 10


def drawn(pixels=None, labels=None, **raw):
    return SplitData("train", Raw(glyphs(N) if pixels is None else pixels, LABELS if labels is None else labels, **raw))


def changed(place, spoil):
    pixels = glyphs(N)
    pixels[place] = spoil(pixels)
    return pixels


def with_test(test):
    return Subject("drawn", drawn(), SplitData("test", Raw(test, None)))


def learned(part, features=None, probabilities=None):
    features = np.ones((N, 4), np.float32) if features is None else features
    return Subject("drawn", part, learned=Learned(np.arange(N), features, probabilities))


def an_oddity():
    features = np.tile(np.float32([1, 1, 0, 0]), (N, 1)) + np.random.default_rng(0).random((N, 4), np.float32) / 9
    features[7] = [0, 0, 1, 1]
    noise = np.random.default_rng(1).integers(0, 255, (28, 28), np.uint8)
    return learned(drawn(changed(7, lambda _: noise)), features)


def some_flips():
    answers = helpers.drawn(N, sharpness=6.0)
    labels = answers.labels.copy()
    labels[::20] = (labels[::20] + 1) % 10
    return learned(drawn(labels=labels), probabilities=answers.probabilities)


def upside_down():
    train = load("digits").train
    return Subject("digits", SplitData("train", Raw(train.images[:N, ::-1, ::-1], train.labels[:N])))


PLANTED = {
    "DW001": lambda: Subject("drawn", drawn(labels=np.maximum(LABELS - 5, 0))),
    "DW002": lambda: Subject("drawn", drawn(labels=LABELS + (LABELS > 3))),
    "DW003": lambda: Subject("drawn", drawn(labels=np.where(LABELS > 8, np.nan, LABELS))),
    "DW004": lambda: Subject("drawn", drawn(files=("a.png",) * N, unreadable=(("b.png", "damaged"),))),
    "DW010": lambda: Subject("drawn", drawn(changed(7, lambda all_of: all_of[5]))),
    "DW011": lambda: Subject("drawn", drawn(changed(7, lambda all_of: np.roll(all_of[5], 1, axis=0)))),
    "DW012": lambda: Subject("drawn", drawn(changed(7, lambda all_of: all_of[5]))),
    "DW020": lambda: with_test(glyphs(N)[:60]),
    "DW030": lambda: Subject("drawn", drawn(changed(7, lambda all_of: all_of[7] * 0))),
    "DW031": lambda: Subject("drawn", drawn(glyphs(N) / 100 - 0.4)),
    "DW032": lambda: Subject("drawn", drawn(changed(7, lambda all_of: 255 - all_of[7]))),
    "DW033": lambda: Subject("drawn", drawn(changed(7, lambda all_of: np.pad(all_of[7][::2, ::2], 7)))),
    "DW035": upside_down,
    "DW034": an_oddity,
    "DW040": some_flips,
    "DW050": lambda: with_test(np.clip(glyphs(N, seed=1).astype(int) * 3, 0, 255).astype(np.uint8)[:, ::-1, ::-1]),
}


def test_every_check_has_its_planted_fault():
    assert set(PLANTED) == set(CHECKS)


@pytest.mark.parametrize("code", sorted(PLANTED))
def test_planted_fault_is_found(code):
    checked = run_checks(PLANTED[code](), chosen([code]))
    assert [finding.code for finding in checked.findings] == [code]
    (finding,) = checked.findings
    told = finding.as_dict()
    assert set(told) >= {"code", "severity", "title", "count", "indices", "evidence"}
    assert told["count"] >= 1
    assert told["evidence"]["words"]


@pytest.mark.parametrize("code", sorted(CHECKS))
def test_check_says_what_it_means_and_what_to_do(code):
    check = CHECKS[code]
    for text in (check.meaning, check.remedy):
        assert text.strip().endswith(".")
    assert not vars(check)  # a check keeps nothing: what it saw is in the finding
