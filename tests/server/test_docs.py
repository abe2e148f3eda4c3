"""The page about serving: its Python does what it says, on a server that runs."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.main import get_command

from digitwise.cli.main import app

DOCS = Path(__file__).parents[2] / "docs"
TEXT = "".join((DOCS / name).read_text(encoding="utf-8") for name in ("serve.md", "http.md"))
PROGRAMS = re.findall(r"^```python\n(.*?)^```", TEXT, flags=re.M | re.S)
COMMANDS = re.findall(r"^(?:DIGITWISE_TOKEN=\S+ \S+ )?(digitwise .*)$", TEXT, flags=re.M)


@pytest.fixture
def images(tmp_path, monkeypatch, digits, mnist):
    """The files that the page speaks of, in the folder one is in: a seven, and three digits that are labelled."""
    Image.fromarray(255 - mnist.test.images[0]).resize((120, 120)).save(tmp_path / "seven.png")
    np.save(tmp_path / "digits.npy", digits.test.images[:3])
    monkeypatch.chdir(tmp_path)
    return digits.test.labels[:3]


@pytest.mark.parametrize("program", PROGRAMS, ids=["file", "arrays"])
def test_python_of_the_page_runs(program, images, server, capsys):
    exec(program.replace("http://127.0.0.1:8000", server.url), {})
    said = capsys.readouterr().out
    assert (
        re.search(r"'label': '7', 'confidence': (0\.9|1\.0,)", said) or said == f"{[str(label) for label in images]}\n"
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_of_the_page_have_the_options_it_gives_them(command):
    words = shlex.split(command, comments=True)[1:]
    group = get_command(app)
    while words and words[0] in getattr(group, "commands", {}):
        group = group.commands[words.pop(0)]
    known = {option for parameter in group.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known
