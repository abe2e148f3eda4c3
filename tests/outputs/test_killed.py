"""A replacement that is killed at each of its renames: the next start has the old or the new, whole."""

import shutil
import subprocess
import sys

import pytest

from digitwise import outputs, runs, unfinished
from digitwise.outputs import Kind
from digitwise.runs import RUN

KILLED = 9
SET, REPORT = Kind("set", "an earlier set"), Kind("report", "an earlier report")

SCRIPT = """
import os, sys
from pathlib import Path
from digitwise import outputs, runs
from digitwise.outputs import folders
from tests.outputs.test_killed import WRITERS

name, place, left, can = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "exchange"

def mortal(function):
    def call(*arguments, **more):
        global left
        if left == 0:
            os._exit(9)
        left -= 1
        return function(*arguments, **more)
    return call

os.rename, os.replace = mortal(os.rename), mortal(os.replace)
folders.exchange = mortal(folders.exchange) if can else (lambda *_: False)
WRITERS[name](place, "new")
"""


def write_run(place, content):
    partial = unfinished.begin(place, resume=False)
    for name in ("run.json", "model.keras", "checkpoint-0.npz"):
        (partial / name).write_text(content)
    outputs.put_folder(partial, place, RUN)


def write_set(place, content):
    with outputs.claimed(place, SET), outputs.new_folder(place, SET) as new:
        (new / "sub").mkdir()
        for name in ("a.txt", "sub/b.txt"):
            (new / name).write_text(content)


def write_file(place, content):
    outputs.write(place, REPORT, content)


def write_report(place, content):
    place.parent.mkdir(exist_ok=True)
    files = {name: (place.with_suffix(f".{name}"), REPORT) for name in ("html", "json")}
    folders = {"figures": (place.with_name("figures"), SET)}
    with outputs.claimed(place, REPORT), outputs.together(place, REPORT, files, folders) as made:
        for name in files:
            (made / name).write_text(content)
        (made / "figures").mkdir()
        (made / "figures" / "a.png").write_text(content)


WRITERS = {"run": write_run, "set": write_set, "file": write_file, "report": write_report}


def start_again(name, place):
    """What the next start does before it does anything else."""

    class BrokenError(Exception):
        pass

    try:
        if name == "run":
            unfinished.begin(place, resume=False)
        elif name == "set":
            with outputs.claimed(place, SET), outputs.new_folder(place, SET):
                raise BrokenError
        elif name == "report":
            with outputs.claimed(place, REPORT), outputs.together(place, REPORT, {}, {}):
                raise BrokenError
    except BrokenError:
        pass


def contents(folder):
    """Text of all files but lists and what is hidden, by name."""
    hidden = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
    return {path.relative_to(folder).as_posix(): path.read_text() for path in hidden}


@pytest.mark.parametrize("can", ["exchange", "renames"])
@pytest.mark.parametrize("name", WRITERS)
def test_old_or_new_is_there_whole_wherever_it_is_killed(tmp_path, name, can):
    seen = set()
    for step in range(30):
        world = tmp_path / str(step) / "world"
        world.mkdir(parents=True)
        place = world / "place.html"
        WRITERS[name](place, "old")
        old = contents(world)
        done = subprocess.run([sys.executable, "-c", SCRIPT, name, place, str(step), can], check=False)
        start_again(name, place)
        found = contents(world)
        assert found.keys() == old.keys()
        assert len(set(found.values())) == 1, f"mixed at rename {step}: {found}"
        seen |= set(found.values())
        WRITERS[name](place, "third")  # and nothing is in the way of the next one
        assert set(contents(world).values()) == {"third"}
        assert not [path.name for path in world.iterdir() if path.name.endswith((".old", ".new", ".lock"))]
        if done.returncode == 0:
            break
        assert done.returncode == KILLED
    assert step > 1
    assert seen == {"old", "new"}


@pytest.mark.parametrize(("aside", "lists"), [(".digitwise-run.old", True), (".run.old", False)])
def test_run_that_was_moved_aside_by_a_killed_training_is_found_by_a_reader(trained, tmp_path, aside, lists):
    shutil.copytree(trained, tmp_path / aside, ignore=None if lists else shutil.ignore_patterns(outputs.MARKER))
    assert runs.Run.open(tmp_path / "run").name == "improved"
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
