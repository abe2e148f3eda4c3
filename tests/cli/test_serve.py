"""The command ``digitwise serve``, up to where it serves."""

import sys
from types import SimpleNamespace

import pytest

from digitwise.server import serving
from digitwise.server.serving import listen


@pytest.fixture
def begun(monkeypatch):
    """What would be served, instead of serving it."""
    calls = []
    monkeypatch.setattr(serving, "serve", lambda app, sock, log: calls.append((app, sock)))
    monkeypatch.setattr(serving, "serve_in_processes", lambda *arguments: calls.append(arguments))
    monkeypatch.delenv("DIGITWISE_TOKEN", raising=False)
    return calls


def test_it_says_where_it_serves(digitwise, begun):
    result = digitwise("serve", "--port", 0)
    assert result.code == 0
    assert result.out.startswith("digitwise reads at http://127.0.0.1:")
    assert not result.err
    assert len(begun) == 1


def test_a_port_that_is_taken_is_one_line(digitwise, begun):
    with listen("127.0.0.1", 0) as sock:
        port = sock.getsockname()[1]
        result = digitwise("serve", "--port", port)
    assert result.code == 2
    assert (
        result.err == f"digitwise: port {port} is taken: another program listens there; choose another port (--port)\n"
    )
    assert not begun


def test_what_is_not_installed_is_named_with_its_extra(digitwise, begun, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    result = digitwise("serve")
    assert result.code == 2
    assert result.err == 'digitwise: a server needs uvicorn: pip install "digitwise[serve]"\n'


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    "options", [["--model", "no-such.onnx"], ["--max-error", "0.00001"], ["--collect", "/dev/null"]]
)
def test_what_cannot_be_used_is_told_before_it_serves(digitwise, begun, workers, options):
    result = digitwise("serve", "--port", 0, "--workers", workers, *options)
    assert result.code == 2
    assert result.err.count("\n") == 1
    assert not result.out
    assert not begun


@pytest.mark.parametrize(
    ("options", "environment", "token"),
    [
        ([], None, None),
        (["--token", "given"], "from-environment", "given"),
        (["--token-file", "FILE"], "from-environment", "from-file"),
        ([], "from-environment", "from-environment"),
    ],
    ids=["none", "option", "file", "environment"],
)
def test_the_token_is_the_one_given_nearest(digitwise, begun, monkeypatch, tmp_path, options, environment, token):
    (tmp_path / "token").write_text("from-file\n")
    if environment:
        monkeypatch.setenv("DIGITWISE_TOKEN", environment)
    options = [str(tmp_path / "token") if each == "FILE" else each for each in options]
    assert digitwise("serve", "--port", 0, "--workers", 2, *options).code == 0
    settings = begun[0][0]
    assert settings.token == token
    assert token is None or token not in repr(settings)


@pytest.mark.parametrize("bad", ["", "two words", "ü", "line\nbreak"])
def test_a_token_that_no_header_can_carry_is_refused(digitwise, begun, bad):
    result = digitwise("serve", "--token", bad)
    assert result.code == 2
    assert "expected a token of printable ASCII" in result.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--token", "a", "--token-file", "b"], "got both"),
        (["--token-file", "no-such-file"], "no-such-file"),
        (["--report", "no-such-run"], "no-such-run"),
        (["--workers", "0"], "workers"),
        (["--port", "70000"], "port"),
    ],
)
def test_bad_options_are_one_line(digitwise, begun, options, said):
    result = digitwise("serve", *options)
    assert result.code == 2
    assert said in result.err
    assert result.err.count("\n") == 1


def test_a_run_is_shown_by_its_report(digitwise, begun, monkeypatch, tmp_path):
    monkeypatch.setattr("digitwise.runs.Run.open", lambda path: SimpleNamespace(path=path))
    result = digitwise("serve", "--report", tmp_path)
    assert result.code == 2
    assert f"or digitwise report {tmp_path}" in result.err
    (tmp_path / "report.html").touch()
    assert digitwise("serve", "--port", 0, "--workers", 2, "--report", tmp_path).code == 0
    assert begun[0][0].report == tmp_path / "report.html"


@pytest.mark.parametrize(
    ("options", "warned"),
    [
        (["--host", "0.0.0.0", "--insecure"], True),
        (["--host", "0.0.0.0", "--token", "a-token"], False),
        (["--host", "::1"], False),
    ],
    ids=["insecure", "token", "loopback"],
)
def test_an_open_address_without_a_token_is_warned_of(digitwise, begun, options, warned):
    result = digitwise("serve", "--port", 0, *options)
    assert result.code == 0
    assert ("everybody who reaches 0.0.0.0 can use this server" in result.err) == warned


def test_an_open_address_needs_a_token_or_a_word(digitwise, begun):
    result = digitwise("serve", "--port", 0, "--host", "0.0.0.0")
    assert result.code == 2
    assert "expected a token where other machines can ask, got none" in result.err
    assert "--insecure" in result.err
    assert not begun


def test_a_browser_is_opened_when_asked_for(digitwise, begun, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    digitwise("serve", "--port", 0, "--open")
    assert opened[0].startswith("http://127.0.0.1:")
