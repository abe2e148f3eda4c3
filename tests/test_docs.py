"""The blocks of README and docs: Python runs, commands and their options exist, TOML loads.

The Python blocks of a page run in order in one namespace, in a folder with the images of ``docs/samples.py``; the name
``"mnist"``, and MNIST as Keras downloads it, stand for the embedded digits there. ``<!-- not run: reason -->`` above
a block leaves it out.
"""

from __future__ import annotations

import re
import shlex
import textwrap
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

import digitwise
from digitwise import checks

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(
    r"(?ms)^ *(?:<!-- not run: (?P<reason>[^\n]+) -->\n *)?```(?P<language>\w*)[^\n]*\n(?P<code>.*?)^ *```$"
)
ASSIGNMENTS = re.compile(r"^(?:\w+=(?:\$\([^)]*\)|\S*)\s+)*")
OTHERS = {"curl", "docker", "export"}  # programs that are not ours
SLOW = "digitwise.train(", "digitwise.check(", "DigitClassifier", ".report("  # what trains, or searches and draws


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: Path
    language: str
    code: str
    reason: str | None  # not to run it


def blocks_of(page: Path, language: str) -> list[Block]:
    found = [
        Block(page, block["language"], textwrap.dedent(block["code"]), block["reason"])
        for block in BLOCK.finditer(page.read_text(encoding="utf-8"))
    ]
    return [block for block in found if block.language == language]


def with_blocks(language: str) -> list[object]:
    found = {page: "".join(b.code for b in blocks_of(page, language) if b.reason is None) for page in PAGES}
    slow = {page for page, code in found.items() if language == "python" and any(name in code for name in SLOW)}
    marks = {page: [pytest.mark.slow] if page in slow else [] for page in PAGES}
    return [pytest.param(page, id=name_of(page), marks=marks[page]) for page, code in found.items() if code]


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).with_suffix("").as_posix()


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from docs.samples import make

    folder = tmp_path_factory.mktemp("samples")
    make(folder)
    return folder


def as_keras_has_them():
    data = digitwise.load("digits")
    return (data.train.images, data.train.labels), (data.test.images, data.test.labels)


@pytest.mark.parametrize("page", with_blocks("python"))
def test_python_blocks_of_a_page_run_in_order(page, samples, tmp_path, monkeypatch):
    for sample in samples.iterdir():
        (tmp_path / sample.name).symlink_to(sample)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(checks, "CHECKS", dict(checks.CHECKS))
    namespace: dict[str, object] = {"__name__": page.stem}
    blocks = blocks_of(page, "python")
    if any("keras.datasets" in block.code for block in blocks):
        monkeypatch.setattr("keras.datasets.mnist.load_data", as_keras_has_them)
    for block in blocks:
        if block.reason is None:
            exec(compile(block.code.replace('"mnist"', '"digits"'), str(page), "exec"), namespace)


@pytest.mark.parametrize("page", [page for page in PAGES if blocks_of(page, "python")], ids=name_of)
def test_python_blocks_that_do_not_run_compile(page):
    for block in blocks_of(page, "python"):
        compile(block.code, str(page), "exec")


@pytest.mark.parametrize("page", with_blocks("sh"))
def test_lines_for_the_shell_are_commands_with_options_that_exist(page):
    for block in blocks_of(page, "sh"):
        for line in block.code.replace("\\\n", " ").splitlines():
            words = shlex.split(ASSIGNMENTS.sub("", line.strip()), comments=True)
            if words:
                check_command(words, line)


def check_command(words: list[str], line: str) -> None:
    program, *arguments = words
    if program == "digitwise":
        check_options([word for word in arguments if word != ">" and not word.startswith(">")], line)
    elif program == "make":
        assert re.search(rf"(?m)^{arguments[0]}:", (ROOT / "Makefile").read_text(encoding="utf-8")), line
    elif program == "pip":
        known = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
        for extras in re.findall(r"digitwise\[([\w,]+)\]", line):
            assert set(extras.split(",")) <= known.keys(), line
    else:
        assert program in OTHERS, line


def check_options(arguments: list[str], line: str) -> None:
    """Parse a command as the command line does, without looking at files or values."""
    from typer.main import get_command

    from digitwise.cli.main import app

    command, context = get_command(app), None
    while hasattr(command, "commands"):
        context = command.make_context("digitwise", [], parent=context, resilient_parsing=True)
        name = next(iter(arguments), "")
        if name.startswith("-"):  # an option of the program itself
            break
        assert name in command.commands, line
        command, arguments = command.commands[name], arguments[1:]
    context = command.make_context("digitwise", [], parent=context, resilient_parsing=True)
    try:
        command.make_parser(context).parse_args(list(arguments))
    except Exception as error:
        raise AssertionError(f"{line}: {error}") from error


@pytest.mark.parametrize("page", with_blocks("toml"))
def test_toml_blocks_are_templates(page):
    from digitwise.reading.forms.template import Template

    for block in blocks_of(page, "toml"):
        assert Template.from_toml(block.code, page.name).fields


def test_reference_has_every_public_name_once():
    names = re.findall(r"(?m)^::: digitwise\.(\w+)$", (ROOT / "docs" / "python.md").read_text(encoding="utf-8"))
    assert sorted(names) == list(digitwise.__all__)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_image_is_there_and_has_a_text_for_those_who_do_not_see_it(page):
    for text, place in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        assert text
        assert (page.parent / place).is_file()


def test_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 120
