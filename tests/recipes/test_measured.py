import pytest

from benchmarks.tables import HEADS, with_result


@pytest.mark.parametrize("name", HEADS)
def test_head_of_the_recipe_is_the_result_of_the_rows_kept(name):
    text = HEADS[name].read_text(encoding="utf-8")
    assert "\nMeasured" in text or "\nNot measured" in text
    assert with_result(text, name) == text, "run python benchmarks/bench.py figure"
