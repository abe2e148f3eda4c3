"""The finder's opinion of a lone digit: what it adds to the model, and when it is asked."""

import numpy as np
import pytest

from digitwise import Reader
from digitwise.data.embedded import load_digits
from digitwise.reading.model_input import Prepared, even, opinion_on
from tests.templates import printed


@pytest.fixture(scope="module")
def reader(model_file):
    return Reader(model_file, threads=2)


@pytest.mark.parametrize("size", [24, 80, 700])
def test_the_digit_in_the_middle_is_meant(size):
    image = np.asarray(printed("4", size))
    other = np.asarray(printed("7", size).resize((image.shape[1], image.shape[0])))
    beside = np.concatenate([other[:, -size // 3 :], image], axis=1)
    for each in (image, beside, 255 - image, np.repeat(image[..., None], 3, axis=2)):
        opinion, several = opinion_on(each, threads=1)
        assert not several
        assert opinion.argmax() == 4
        assert opinion.sum() == pytest.approx(1, abs=1e-5)
        assert opinion.max() > 0.9


def test_paper_is_nobodys_opinion():
    opinion, several = opinion_on(np.full((40, 50), 200, np.uint8), threads=1)
    assert np.ptp(opinion) == 0
    assert not several


@pytest.mark.parametrize("size", [40, 300])
def test_two_whole_digits_are_no_image_of_one(reader, size):
    image = np.concatenate([np.asarray(printed(digit, size)) for digit in "47"], axis=1)
    assert opinion_on(image, threads=1)[1]
    reading = reader.read(image)
    assert reading.status == "unsure"
    small = np.asarray(printed("7", size // 3))
    corner = np.full((size + 40, size + 40), 255, np.uint8)
    whole = np.asarray(printed("4", size))
    corner[-whole.shape[0] :, -whole.shape[1] :] = whole[: len(corner), : len(corner)]
    corner[: small.shape[0], : small.shape[1]] = np.minimum(corner[: small.shape[0], : small.shape[1]], small)
    assert not opinion_on(corner, threads=1)[1]  # a page number, say


def test_images_in_the_models_form_are_not_looked_at_again(reader):
    images = load_digits().train.images[:20]
    in_form = np.concatenate([reader.formed_stack(images).images])
    assert reader.formed_stack(in_form).opinions is None


@pytest.mark.parametrize("value", [0, 90, 255])
@pytest.mark.parametrize("side", [28, 40])
def test_images_of_a_single_value_are_blank_and_not_looked_at(reader, side, value):
    even = np.full((2, side, side), value, np.uint8)
    for prepared in (reader.formed_stack(even), reader.formed(even[0])):
        assert prepared.blank.all()
        assert prepared.opinions is None


def test_a_stack_is_read_as_its_images_one_by_one(reader):
    stack = np.stack([np.asarray(printed(digit, 60).resize((50, 70))) for digit in "2475"])
    together = reader.answers(stack)
    alone = [reader.read(image) for image in stack]
    assert [reading.label for reading in together.readings()] == [reading.label for reading in alone] == list("2475")
    assert [reading.status for reading in together.readings()] == [reading.status for reading in alone]


def judged(reader, opinion):
    """What is said of a printed 2 that the model is sure of, with an opinion of the finder's."""
    images = reader.formed(np.asarray(printed("2"))).images
    return reader.answered(Prepared(images, np.zeros(1, bool), opinions=np.array([opinion], np.float32)))


def said(label, share):
    """An opinion for a label."""
    opinion = np.full(10, (1 - share) / 9)
    opinion[label] = share
    return opinion


def test_where_the_finder_changes_the_models_mind_nothing_is_sure(reader):
    answers = judged(reader, said(7, 1 - 1e-9))
    assert answers.probabilities.argmax() == 7
    assert not answers.agreed[0]
    assert not answers.sure[0]


def test_the_geometric_mean_is_told_and_the_less_sure_of_model_and_product_judged(reader):
    alone = judged(reader, even(1, 10)[0])
    assert alone.agreed[0]
    assert alone.sure[0]
    for opinion in (said(2, 0.9), said(7, 0.9)):
        answers = judged(reader, opinion)
        mean = np.sqrt(alone.probabilities * opinion)
        assert answers.probabilities == pytest.approx(mean / mean.sum(), abs=1e-5)
        product = alone.probabilities * opinion
        product /= product.sum()
        less = min(product.max(), alone.probabilities.max())
        assert answers.judged.max() == pytest.approx(less, abs=1e-5)


def test_ink_that_only_the_finder_sees_is_no_blank(reader):
    opinions = even(2, 10)
    opinions[0] = 0.01
    opinions[0, 5] = 0.91
    answers = reader.answered(Prepared(np.zeros((2, 28, 28), np.uint8), np.ones(2, bool), opinions=opinions))
    assert answers.blank.tolist() == [False, True]
    assert answers.probabilities[0].argmax() == 5


def test_parts_are_joined_with_and_without_opinions():
    one = Prepared(np.zeros((2, 28, 28), np.uint8), np.array([True, False]))
    other = Prepared(np.ones((1, 28, 28), np.uint8), np.array([False]), opinions=np.eye(10, dtype=np.float32)[3:4])
    assert Prepared.joined([one], classes=10).opinions is None
    joined = Prepared.joined([one, other], classes=10)
    assert joined.blank.tolist() == [True, False, False]
    assert joined.opinions.argmax(axis=1).tolist() == [0, 0, 3]
    assert joined.one(2).opinions[0, 3] == 1
