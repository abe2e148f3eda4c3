import time

import numpy as np
import pytest

from digitwise.errors import RecipeError
from digitwise.recipes import Recipe
from digitwise.training.schedule import BudgetPace, StepPace, learning_rates

RECIPE = Recipe("quick", "for tests", "simple-cnn", epochs=1, batch_size=8, learning_rate=0.01, schedule="one-cycle")


def test_one_cycle_rises_to_its_peak_and_falls_to_almost_nothing():
    rates = learning_rates(RECIPE, np.linspace(0, 1, 101, dtype=np.float32))
    assert rates.argmax() == 30
    assert rates.max() == pytest.approx(0.01)
    assert rates[0] == rates[-1] == pytest.approx(0.002 * 0.01)
    assert (np.diff(rates[:31]) > 0).all()
    assert (np.diff(rates[30:]) < 0).all()


def test_constant_schedule_is_constant():
    rates = learning_rates(RECIPE.replace(schedule="constant"), np.linspace(0, 1, 5, dtype=np.float32))
    assert rates.tolist() == pytest.approx([0.01] * 5)


def test_steps_are_dealt_out_until_the_epochs_are_over():
    pace = StepPace(10, done=4)
    assert pace.shares(4).tolist() == pytest.approx([0.4, 0.5, 0.6, 0.7])
    assert pace.shares(4).tolist() == pytest.approx([0.8, 0.9])
    assert pace.finished
    assert pace.share == 1


class Clock:
    """A clock that only moves when told."""

    def __init__(self, monkeypatch):
        self.now = 0.0
        monkeypatch.setattr(time, "perf_counter", lambda: self.now)


def test_budget_is_kept_when_the_machine_slows_down(monkeypatch):
    clock = Clock(monkeypatch)
    pace = BudgetPace(60, reserve_steps=5)
    dealt = []
    while not pace.finished:
        shares = pace.shares(20)
        dealt += shares.tolist()
        clock.now += 2 * (len(dealt) == 1) + len(shares) * (0.1 if clock.now < 20 else 0.2)
    assert 54 < clock.now < 61
    assert dealt[:5] == [0] * 5  # compiling and timing
    assert dealt == sorted(dealt)
    assert dealt[-1] == pytest.approx(1, abs=0.02)
    assert pace.share == pytest.approx(1, abs=0.02)


def test_budget_that_compiling_uses_up_is_refused(monkeypatch):
    clock = Clock(monkeypatch)
    pace = BudgetPace(1, reserve_steps=0)
    for _ in range(2):
        pace.shares(20)
        clock.now += 1
    with pytest.raises(RecipeError, match="over before the training began"):
        pace.shares(20)
