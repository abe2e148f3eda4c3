"""Single files: which are replaced, and which are in the way."""

import errno
import json
import os
import threading

import pytest

from digitwise.errors import DataError
from digitwise.outputs import (
    MARKER,
    Kind,
    check_file,
    new_file,
    output_file,
    remove_file,
    single_file,
    updated_file,
    write,
)
from digitwise.outputs.single_file import listed

ROWS, PAGE = Kind("rows", "earlier rows"), Kind("page", "an earlier page")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_file_is_replaced_by_its_own_kind(tmp_path):
    for content in ("one", "two", "three"):
        write(tmp_path / "r.csv", ROWS, content)
    assert (tmp_path / "r.csv").read_text() == "three"
    assert names(tmp_path) == [MARKER, "r.csv"]


def test_file_of_the_owner_s_is_named_and_left(tmp_path):
    (tmp_path / "r.csv").write_text("mine")
    with pytest.raises(DataError, match=r"r\.csv: expected a new name or earlier rows to replace, got a file which"):
        write(tmp_path / "r.csv", ROWS, "rows")
    assert (tmp_path / "r.csv").read_text() == "mine"
    assert names(tmp_path) == ["r.csv"]


def test_file_that_was_changed_is_the_owner_s(tmp_path):
    write(tmp_path / "r.csv", ROWS, "rows")
    (tmp_path / "r.csv").write_text("rows, corrected by hand")
    with pytest.raises(DataError, match="changed since digitwise wrote it"):
        write(tmp_path / "r.csv", ROWS, "rows")
    with pytest.raises(DataError, match="changed since digitwise wrote it"):
        remove_file(tmp_path / "r.csv", ROWS)
    assert (tmp_path / "r.csv").read_text() == "rows, corrected by hand"


def test_file_of_another_kind_is_left(tmp_path):
    write(tmp_path / "run.json", PAGE, "page")
    with pytest.raises(DataError, match=r"another file that digitwise wrote \(page\)"):
        write(tmp_path / "run.json", ROWS, "rows")
    assert (tmp_path / "run.json").read_text() == "page"


@pytest.mark.parametrize("target", ["there.csv", "nowhere.csv"])
def test_link_is_the_owner_s(tmp_path, target):
    (tmp_path / "there.csv").write_text("mine")
    (tmp_path / "r.csv").symlink_to(target)
    with pytest.raises(DataError, match="got a link which digitwise did not write"):
        write(tmp_path / "r.csv", ROWS, "rows")
    assert os.readlink(tmp_path / "r.csv") == target


def test_file_that_appears_while_another_is_written_stays(tmp_path):
    with pytest.raises(DataError, match="did not write"), output_file(tmp_path / "r.csv", ROWS):
        (tmp_path / "r.csv").write_text("mine")
    assert (tmp_path / "r.csv").read_text() == "mine"
    assert names(tmp_path) == ["r.csv"]


def test_file_that_is_brought_up_to_date_may_have_been_changed(tmp_path):
    write(tmp_path / "labels.csv", ROWS, "undecided")
    (tmp_path / "labels.csv").write_text("decided")
    with updated_file(tmp_path / "labels.csv", ROWS) as temporary:
        temporary.write_text("decided and more")
    check_file(tmp_path / "labels.csv", ROWS)


def test_new_file_takes_no_place_that_is_taken(tmp_path):
    (tmp_path / "n.ipynb").symlink_to("nowhere")
    with pytest.raises(DataError, match="somebody's work"), new_file(tmp_path / "n.ipynb", PAGE):
        pass
    assert (tmp_path / "n.ipynb").is_symlink()


LISTS = {
    "empty": "",
    "no format": "{}",
    "list": "[1]",
    "later format": '{"format": 2}',
    "no entry": '{"format": 1, "files": {"a": 1}}',
    "deep": "[" * 100_000,
    "any content": '{"format": 1, "folder": "", "folders": [], "files": {"r.csv": {"kind": "rows", "sha256": []}}}',
}


@pytest.mark.parametrize("content", LISTS.values(), ids=LISTS)
def test_list_that_is_none_is_named_and_left(tmp_path, content):
    (tmp_path / MARKER).write_text(content)
    (tmp_path / "r.csv").write_text("mine")
    with pytest.raises(DataError, match=r"\.digitwise\.json: expected digitwise's list"):
        write(tmp_path / "r.csv", ROWS, "rows")
    with pytest.raises(DataError, match=r"\.digitwise\.json: expected digitwise's list"):
        write(tmp_path / "other.csv", ROWS, "rows")
    assert (tmp_path / MARKER).read_text() == content
    assert names(tmp_path) == [MARKER, "r.csv"]


def test_pipe_that_is_called_as_the_list_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / MARKER)
    with pytest.raises(DataError, match=r"\.digitwise\.json: expected digitwise's list"):
        write(tmp_path / "r.csv", ROWS, "rows")


def test_file_that_appears_while_another_writes_to_the_list_stays(tmp_path, monkeypatch):
    def late(path, *_):
        listed(path, *_)
        path.write_text("mine")

    monkeypatch.setattr(single_file, "listed", late)
    with pytest.raises(DataError, match="changed since digitwise wrote it"):
        write(tmp_path / "r.csv", ROWS, "rows")
    assert (tmp_path / "r.csv").read_text() == "mine"


def test_full_disk_names_the_file(tmp_path):
    with pytest.raises(OSError, match="No space left") as full, output_file(tmp_path / "r.csv", ROWS):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert full.value.filename == str(tmp_path / "r.csv")
    assert names(tmp_path) == []


def test_second_writer_of_a_file_is_refused_and_the_first_wins(tmp_path):
    with output_file(tmp_path / "r.csv", ROWS) as temporary:
        temporary.write_text("first")
        with pytest.raises(DataError, match=r"r\.csv: expected to write there alone, got another digitwise"):
            write(tmp_path / "r.csv", ROWS, "second")
    assert (tmp_path / "r.csv").read_text() == "first"
    assert names(tmp_path) == [MARKER, "r.csv"]


def test_files_written_side_by_side_are_all_on_the_list(tmp_path):
    def some(start):
        for number in range(start, start + 10):
            write(tmp_path / f"{number}.csv", ROWS, str(number))

    threads = [threading.Thread(target=some, args=(start,)) for start in range(0, 40, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    listed = json.loads((tmp_path / MARKER).read_text())["files"]
    assert sorted(listed) == sorted(f"{number}.csv" for number in range(40))
