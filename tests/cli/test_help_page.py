import importlib.util
from pathlib import Path

from digitwise.cli.main import app

DOCS = Path(__file__).parents[2] / "docs"


def help_page():
    spec = importlib.util.spec_from_file_location("help_page", DOCS / "help.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.page()


def test_help_page_is_not_stale():
    assert (DOCS / "help.md").read_text(encoding="utf-8") == help_page(), "run make help-page"


def test_help_page_has_every_command():
    page = help_page()
    for command in app.registered_commands:
        assert f"## digitwise {command.name}\n" in page
    assert "## digitwise data show\n" in page
