"""The bar of a call from Python: one, on a terminal and in a notebook, once the call has taken a while."""

import functools
import threading
import time

import numpy as np
import pytest
from PIL import Image

import digitwise
from digitwise import progress
from digitwise.cli.main import main
from digitwise.data import download
from digitwise.data.sources import Source, SourceFile
from digitwise.progress import DownloadBar, each_of, say, showing, silently
from tests.templates import printed

BAR = "━"


@pytest.fixture
def at_once(monkeypatch):
    """A bar is drawn as soon as the work says how far it is."""
    monkeypatch.setattr(progress, "DELAY", 0.0)
    monkeypatch.setattr(progress, "STEP", 0.0)


@pytest.fixture
def no_terminal(monkeypatch, capsys):
    for name in ("TTY_COMPATIBLE", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return lambda: capsys.readouterr().err


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Printed digits as images in a folder for each class."""
    place = tmp_path_factory.mktemp("scans")
    for digit in "247":
        (place / digit).mkdir()
        for size in (40, 50, 60):
            printed(digit, size).save(place / digit / f"{size}.png")
    return place


@pytest.fixture(scope="module")
def reader(model_file):
    return digitwise.Reader(model_file)


def answers(rows):
    """A model that takes images as they are stored, and tells them apart by their sums."""
    return np.eye(3)[np.asarray(rows, np.float64).reshape(len(rows), -1).sum(axis=1).astype(int) % 3]


def scans():
    return [np.asarray(printed(digit, 50).resize((60, 80))) for digit in "247"]


def calibrate(out, model_file, **how):
    labels = [digit for digit in "247" for _ in range(40, 56)]
    forms = digitwise.normalize([printed(digit, size) for digit in "247" for size in range(40, 56)], progress=False)
    given = [Image.fromarray(form) for form in forms], labels
    digitwise.calibrate(given, model_file, max_error=0.3, out=out / "mine.onnx", **how)


@pytest.fixture(
    params=[
        "load",
        "normalize in memory",
        "normalize a folder",
        "evaluate",
        "evaluate a reader",
        "compare",
        "report",
        "calibrate",
        "read a list",
        "read a stack",
    ]
)
def call(request, folder, small, reader, model_file, tmp_path, monkeypatch):
    """A public function, all its arguments but ``progress``."""
    monkeypatch.setattr("digitwise.workflows.report.write_report", lambda *given: None)  # which takes seconds
    calls = {
        "load": functools.partial(digitwise.load, folder),
        "normalize in memory": functools.partial(digitwise.normalize, scans()),
        "normalize a folder": functools.partial(digitwise.normalize, folder, tmp_path / "out"),
        "evaluate": functools.partial(digitwise.evaluate, answers, small),
        "evaluate a reader": functools.partial(digitwise.evaluate, reader, (np.stack(scans()), list("247"))),
        "compare": functools.partial(digitwise.compare, answers, lambda rows: answers(rows)[:, ::-1], data=small),
        "report": functools.partial(digitwise.report, answers, tmp_path / "report.html", data=small),
        "calibrate": functools.partial(calibrate, tmp_path, model_file),
        "read a list": functools.partial(reader.read, scans()),
        "read a stack": functools.partial(reader.read, np.stack(scans())),
    }
    return calls[request.param]


def test_public_functions_show_a_bar_on_a_terminal_and_none_where_it_is_not_wanted(call, at_once, terminal):
    call(progress=False)
    assert terminal() == ""
    call()
    assert BAR in terminal()


def test_public_functions_are_silent_elsewhere_unless_it_is_asked_for(call, at_once, no_terminal):
    call()
    assert no_terminal() == ""
    call(progress=True)
    assert BAR in no_terminal()


def test_check_and_training_read_their_data_in_silence_where_no_bar_is_wanted(folder, at_once, terminal):
    digitwise.check(folder, select=["DW010"], progress=False)
    assert terminal() == ""
    digitwise.check(folder, select=["DW010"])
    assert "reading the images" in terminal()


def test_a_short_call_shows_nothing(terminal, folder, reader):
    digitwise.load(folder)
    reader.read(scans()[:2])
    with showing(True, "counting"):
        assert list(each_of([1, 2, 3], "counting")) == [1, 2, 3]
    assert terminal() == ""


def test_work_that_says_nothing_for_long_has_a_bar_too(terminal, monkeypatch):
    monkeypatch.setattr(progress, "DELAY", 0.01)
    until = time.monotonic() + 30
    with showing(None, "thinking"):
        while BAR not in terminal() and time.monotonic() < until:
            time.sleep(0.02)
    assert "thinking" in terminal()
    assert terminal().endswith("\x1b[2K")  # it goes


def test_the_bar_moves_with_the_outermost_parts(at_once, terminal):
    with showing(None, "working"):
        for _ in each_of(range(4), "outside"):
            assert list(each_of([1, 2], "inside")) == [1, 2]
            say("inside")
    assert "outside" in terminal()
    assert "inside" not in terminal()


def test_a_call_inside_another_one_moves_its_bar_and_is_silent_where_that_is(at_once, terminal):
    with silently(), showing(None, "inner"):
        say("inner")
        assert each_of([1, 2], "inner") == [1, 2]
    assert terminal() == ""
    with showing(None, "outer"), showing(None, "inner"):
        say("further")
        with showing(False, "hidden"):
            say("hidden")
    assert terminal().count("\x1b[?25l") == 1  # one bar: the cursor is hidden once
    assert "hidden" not in terminal()
    assert each_of([1], "outside of any call") == [1]


def test_the_bar_goes_whatever_happens(at_once, terminal):
    with pytest.raises(ZeroDivisionError), showing(None, "working"):
        [1 / number for number in each_of(range(3), "dividing")]
    assert "dividing" in terminal()
    assert terminal().endswith("\x1b[2K")
    with showing(None, "working again"):
        say("working again")
    assert "working again" in terminal()


def test_calls_in_several_threads_share_one_terminal(at_once, terminal):
    def other():
        with showing(None, "second"):
            say("second")

    with showing(None, "first"):
        say("first")
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert "first" in terminal()
    assert "second" not in terminal()


def test_a_notebook_has_the_bar_too(at_once, notebook):
    with showing(None, "working"):
        for _ in each_of(range(3), "counting"):
            pass
        assert "counting" in notebook[-1]._repr_mimebundle_([], [])["text/html"]
    assert notebook[-1].data == ""


def test_what_is_printed_stays_on_a_piped_stdout(at_once, monkeypatch, capsys):
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    with showing(None, "working"):
        say("working")
        print("a result")
    told = capsys.readouterr()
    assert told.out == "a result\n"
    assert "a result" not in told.err


def served(monkeypatch, tmp_path, content):
    """A source whose file comes from a mirror of this test, by the interface that pooch has for bars."""
    monkeypatch.setenv("DIGITWISE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(download, "_answers", lambda mirror: True)

    def retrieve(url, known_hash, fname, path, downloader):
        bar = downloader.progressbar
        bar.total = len(content)
        for start in range(0, len(content), 1024):
            bar.update(min(1024, len(content) - start))
        (path / fname).write_bytes(content)
        bar.reset()
        bar.update(len(content))
        bar.close()

    monkeypatch.setattr("pooch.retrieve", retrieve)
    return Source("set", "A set", "none", ("http://mirror.invalid/",), (SourceFile("a-ubyte", sha256=""),))


def test_a_download_moves_the_bar_of_the_call(at_once, terminal, monkeypatch, tmp_path):
    source = served(monkeypatch, tmp_path, bytes(2_500_000))
    with silently():
        download.fetch(source)
    assert terminal() == ""
    (tmp_path / "cache" / "set" / "a-ubyte").unlink()
    with showing(None, "reading the data"):
        download.fetch(source)
    assert "fetching" in terminal()
    assert "of 2.5 MB" in terminal()


def test_load_downloads_with_a_bar_and_tells_another_one_if_given(at_once, terminal, monkeypatch):
    told = []
    monkeypatch.setattr("digitwise.data.locate", lambda named: None)

    def fetch(named, progress):
        bar = progress or DownloadBar()
        bar.total = 3_000_000
        bar.update(1_000_000)
        told.append(progress)
        raise digitwise.DataNotFoundError("no mirror")

    monkeypatch.setattr("digitwise.data.fetch", fetch)
    own = DownloadBar()
    for given, drawn in ((False, False), (own, False), (None, True)):
        with pytest.raises(digitwise.DataNotFoundError):
            digitwise.load("mnist", progress=given)
        assert ("1.0 of 3.0 MB" in terminal()) == drawn
    assert told == [None, own, None]


def test_commands_have_their_own_bars_only(at_once, terminal, folder, model_file, tmp_path):
    assert main(["data", "normalize", "-q", str(folder), "--out", str(tmp_path / "quiet")]) == 0
    assert terminal() == ""
    assert main(["data", "normalize", str(folder), "--out", str(tmp_path / "out")]) == 0
    assert terminal().count("\x1b[?25l") == 1
    assert main(["evaluate", "--reader", str(tmp_path / "out"), "--model", str(model_file), "--json"]) == 0
    assert terminal().count("\x1b[?25l") == 2
    assert (tmp_path / "out" / "2" / "40.png").is_file()


@pytest.mark.parametrize("quiet", [True, False])
def test_a_download_of_a_command_shows_no_bar_where_only_results_are_asked_for(quiet, at_once, terminal, monkeypatch):
    def fetch(named, progress):
        progress.total = 3_000_000
        progress.update(1_000_000)
        progress.close()
        raise digitwise.DataNotFoundError("no mirror")

    monkeypatch.setattr("digitwise.data.locate", lambda named: None)
    monkeypatch.setattr("digitwise.data.fetch", fetch)
    assert main(["data", "show", "mnist", "--json", *["-q"] * quiet]) == 2
    assert ("\x1b[?25l" in terminal()) == (not quiet)  # the cursor is hidden while there is a bar
