import numpy as np
import pytest

from digitwise.evaluation.fixes import WIDENED, changes, find_in, fix_for, halves, joined
from digitwise.evaluation.slices import Condition, Slice
from digitwise.predictions import Predictions
from digitwise.properties import PROPERTIES
from digitwise.recipes import Augmentation


def group(*properties):
    conditions = tuple(Condition(name, "is" if name == "class" else "much", 1, f"of {name}") for name in properties)
    return Slice(conditions, np.arange(30), 5, 0.01, 0.01)


def test_slanted_digits_ask_for_shear_and_rotation():
    assert fix_for(group("slant")).widen == ("shear_range", "rotation_range")
    assert fix_for(group("slant")).words.startswith("Widen shear range and rotation range")


def test_a_class_asks_for_more_samples_of_it():
    assert fix_for(group("class")).focus
    assert fix_for(group("class", "offset")).widen == ("width_shift_range", "height_shift_range")


@pytest.mark.parametrize("name", [known.name for known in PROPERTIES])
def test_every_property_has_a_proposal(name):
    proposal = fix_for(group(name))
    assert bool(proposal.widen) == ((name, "much") in WIDENED)
    assert proposal.widen or "labels" in proposal.words
    assert all(hasattr(Augmentation(), each) for each in proposal.widen)


def test_more_shift_is_no_fix_for_centred_digits():
    centred = Slice((Condition("offset", "little", 1, "at the centre"),), np.arange(30), 5, 0.01, 0.01)
    assert fix_for(centred).widen == ()


def test_joined_fixes_name_each_thing_once():
    both = joined([fix_for(group("slant")), fix_for(group("slant", "class")), fix_for(group("slant"))])
    assert both.widen == ("shear_range", "rotation_range")
    assert both.focus
    assert both.words.count("Widen") == 2


N = 6000


def answers(labels, wrong):
    predicted = np.where(wrong, (labels + 1) % 10, labels)
    return Predictions(labels, np.eye(10, dtype=np.float32)[predicted], tuple("0123456789"))


def scene(seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, N)
    measured = {known.name: rng.normal(size=N) for known in PROPERTIES if known.kind == "measure"}
    return rng, labels, measured


def test_halves_are_disjoint_and_have_every_class():
    labels = np.repeat(np.arange(3), 20)
    a, b = halves(labels)
    assert sorted(np.concatenate([a, b])) == list(range(60))
    assert np.bincount(labels[a]).tolist() == [10, 10, 10]


def test_fix_that_halves_the_errors_of_a_group_is_seen_on_the_other_half():
    rng, labels, measured = scene()
    slanted = measured["slant"] >= np.quantile(measured["slant"], 0.9)
    before = answers(labels, rng.random(N) < np.where(slanted, 0.3, 0.005))
    after = answers(labels, rng.random(N) < np.where(slanted, 0.05, 0.005))
    finding, judging = halves(labels)
    found = find_in(finding, before, measured)
    first, *_, everything = changes(found, judging, before, after, measured)
    assert found[0].conditions[0].property == "slant"
    assert first.comparison.only_a > 3 * first.comparison.only_b
    assert "after makes fewer errors than before" in first.as_dict()["verdict"]
    assert (everything.name, everything.n) == ("all images", N // 2)


def test_group_found_by_chance_is_not_fixed_by_doing_nothing():
    """Judged on the images it was found in, every group looks better the next time."""
    lower_there = lower_elsewhere = 0
    for seed in range(8):
        rng, labels, measured = scene(seed)
        slanted = measured["slant"] >= np.quantile(measured["slant"], 0.9)
        rates = np.where(slanted, 0.04, 0.01)
        before, after = (answers(labels, rng.random(N) < rates) for _ in range(2))
        finding, judging = halves(labels, seed=seed)
        for group in find_in(finding, before, measured)[:1]:
            own, other = (changes([group], half, before, after, measured)[0].comparison for half in (finding, judging))
            lower_there += own.errors_b < own.errors_a
            lower_elsewhere += other.errors_b < other.errors_a
    assert lower_there >= lower_elsewhere
    assert lower_elsewhere <= 7


def test_group_without_images_in_the_other_half_is_reported():
    rng, labels, measured = scene()
    before = answers(labels, rng.random(N) < 0.01)
    group = find_in(np.arange(N), answers(labels, measured["slant"] > 2), measured)[0]
    gone = {**measured, "slant": np.full(N, -9.0)}
    assert changes([group], np.arange(N), before, before, gone)[0].as_dict()["verdict"].startswith("no images")
