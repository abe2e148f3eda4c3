import numpy as np
import pytest

from digitwise.evaluation.mends import WIDENED, joined, mend
from digitwise.evaluation.slices import Condition, Slice
from digitwise.properties import PROPERTIES
from digitwise.recipes import Augmentation


def group(*properties):
    conditions = tuple(Condition(name, "is" if name == "class" else "much", 1, f"of {name}") for name in properties)
    return Slice(conditions, np.arange(30), 5, 0.01, 0.01)


def test_slanted_digits_ask_for_shear_and_rotation():
    assert mend(group("slant")).widen == ("shear_range", "rotation_range")
    assert mend(group("slant")).words.startswith("Widen shear range and rotation range")


def test_a_class_asks_for_more_samples_of_it():
    assert mend(group("class")).focus
    assert mend(group("class", "offset")).widen == ("width_shift_range", "height_shift_range")


@pytest.mark.parametrize("name", [known.name for known in PROPERTIES])
def test_every_property_has_a_proposal(name):
    proposal = mend(group(name))
    assert bool(proposal.widen) == ((name, "much") in WIDENED)
    assert proposal.widen or "labels" in proposal.words
    assert all(hasattr(Augmentation(), each) for each in proposal.widen)


def test_more_shift_is_no_mend_for_centred_digits():
    centred = Slice((Condition("offset", "little", 1, "at the centre"),), np.arange(30), 5, 0.01, 0.01)
    assert mend(centred).widen == ()


def test_joined_mends_name_each_thing_once():
    both = joined([mend(group("slant")), mend(group("slant", "class")), mend(group("slant"))])
    assert both.widen == ("shear_range", "rotation_range")
    assert both.focus
    assert both.words.count("Widen") == 2
