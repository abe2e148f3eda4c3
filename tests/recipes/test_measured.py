import pytest

from benchmarks.tables import NAMED, with_result
from digitwise.recipes import RECIPES


@pytest.mark.parametrize("name", RECIPES)
def test_result_above_the_recipe_is_that_of_the_rows_kept(name):
    text = NAMED.read_text(encoding="utf-8")
    told, recipe, _ = text.partition(f"\n{name.upper()} = ")
    assert recipe
    assert told.rpartition("\n\n")[2].startswith(("# Measured", "# Not measured"))
    assert with_result(text, name) == text, "run python benchmarks/bench.py figure"
