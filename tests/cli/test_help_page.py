import importlib.util
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_help_page_is_not_stale():
    spec = importlib.util.spec_from_file_location("help_page", DOCS / "help.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (DOCS / "help.md").read_text(encoding="utf-8") == module.page(), "run make help-page"
