import pytest

from digitwise.evaluation.rates import wilson
from digitwise.evaluation.spread import spread


def test_spread_is_mean_and_deviation_of_the_seeds():
    found = spread([{"n": 100, "errors": errors} for errors in (2, 4, 6)])
    assert (found.mean, found.deviation) == (4, 2)
    assert found.words == "4.0 ± 2.0"


def test_more_seeds_do_not_narrow_the_interval():
    few, many = (spread([{"n": 100, "errors": 4}] * seeds) for seeds in (2, 20))
    assert few.interval_95 == many.interval_95 == wilson(4, 100)
    assert few.in_production(1000).startswith("of 1,000 samples about 40 wrong")


def test_one_seed_has_no_deviation():
    found = spread([{"n": 10, "errors": 1}])
    assert (found.words, found.deviation) == ("1.0", None)
    assert found.as_dict()["error_rate"] == pytest.approx(0.1)
