import numpy as np
import pytest
from scipy.stats import chi2_contingency

from digitwise.data.balance import ClassBalance


def balance(train, test=(100, 100, 100)):
    return ClassBalance(("a", "b", "c"), np.array(train), np.array(test))


def test_even_classes_are_called_even():
    even = balance((1000, 1000, 1000))
    assert even.ratio == 1
    assert even.entropy == pytest.approx(1)
    assert "even enough" in even.verdict
    assert "as far as chance goes" in even.verdict


def test_uneven_classes_are_called_uneven():
    assert "Uneven" in balance((1000, 1000, 100)).verdict
    assert "watch the recall" in balance((1000, 1000, 500)).verdict


def test_rare_class_is_named():
    assert "Class c is too rare" in balance((1000, 1000, 10)).verdict


def test_chi_square_agrees_with_scipy():
    one = balance((500, 300, 200), (80, 120, 100))
    expected = chi2_contingency([one.train, one.test], correction=False)
    assert one.chi_square == pytest.approx(expected.statistic)
    assert one.p_value == pytest.approx(expected.pvalue)
    assert "will not carry over" in one.verdict


def test_mnist_is_even_enough(mnist):
    from digitwise.data.balance import class_balance

    found = class_balance(mnist.train, mnist.test)
    assert found.ratio == pytest.approx(6742 / 5421)
    assert found.p_value > 0.9
