"""Folders that are replaced as a whole: only what digitwise made goes."""

import ctypes
import errno
import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from digitwise import outputs, runs, unfinished
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


def test_what_a_killed_command_left_in_it_is_in_nobody_s_way(tmp_path):
    make(tmp_path / "set")
    staged = tmp_path / "set" / ".digitwise-report.html.new"
    (staged / "figures").mkdir(parents=True)
    for name in ("page", "figures/map.png"):
        (staged / name).write_text("half")
    (tmp_path / "set" / ".digitwise-notes").mkdir()
    (tmp_path / "set" / ".digitwise-notes" / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match=r"got a folder with \.digitwise-notes/mine\.txt, which digitwise did not"):
        make(tmp_path / "set", "new")
    shutil.rmtree(tmp_path / "set" / ".digitwise-notes")
    make(tmp_path / "set", "new")
    assert names(tmp_path / "set") == [MARKER, "a.txt", "sub"]
    assert names(tmp_path) == ["set"]


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
    partial = unfinished.begin(old_run, resume=False)
    shutil.copy(old_run / "run.json", partial)
    unfinished.finish(partial, old_run)
    assert names(old_run) == [MARKER, "run.json"]
    assert names(old_run.parent) == ["run"]


@pytest.mark.parametrize("mine", ["notes.md", "photo.png", "src/main.py", "saved-model/mine.txt", "model.txt"])
def test_run_folder_without_a_list_that_holds_more_is_left(old_run, mine):
    (old_run / mine).parent.mkdir(exist_ok=True)
    (old_run / mine).write_text("mine")
    with pytest.raises(RunError, match=f"{mine.partition('/')[0]}.*which digitwise did not write"):
        unfinished.begin(old_run, resume=False)
    runs.Run.open(old_run).note_test_read("a test")  # from which on it has a list
    with pytest.raises(RunError, match=f"{mine.partition('/')[0]}.*which digitwise did not write"):
        unfinished.begin(old_run, resume=False)
    assert (old_run / mine).read_text() == "mine"


def test_folder_with_a_run_json_of_somebody_else_is_no_run(tmp_path):
    (tmp_path / "project" / "src").mkdir(parents=True)
    (tmp_path / "project" / "run.json").write_text('{"format": 1, "recipe": {"name": "soup"}}')
    with pytest.raises(RunError, match=r"got a folder with run\.json, which digitwise did not write"):
        unfinished.begin(tmp_path / "project", resume=False)


def test_what_a_killed_training_left_is_cleared_but_for_the_owner_s(trained, tmp_path):
    partial = tmp_path / ".run.partial"
    shutil.copytree(trained, partial)
    unfinished.begin(tmp_path / "run", resume=False)
    assert names(partial) == []
    (partial / "checkpoint-0.npz").write_bytes(b"state")
    (partial / "notes.md").write_text("mine")
    with pytest.raises(RunError, match=r"notes\.md: expected nothing but what digitwise wrote"):
        unfinished.begin(tmp_path / "run", resume=True)
    assert names(partial) == ["checkpoint-0.npz", "notes.md"]


def test_run_cut_off_in_a_folder_of_digitwise_s_making_goes_with_it_but_for_the_owner_s(trained, tmp_path):
    """As the best run of a sweep that is killed while it is recorded."""
    make(tmp_path / "set")
    shutil.copytree(trained, tmp_path / "set" / ".best.partial")
    (tmp_path / "set" / ".best.partial" / MARKER).unlink(missing_ok=True)
    (tmp_path / "set" / ".best.partial" / "notes.md").write_text("mine")
    with pytest.raises(DataError, match=r"\.best\.partial/notes\.md, which digitwise did not write"):
        make(tmp_path / "set", "new")
    (tmp_path / "set" / ".best.partial" / "notes.md").unlink()
    make(tmp_path / "set", "new")
    assert names(tmp_path / "set") == [MARKER, "a.txt", "sub"]


def put(place):
    """A report: a page, and a folder of figures beside it."""
    files, folders = {"page": (place, REPORT)}, {"figures": (place.with_name("figures"), SET)}
    with claimed(place, REPORT), together(place, REPORT, files, folders) as made:
        (made / "page").write_text("new")
        (made / "figures").mkdir()
        (made / "figures" / "labels.csv").write_text("new")


@pytest.fixture
def cut_off(tmp_path, monkeypatch):
    """A report that was killed when its plan was there and nothing in its place."""

    class Killed(BaseException):
        pass

    def killed(*_):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(outputs.folders, "_carry_out", killed)
        with pytest.raises(Killed):
            put(tmp_path / "page.html")
    assert names(tmp_path) == [".digitwise-page.html.new", MARKER]
    return tmp_path / "page.html"


def test_folder_that_appeared_after_a_report_was_cut_off_stays(cut_off):
    mine = cut_off.with_name("figures") / "labels.csv"  # also the name of a file of a run
    mine.parent.mkdir()
    mine.write_text("mine")
    with pytest.raises(DataError, match=r"figures: .* got a folder with labels\.csv, which digitwise did not write"):
        put(cut_off)
    assert mine.read_text() == "mine"
    mine.unlink()
    put(cut_off)
    assert mine.read_text() == "new"
    assert names(cut_off.parent) == [MARKER, "figures", "page.html"]


def test_link_that_appeared_after_a_report_was_cut_off_stays(cut_off, tmp_path):
    make(tmp_path / "archive")
    (tmp_path / "figures").symlink_to(tmp_path / "archive")
    with pytest.raises(DataError, match=r"figures: expected a new name or .* got a link"):
        put(cut_off)
    assert (tmp_path / "figures").is_symlink()
    assert (tmp_path / "archive" / "a.txt").read_text() == "old"


@pytest.mark.parametrize(
    "plan",
    [
        "",
        "[1]",
        '{"page": 1}',
        "[" * 100_000,
        json.dumps({"../mine": "stolen"}),
        json.dumps({"page": "../../stolen"}),
        json.dumps({"page": "/tmp/stolen"}),
    ],
    ids=["empty", "list", "number", "deep", "from outside", "to outside", "absolute"],
)
def test_plan_that_is_none_is_named_and_nothing_moves(cut_off, tmp_path, plan):
    (tmp_path / "mine").write_text("mine")
    (tmp_path / ".digitwise-page.html.new" / "plan.json").write_text(plan)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(DataError, match=r"plan\.json: expected digitwise's plan of what goes where, got another"):
        put(cut_off)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("link", [".digitwise-set.new", ".digitwise-set.old", ".set.old"])
def test_what_a_link_under_a_temporary_name_points_to_stays(tmp_path, link):
    make(tmp_path / "archive")
    make(tmp_path / "set")
    (tmp_path / link).symlink_to(tmp_path / "archive")
    try:
        make(tmp_path / "set", "new")
    except DataError as error:
        assert "got a link; move it" in str(error)  # noqa: PT017  # it may be passed over too
    assert (tmp_path / link).is_symlink()
    assert (tmp_path / "archive" / "a.txt").read_text() == "old"


def test_run_that_a_link_under_a_temporary_name_points_to_stays(trained, tmp_path):
    shutil.copytree(trained, tmp_path / "archive")
    (tmp_path / ".run.partial").symlink_to("archive")
    with pytest.raises(RunError, match=r"\.run\.partial: expected a folder that digitwise made, got a link"):
        unfinished.begin(tmp_path / "run", resume=False)
    assert names(tmp_path / "archive") == names(trained)


def test_folder_that_the_owner_put_aside_stays(tmp_path):
    make(tmp_path / "set")
    (tmp_path / "set").rename(tmp_path / ".set.old")
    for _ in range(2):
        make(tmp_path / "set", "new")
    assert (tmp_path / ".set.old" / "a.txt").read_text() == "old"


def test_folder_that_is_write_protected_is_named_before_the_work(tmp_path, monkeypatch):
    make(tmp_path / "set")
    access = os.access  # root may write everywhere
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path / "set" and access(path, mode))
    with (
        pytest.raises(DataError, match=r"set: expected a new name .* got a folder that may not be written to"),
        claimed(tmp_path / "set", SET),
        new_folder(tmp_path / "set", SET),
    ):
        raise AssertionError("it began")
    assert (tmp_path / "set" / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["set"]


def test_container_that_forbids_the_exchange_gets_renames(tmp_path, monkeypatch):
    make(tmp_path / "set")

    def forbidden(*_):
        ctypes.set_errno(errno.EPERM)
        return -1

    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: SimpleNamespace(renameat2=forbidden))
    make(tmp_path / "set", "new")
    assert (tmp_path / "set" / "a.txt").read_text() == "new"
    assert names(tmp_path) == ["set"]


def test_root_of_the_disk_is_refused_by_name():
    with pytest.raises(RunError, match=r"^/: expected a new name or a run folder to replace, got a folder with"):
        unfinished.begin(Path("/"), resume=False)


def test_full_disk_names_the_place(tmp_path):
    with (
        pytest.raises(OSError, match="No space left") as full,
        claimed(tmp_path / "set", SET),
        new_folder(tmp_path / "set", SET),
    ):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert full.value.filename == str(tmp_path / "set")
