import pytest

from benchmarks.tables import READMES, with_tables


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.parent.name)
def test_tables_are_those_of_the_rows_kept(readme):
    text = readme.read_text(encoding="utf-8")
    assert with_tables(text) == text, "run python benchmarks/bench.py figure"
