"""What stands at the head of a recipe is what the kept rows say."""

import importlib
import re

import pytest

from benchmarks.measure import kept, median, spread
from digitwise.recipes import RECIPES


@pytest.mark.parametrize("name", RECIPES)
def test_head_of_the_recipe_is_its_measured_result(name):
    rows = [row for row in kept("recipes") if (row["contender"], row["data"]) == (name, "mnist")]
    head = importlib.import_module(f"digitwise.recipes.{name}").__doc__
    if not rows:
        assert "Not measured yet" in head
        return
    errors, fit = spread([float(row["errors"]) for row in rows]), median(rows, "fit_seconds")
    expected = f"{errors} wrong of 10,000 MNIST test digits, fit {fit:.1f} s; seeds 0 to {len(rows) - 1}"
    assert expected in re.sub(r"\s+", " ", head)
