import importlib.util
import re
from pathlib import Path

import pytest

from digitwise.checks import CHECKS
from digitwise.cli.main import app

DOCS = Path(__file__).parents[2] / "docs"


def made_by(program, **how):
    spec = importlib.util.spec_from_file_location("page_writer", DOCS / program)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.page(**how)


@pytest.mark.parametrize(("program", "page"), [("help.py", "help.md"), ("checks_page.py", "checks.md")])
def test_generated_page_is_not_stale(program, page):
    assert (DOCS / page).read_text(encoding="utf-8") == made_by(program), "run make help-page"


def test_card_of_the_bundled_model_is_not_stale():
    card = DOCS.parent / "src" / "digitwise" / "reading" / "MODEL_CARD.md"
    assert card.read_text(encoding="utf-8") == made_by("model_card.py"), "run python docs/model_card.py"
    page = DOCS / "model-card.md"
    assert page.read_text(encoding="utf-8") == made_by("model_card.py", docs=""), "run python docs/model_card.py"


def test_every_check_has_its_image():
    shown = set(re.findall(r"\]\((checks/\w+\.png)\)", made_by("checks_page.py")))
    assert shown == {f"checks/{path.name}" for path in (DOCS / "checks").iterdir()}
    assert len(shown) == len(CHECKS)


def test_help_page_has_every_command():
    page = made_by("help.py")
    for command in app.registered_commands:
        assert f"## digitwise {command.name}\n" in page
    assert "## digitwise data show\n" in page
