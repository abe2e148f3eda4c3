import pytest

from benchmarks.tables import PAGES, with_tables


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_tables_are_those_of_the_rows_kept(page):
    text = page.read_text(encoding="utf-8")
    assert with_tables(text) == text, "run python benchmarks/bench.py figure"
