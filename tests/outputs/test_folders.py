"""Folders that are replaced as a whole: only what digitwise made goes."""

import os
import shutil

import pytest

from digitwise import outputs, runs
from digitwise.errors import DataError, RunError
from digitwise.outputs import MARKER, Kind, check_folder, claimed, new_folder, together, write
from digitwise.runs import RUN

SET, REPORT = Kind("set", "an earlier set"), Kind("report", "an earlier report")


def make(place, content="old"):
    with claimed(place, SET), new_folder(place, SET) as new:
        (new / "a.txt").write_text(content)
        (new / "sub" / "empty").mkdir(parents=True)
        (new / "sub" / "b.txt").write_text(content)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_folder_of_digitwise_s_making_is_replaced(tmp_path):
    make(tmp_path / "set")
    write(tmp_path / "set" / "later.txt", SET, "later")
    make(tmp_path / "set", "new")
    assert names(tmp_path) == ["set"]
    assert names(tmp_path / "set") == [MARKER, "a.txt", "sub"]
    assert (tmp_path / "set" / "sub" / "b.txt").read_text() == "new"


def test_empty_folder_is_taken(tmp_path):
    (tmp_path / "set").mkdir()
    make(tmp_path / "set")
    assert (tmp_path / "set" / "a.txt").exists()


PUT = {
    "file": lambda place: (place / "mine.txt").write_text("mine"),
    "hidden file": lambda place: (place / ".mine").write_text("mine"),
    "file in a folder": lambda place: (place / "sub" / "mine.txt").write_text("mine"),
    "empty folder": lambda place: (place / "mine").mkdir(),
    "link": lambda place: (place / "mine").symlink_to("/"),
    "link to nothing": lambda place: (place / "mine").symlink_to("nowhere"),
    "pipe": lambda place: os.mkfifo(place / "mine"),
}


@pytest.mark.parametrize("put", PUT.values(), ids=PUT)
def test_anything_else_in_it_is_named_and_all_stays(tmp_path, put):
    make(tmp_path / "set")
    put(tmp_path / "set")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(
        DataError, match=r"set: expected a new name or an earlier set to replace, got a folder with .*mine"
    ):
        make(tmp_path / "set", "new")
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "set" / "a.txt").read_text() == "old"


def test_file_that_was_changed_is_named_and_all_stays(tmp_path):
    make(tmp_path / "set")
    (tmp_path / "set" / "sub" / "b.txt").write_text("corrected")
    with pytest.raises(DataError, match=r"sub/b\.txt, which was changed since"):
        make(tmp_path / "set", "new")
    assert (tmp_path / "set" / "sub" / "b.txt").read_text() == "corrected"


def test_file_that_appears_while_a_folder_is_made_stays(tmp_path):
    make(tmp_path / "set")
    with (
        pytest.raises(DataError, match=r"mine\.txt"),
        claimed(tmp_path / "set", SET),
        new_folder(tmp_path / "set", SET),
    ):
        (tmp_path / "set" / "mine.txt").write_text("mine")
    assert names(tmp_path / "set") == [MARKER, "a.txt", "mine.txt", "sub"]
    assert names(tmp_path) == ["set"]


def test_file_that_appears_in_the_last_moment_is_kept_and_named(tmp_path, monkeypatch):
    make(tmp_path / "set")
    exchange = outputs.folders.exchange

    def late(new, place):
        (place / "mine.txt").write_text("mine")
        return exchange(new, place)

    monkeypatch.setattr(outputs.folders, "exchange", late)
    with pytest.raises(DataError, match=r"mine\.txt: expected nothing but what digitwise wrote"):
        make(tmp_path / "set", "new")
    assert [path.read_text() for path in tmp_path.rglob("mine.txt")] == ["mine"]
    assert (tmp_path / "set" / "a.txt").read_text() == "new"


def test_folder_of_another_kind_is_left(tmp_path):
    make(tmp_path / "set")
    with pytest.raises(RunError, match=r"expected a new name or a run folder to replace, got a folder of another kind"):
        check_folder(tmp_path / "set", RUN)


def test_folder_that_digitwise_only_wrote_into_is_not_its_own(tmp_path):
    write(tmp_path / "doc" / "rows.csv", REPORT, "rows")
    with pytest.raises(DataError, match="got a folder of another kind"):
        make(tmp_path / "doc")


def test_several_things_are_all_replaced_or_none(tmp_path):
    make(tmp_path / "figures")
    (tmp_path / "page.json").write_text("mine")
    files = {"page": (tmp_path / "page.html", REPORT), "numbers": (tmp_path / "page.json", REPORT)}
    place = tmp_path / "page.html"
    with (
        pytest.raises(DataError, match=r"page\.json: .* did not write"),
        together(place, REPORT, files, {"figures": (tmp_path / "figures", SET)}),
    ):
        raise AssertionError("it began")
    assert names(tmp_path) == ["figures", "page.json"]
    assert (tmp_path / "figures" / "a.txt").read_text() == "old"


@pytest.fixture
def old_run(trained, tmp_path):
    """A run folder as versions left it that kept no list."""
    run = shutil.copytree(trained, tmp_path / "run")
    (run / MARKER).unlink()
    return run


def test_run_folder_without_a_list_is_read_and_replaced(old_run):
    runs.Run.open(old_run).predictions("test")
    assert not (old_run / MARKER).exists()
    partial = runs.begin(old_run, resume=False)
    shutil.copy(old_run / "run.json", partial)
    runs.finish(partial, old_run)
    assert names(old_run) == [MARKER, "run.json"]
    assert names(old_run.parent) == ["run"]


@pytest.mark.parametrize("mine", ["notes.md", "photo.png", "src/main.py", "saved-model/mine.txt", "model.txt"])
def test_run_folder_without_a_list_that_holds_more_is_left(old_run, mine):
    (old_run / mine).parent.mkdir(exist_ok=True)
    (old_run / mine).write_text("mine")
    with pytest.raises(RunError, match=f"{mine.partition('/')[0]}.*which digitwise did not write"):
        runs.begin(old_run, resume=False)
    runs.Run.open(old_run).note_test_read("a test")  # from which on it has a list
    with pytest.raises(RunError, match=f"{mine.partition('/')[0]}.*which digitwise did not write"):
        runs.begin(old_run, resume=False)
    assert (old_run / mine).read_text() == "mine"


def test_folder_with_a_run_json_of_somebody_else_is_no_run(tmp_path):
    (tmp_path / "project" / "src").mkdir(parents=True)
    (tmp_path / "project" / "run.json").write_text('{"format": 1, "recipe": {"name": "soup"}}')
    with pytest.raises(RunError, match=r"got a folder with run\.json, which digitwise did not write"):
        runs.begin(tmp_path / "project", resume=False)


def test_what_a_killed_training_left_is_cleared_but_for_the_owner_s(trained, tmp_path):
    partial = tmp_path / ".run.partial"
    shutil.copytree(trained, partial)
    runs.begin(tmp_path / "run", resume=False)
    assert names(partial) == []
    (partial / "checkpoint-0.npz").write_bytes(b"state")
    (partial / "notes.md").write_text("mine")
    with pytest.raises(RunError, match=r"notes\.md: expected nothing but what digitwise wrote"):
        runs.begin(tmp_path / "run", resume=True)
    assert names(partial) == ["checkpoint-0.npz", "notes.md"]
