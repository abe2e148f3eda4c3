"""One writer a place: the second is refused by name; a dead one is in nobody's way."""

import errno
import os
import subprocess
import sys
import threading
import time

import pytest

from digitwise import unfinished
from digitwise.errors import RunError
from digitwise.outputs import claimed, waiting_for
from digitwise.runs import RUN

HOLD = """
import sys, time
from pathlib import Path
from digitwise.outputs import claimed
from digitwise.runs import RUN
with claimed(Path(sys.argv[1]), RUN):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def other(tmp_path):
    """Another process that writes to the place."""
    command = [sys.executable, "-c", HOLD, tmp_path / "run"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_second_training_into_one_place_is_refused_by_name(other, tmp_path):
    with (
        pytest.raises(
            RunError, match=r"run: expected to write there alone, got another digitwise .* choose another out"
        ),
        unfinished.building(tmp_path / "run", resume=False),
    ):
        raise AssertionError("it began")


def test_what_another_training_has_begun_is_not_abandoned(other, tmp_path):
    (tmp_path / ".run.partial").mkdir()
    unfinished.abandon(tmp_path / "run")
    assert (tmp_path / ".run.partial").exists()


def test_killed_writer_is_in_nobody_s_way(other, tmp_path):
    other.kill()
    other.wait()
    with claimed(tmp_path / "run", RUN):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("inside", [False, True], ids=["beside", "inside"])
def test_of_many_that_begin_at_once_one_wins(tmp_path, inside):
    begun, won, refused = threading.Barrier(8), [], []

    def begin():
        begun.wait()
        try:
            with claimed(tmp_path / "run", RUN, inside=inside):
                won.append(1)
                time.sleep(0.3)
        except RunError:
            refused.append(1)

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(refused)) == (1, 7)
    assert list(tmp_path.iterdir()) == []


def test_waiting_writers_come_one_after_another(tmp_path):
    (tmp_path / "count").write_text("0")

    def add():
        for _ in range(20):
            with waiting_for(tmp_path / "count"):
                (tmp_path / "count").write_text(str(int((tmp_path / "count").read_text()) + 1))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "count").read_text() == "80"


def test_disk_without_locks_is_told_by_name(tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")

    def none(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", none)
    with pytest.raises(OSError, match=r"No locks available: .*\.digitwise-run\.lock"), claimed(tmp_path / "run", RUN):
        raise AssertionError("it began")
