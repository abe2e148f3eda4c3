import stat
import time

import pytest

pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """A browser that writes down what it is asked to open; a function that waits for it."""
    note, browser = tmp_path / "opened", tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >> {note}\n')
    browser.chmod(browser.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("BROWSER", f"{browser} %s")
    monkeypatch.setattr("webbrowser._tryorder", None)  # found once in a process

    def told():
        deadline = time.monotonic() + 60
        while not note.exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return note.read_text().split()

    return told


def test_check_opens_its_page(digitwise, opened, tmp_path):
    assert digitwise("check", "digits", "--select", "DW00", "--out", tmp_path / "check", "--open").code == 0
    assert opened() == [(tmp_path / "check" / "index.html").as_uri()]


def test_report_opens_its_page(digitwise, opened, trained, tmp_path):
    assert digitwise("report", trained, "--out", tmp_path / "report.html", "--open").code == 0
    assert opened() == [(tmp_path / "report.html").as_uri()]


def test_train_writes_the_report_too_and_opens_it(digitwise, opened, tmp_path):
    quick = ("--data", "digits", "--epochs", 1, "--precision", "float32", "--out", tmp_path / "run")
    result = digitwise("train", "flash", *quick, "--open")
    assert result.code == 0, result.err
    assert opened() == [(tmp_path / "run" / "report.html").as_uri()]
    assert (tmp_path / "run" / "report.html").stat().st_size > 100_000


def test_without_a_browser_the_page_is_named(digitwise, tmp_path, monkeypatch):
    monkeypatch.setattr("webbrowser.open", lambda url: False)
    result = digitwise("check", "digits", "--select", "DW00", "--out", tmp_path / "check", "--open")
    assert result.err.endswith(f"no browser was found; open {tmp_path / 'check' / 'index.html'}\n")
