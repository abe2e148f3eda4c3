import os
import pty
import re
import subprocess
import sys

import pytest
from typer.main import get_command

from digitwise import __version__
from digitwise.cli import help as pages
from digitwise.cli import main as program
from digitwise.cli.main import app

ROOT = get_command(app)


def commands(command=ROOT, name=""):
    yield name, command
    for each, below in getattr(command, "commands", {}).items():
        yield from commands(below, f"{name} {each}".strip())


NAMES = [name for name, _ in commands()]


def sections(text):
    """The lines of each section of a help page by its heading."""
    found, heading = {}, ""
    for line in text.splitlines():
        if re.fullmatch(r"[A-Z][\w -]*:", line):
            heading = line[:-1]
        found.setdefault(heading, []).append(line)
    return {name: "\n".join(lines) for name, lines in found.items()}


@pytest.mark.parametrize("name", NAMES, ids=lambda name: name or "digitwise")
def test_help_ends_with_examples_and_has_the_options_of_every_command(digitwise, name):
    found = sections(digitwise(*name.split(), "--help").out)
    assert "  digitwise" in found["Examples"]
    assert all(option in found["Of every command"] for option in ("-v, --verbose", "-q, --quiet", "--help"))
    assert list(found)[-1] == ("Colour" if not name else "Examples")


@pytest.mark.parametrize("name", NAMES, ids=lambda name: name or "digitwise")
def test_examples_are_calls_that_the_command_takes(name):
    for line in pages.EXAMPLES[name]:
        assert len(line) <= 78
        assert line.startswith(f"digitwise {name}".strip())
        words = line.partition(" > ")[0].split()[1:]
        command, context = ROOT, None
        while hasattr(command, "commands"):
            command = command.commands[words.pop(0)]
        context = command.make_context(command.name, words)
        assert context.params


def test_help_groups_commands_by_what_people_do(digitwise):
    found = sections(digitwise("--help").out)
    groups = [name for name in found if name in pages.GROUPS]
    assert groups == ["Data", "Train", "Understand", "Use", "Teach", "This installation"]
    assert "check" in found["Data"]
    assert "read" in found["Use"]
    assert "Commands" not in found, "a command without a group: add it to GROUPS"
    assert "..." not in "".join(found[name] for name in groups)


def test_rarely_needed_options_follow_the_common_ones(digitwise):
    found = sections(digitwise("train", "--help").out)
    assert list(found)[1:] == ["Arguments", "Options", "Further options", "Of every command", "Examples"]
    assert all(option in found["Options"] for option in ("--data", "--out", "--seed", "--budget"))
    assert all(option in found["Further options"] for option in ("--stream", "--cluster", "--label-column"))


def test_help_tells_the_exit_codes(digitwise):
    told = sections(digitwise("--help").out)["Exit codes"]
    codes = re.findall(r"^ +(\d+)  ", told, flags=re.M)
    assert codes == ["0", "1", *map(str, (program.BAD_INPUT, program.INTERRUPTED, program.TERMINATED))]


def test_version_is_printed(digitwise):
    result = digitwise("--version")
    assert (result.code, result.out) == (0, f"digitwise {__version__}\n")


@pytest.mark.parametrize("place", ["before", "after"])
def test_quiet_leaves_results_only(digitwise, tmp_path, place):
    call = ["check", "digits", "--select", "DW00", "--out", tmp_path]
    usual = digitwise(*call)
    quiet = digitwise("-q", *call) if place == "before" else digitwise(*call, "--quiet")
    assert quiet.code == usual.code == 0
    assert "found nothing" in usual.out
    assert "reading the data" in usual.out
    assert "found nothing" not in quiet.out
    assert "reading the data" not in quiet.out
    assert f"Written to {tmp_path}" in quiet.out
    assert quiet.err == ""


def test_quiet_does_not_outlast_its_command(digitwise, tmp_path):
    digitwise("-q", "check", "digits", "--select", "DW00", "--out", tmp_path)
    assert "found nothing" in digitwise("check", "digits", "--select", "DW00", "--out", tmp_path).out


def test_quiet_tells_errors(digitwise):
    result = digitwise("evaluate", "nowhere", "-q")
    assert (result.code, result.err.count("\n")) == (2, 1)


def test_verbose_tells_where_an_error_comes_from_and_what_it_took(digitwise):
    err = digitwise("evaluate", "nowhere", "-v").err
    assert "Traceback" in err
    assert "digitwise.errors.RunError" in err
    assert re.search(r"^[\d.]+ s, at most [\d,]+ MB of memory$", err, flags=re.M)
    assert f"digitwise {__version__}" in err


def in_terminal(*command, **environment):
    """What a command writes to a terminal."""
    ours, theirs = pty.openpty()
    own = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    own |= {"TERM": "xterm-256color", **environment}
    process = subprocess.Popen(
        [sys.executable, "-m", "digitwise", *command], stdin=theirs, stdout=theirs, stderr=theirs, env=own
    )
    os.close(theirs)
    told = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        told += part
    os.close(ours)
    process.wait(60)
    return told.decode()


def test_errors_are_coloured_in_a_terminal_only_and_never_with_no_color(digitwise):
    coloured = re.compile("\x1b\\[[\\d;]*3\\d[\\d;]*m")
    assert coloured.search(in_terminal("evaluate", "nowhere"))
    assert not coloured.search(in_terminal("evaluate", "nowhere", NO_COLOR="1"))
    assert "\x1b" not in digitwise("evaluate", "nowhere").err


def test_shell_completion_knows_the_commands(tmp_path):
    asked = {"_DIGITWISE_COMPLETE": "complete_bash", "COMP_WORDS": "digitwise ex", "COMP_CWORD": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "digitwise"], env=os.environ | asked, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["export", "exercise"]


def test_shell_completion_is_shown_without_touching_a_file(tmp_path, monkeypatch):
    own = os.environ | {"HOME": str(tmp_path), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    command = [sys.executable, "-m", "digitwise", "--show-completion", "bash"]
    done = subprocess.run(command, env=own, capture_output=True, text=True, check=True)
    assert "_DIGITWISE_COMPLETE" in done.stdout
    assert list(tmp_path.iterdir()) == []
