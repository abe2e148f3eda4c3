import pytest

from digitwise.errors import RunError
from digitwise.evaluation.target import judge


@pytest.mark.parametrize(
    ("errors", "n", "outcome"),
    [(34, 10_000, "reached"), (150, 10_000, "missed"), (90, 10_000, "open"), (0, 20, "open")],
    ids=["well below", "well above", "the interval holds it", "too few pictures"],
)
def test_verdict_follows_from_the_interval_not_from_the_count(errors, n, outcome):
    verdict = judge(errors, n, 0.01)
    assert verdict.outcome == outcome
    assert "1 %" in verdict.words


@pytest.mark.parametrize("target", [0, 1, -0.1, float("nan")])
def test_target_that_is_no_share_is_refused(target):
    with pytest.raises(RunError, match="target: expected a share"):
        judge(1, 10, target)
