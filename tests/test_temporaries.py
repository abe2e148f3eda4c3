"""Temporary files and folders of killed processes are removed by the next, and nothing else is."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from digitwise.cli.main import main
from digitwise.files import atomic_write, whole_file
from digitwise.outputs.single_file import held
from digitwise.temporaries import for_libraries, temporary_folder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows locks no folders")

HOLD = """
import sys, time
from pathlib import Path
from digitwise.cli.main import main
from digitwise.files import whole_file
from digitwise.temporaries import for_libraries, temporary_folder
with whole_file(Path(sys.argv[1])) as file, temporary_folder() as folder:
    (folder / "sub" / "deeper").mkdir(parents=True)
    (folder / "sub").chmod(0)
    print(file, folder, flush=True)
    time.sleep(60)
"""
OWNED = (".digitwise-notes.txt", ".r-12345678.csv", "digitwise-12345678.csv")


@pytest.fixture(autouse=True)
def room(tmp_path, monkeypatch):
    """The system's place of temporary folders, of this test alone."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path / "tmp"


@pytest.fixture
def other(tmp_path):
    """Another process that writes a file, and has a temporary folder; the two."""
    command = [sys.executable, "-c", HOLD, tmp_path / "r.csv"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process, *map(Path, process.stdout.readline().split())
        process.kill()


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_file_of_a_killed_writer_is_removed_by_the_next_in_its_folder(other, tmp_path):
    process, file, _ = other
    process.kill()
    process.wait()
    assert file.exists()
    atomic_write(tmp_path / "another.csv", "rows")
    assert names(tmp_path) == ["another.csv", "tmp"]


def test_folder_of_a_killed_process_is_removed_by_the_next_that_makes_one(other, room):
    process, _, folder = other
    process.kill()
    process.wait()
    assert folder.exists()
    with temporary_folder() as made:
        assert names(room) == [made.name]
    assert names(room) == []


def test_what_a_living_process_holds_stays(other, tmp_path):
    _, file, folder = other
    atomic_write(tmp_path / "another.csv", "rows")
    with temporary_folder():
        pass
    assert file.exists()
    assert folder.exists()


def test_lock_of_a_killed_process_goes_and_that_of_a_living_one_stays(tmp_path):
    (tmp_path / ".digitwise-dead-12345678.lock").touch()
    (tmp_path / ".digitwise.lock").touch()
    with held(tmp_path / ".digitwise-set-12345678.lock"):
        atomic_write(tmp_path / "r.csv", "rows")
        assert names(tmp_path) == [".digitwise-set-12345678.lock", "r.csv", "tmp"]


def test_two_files_are_written_at_once_in_one_folder(tmp_path):
    with whole_file(tmp_path / "one") as one:
        with whole_file(tmp_path / "two") as two:
            two.write_text("two")
        one.write_text("one")
    assert names(tmp_path) == ["one", "tmp", "two"]


def test_what_libraries_of_a_command_make_lies_in_a_folder_of_ours(room):
    with for_libraries():
        left = Path(tempfile.mkdtemp())
        with temporary_folder() as folder:
            assert folder.parent == left.parent
    assert not left.exists()
    assert tempfile.gettempdir() == str(room)


def test_command_runs_where_there_is_no_temporary_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    assert main(["recipe", "list"]) == 0
    assert "flash" in capsys.readouterr().out


def test_names_of_others_stay(tmp_path, room):
    for name in OWNED:
        (tmp_path / name).write_text("mine")
        (room / name).mkdir()
    (tmp_path / ".digitwise-set-12345678").mkdir()
    (tmp_path / ".digitwise-link-12345678").symlink_to("r.csv")
    (room / ".digitwise-0123456789abcdef").symlink_to(tmp_path)
    before = names(tmp_path), names(room)
    with whole_file(tmp_path / "r.csv"), temporary_folder():
        pass
    (tmp_path / "r.csv").unlink()
    assert (names(tmp_path), names(room)) == before


def test_folder_that_somebody_else_locks_is_written_into_all_the_same(tmp_path):
    """As the command flock does by a folder's name."""
    import fcntl

    handle = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    atomic_write(tmp_path / "r.csv", "rows")
    os.close(handle)
    assert (tmp_path / "r.csv").read_text() == "rows"


def test_disk_without_locks_removes_nothing_and_writes(tmp_path, room, monkeypatch):
    import fcntl

    def none(*_):
        raise OSError("no locks available")

    monkeypatch.setattr(fcntl, "flock", none)
    (tmp_path / ".digitwise-r-12345678.csv").write_text("left")
    with temporary_folder() as folder:
        assert names(room) == [folder.name]
    atomic_write(tmp_path / "r.csv", "rows")
    assert names(tmp_path) == [".digitwise-r-12345678.csv", "r.csv", "tmp"]


def test_folder_behind_a_link_is_swept_too(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "real" / ".digitwise-r-12345678.csv").write_text("left")
    atomic_write(tmp_path / "link" / "r.csv", "rows")
    assert names(tmp_path / "real") == ["r.csv"]
