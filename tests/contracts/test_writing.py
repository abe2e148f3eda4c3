"""Every command that writes, into every kind of place: nothing that digitwise did not write is changed or goes.

What takes long, training, drawing and asking models, is stood in for; what writes is not.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import click
import numpy as np
import pytest
import typer.main

from digitwise.cli.main import app, main
from digitwise.evaluation.fixes import Fix
from digitwise.outputs import MARKER
from digitwise.outputs.marker import marker_of
from digitwise.server.uploads import Collection
from digitwise.training.trials import TrialResult
from tests.data.test_load import write_images
from tests.helpers import blobs
from tests.templates import printed, two

CASES = {  # by command: the suffix of its place, and what to ask for; {in} has a run, images, a model and a data set
    "run": ("", "run --data digits --out {place}"),
    "train": ("", "train improved --data digits --out {place}"),
    "train --seeds": ("", "train improved --data digits --seeds 2 --out {place}"),
    "sweep": ("", "sweep improved --data digits --grid epochs=1,2 --out {place}"),
    "improve": ("", "improve {in}/run --data digits --out {place}"),
    "report": (".html", "report {in}/run --data digits --out {place}"),
    "export": (".onnx", "export {in}/run --out {place}"),
    "export --format keras": (".keras", "export {in}/run --format keras --out {place}"),
    "export --format json+h5": ("", "export {in}/run --format json+h5 --out {place}"),
    "export --format saved-model": ("", "export {in}/run --format saved-model --out {place}"),
    "errors": ("", "errors {in}/run --data digits --out {place}"),
    "compare": (".png", "compare {in}/run {in}/twin --data digits --images {place}"),
    "check": ("", "check {in}/set --out {place}"),
    "read --out FILE": (".csv", "read {in}/7.png --model {in}/model.onnx --out {place}"),
    "read --out FILE.jsonl": (".jsonl", "read {in}/7.png --model {in}/model.onnx --out {place}"),
    "read --overlay": (".png", "read {in}/71.png {in}/71.png --model {in}/model.onnx --overlay {place}"),
    "read --show-input": (".png", "read {in}/7.png --model {in}/model.onnx --show-input {place}"),
    "read --out DIR": ("", "read {in}/set/0 --model {in}/model.onnx --out {place}/"),
    "calibrate": (".onnx", "calibrate {in}/scans --model {in}/model.onnx --max-error 90% --out {place}"),
    "serve": ("", "serve --collect {place}"),
    "data show": ("", "data show digits --out {place}"),
    "data normalize": ("", "data normalize {in}/scans --out {place}"),
    "exercise new": ("", "exercise new --out {place}"),
    "exercise check": ("", "exercise check {in}/notebooks --data digits --out {place}"),
}
NO_PLACE = {
    "info": "writes nothing",
    "recipe list": "writes nothing",
    "recipe show": "writes to standard output",
    "data list": "writes nothing",
    "data fetch": "writes into the cache, files that are known by their checksums",
    "evaluate": "writes into a run folder, see below",
    "review": "writes decisions into the file that it is given, see tests/server/test_review.py",
}
MINE = (  # names that commands write, and others
    *("run.json", "index.html", "report.json", "report.html", "findings.json", "labels.csv", "points.csv", "one.html"),
    *("samples.png", "classes.png", "data/samples.png", "manifest.json", "sweep.json", "trials.csv", "best/run.json"),
    *("model.json", "model.weights.h5", "saved_model.pb", "mnist_exercise.ipynb", "part-00000.parquet", "notes.md"),
    *("baseline/notes.md", "seed-0/notes.md", "report-figures/mine.png", "src/main.py", ".hidden", "0/00.png", ".lock"),
    *(".manifest-of-mine.txt", ".place.old/whole.txt", "empty/"),
)


def commands(group, before=""):
    for name, command in group.commands.items():
        if isinstance(command, click.Group) or hasattr(command, "commands"):
            yield from commands(command, f"{before}{name} ")
        else:
            yield before + name


def test_every_command_is_in_the_table():
    known = {case.partition(" --")[0] for case in CASES} | NO_PLACE.keys()
    assert set(commands(typer.main.get_command(app))) == known


@pytest.fixture(scope="module")
def given(trained, model_file, tmp_path_factory):
    """What commands read, made once."""
    folder = tmp_path_factory.mktemp("given")
    for name in ("run", "twin"):
        shutil.copytree(trained, folder / name)
    shutil.copy(model_file, folder / "model.onnx")
    printed("7").save(folder / "7.png")
    two("7", "1").save(folder / "71.png")
    write_images(folder / "set", blobs(30))
    for label in "01":
        (folder / "scans" / label).mkdir(parents=True)
        printed(label).save(folder / "scans" / label / "0.png")
    (folder / "notebooks").mkdir()
    for name in ("one", "two"):
        (folder / "notebooks" / f"{name}.ipynb").write_text("no notebook")
    return folder


@pytest.fixture
def quick(trained, numbers, monkeypatch):
    """Stand-ins for what takes long."""
    import matplotlib.figure

    from digitwise.exporting import export
    from digitwise.reporting import charts, figures, report
    from digitwise.training import improve, saving, sweep, train

    def written(partial, recipe, *_, **__):
        for name, entry in marker_of(trained).files.items():
            if entry.kind == "run" and (trained / name).exists():  # other tests may have drawn into it
                shutil.copy(trained / name, partial)
        info = json.loads((partial / "run.json").read_text())
        info["recipe"]["name"] = recipe.name
        (partial / "run.json").write_text(json.dumps(info))

    def page_of(subject, numbers, answers, folder):
        (folder / "figures").mkdir()
        for name in ("figures/map.png", "page", "numbers"):
            (folder / name).write_text(name)

    def exported(run, model, card, place):
        for name in ("model.json", "model.weights.h5") if place.is_dir() else ("",):
            (place / name).write_text("a model")

    def trial(*_):
        return TrialResult("finished", 1, 0.1, 1, 1.0, [])

    monkeypatch.setattr(train, "_fitted", lambda *_, **__: None)
    monkeypatch.setattr(train, "write_files", written)
    monkeypatch.setattr(sweep, "joined", lambda *_: None)
    monkeypatch.setattr(sweep, "run_trial", trial)
    here = SimpleNamespace(run=lambda trial, _, trials, *__, **___: ((n, trial()) for n, _ in enumerate(trials)))
    monkeypatch.setattr(sweep, "Here", lambda: here)
    monkeypatch.setattr(improve, "cross_validations", lambda *_, **__: [None])
    monkeypatch.setattr(improve, "_measure", lambda _: {})
    monkeypatch.setattr(improve, "find_slices", lambda *_: [])
    monkeypatch.setattr(improve, "find_in", lambda *_: [])
    monkeypatch.setattr(improve, "changes", lambda *_: [])
    monkeypatch.setattr(improve, "gatherings", lambda *_, **__: {"of": "run", "folds": 5, "found": []})
    monkeypatch.setattr(improve, "joined", lambda _: Fix("More of a class.", focus=True))
    numbers = {"reading": {"policy": {"max_error": 0.01}}, "verdict": {"words": "good"}, "next_steps": []}
    monkeypatch.setattr(charts, "inline", lambda stem: stem.name)
    monkeypatch.setattr(report, "examine", lambda *_: SimpleNamespace())
    monkeypatch.setattr(report, "content", lambda *_: numbers)
    monkeypatch.setattr(report, "_write", page_of)
    monkeypatch.setattr(saving, "load_model", lambda _: SimpleNamespace(input_shape=(None, 28, 28, 1)))
    monkeypatch.setattr(export, "IMAGES", 1)
    monkeypatch.setattr("digitwise.exercise.sandbox.slowness", lambda: 1.0)
    monkeypatch.setattr(figures, "confusion_on", lambda *_, **__: None)
    monkeypatch.setattr(export, "keras_answers", lambda *_: None)
    monkeypatch.setattr(export, "largest_difference", lambda *_: 0.0)
    monkeypatch.setattr(export, "FORMS", {n: dataclasses.replace(f, write=exported) for n, f in export.FORMS.items()})
    monkeypatch.setattr(matplotlib.figure.Figure, "savefig", lambda self, path, **_: Path(path).write_bytes(b"figure"))
    monkeypatch.setattr("digitwise.server.app.application", lambda settings: settings)
    monkeypatch.setattr("digitwise.server.serving.serve", lambda settings, *_, **__: collect(settings.collect))


def collect(folder):
    """What a server does that is asked to keep an image."""
    Collection(folder, [str(i) for i in range(10)]).add(np.asarray(printed("7").convert("L")), "7")


@pytest.fixture
def call(given, quick, capsys):
    """Run a command of the table into a place; its exit code and what it said on stderr."""

    def run(case, place):
        words = [word.format(**{"in": given, "place": place}) for word in CASES[case][1].split()]
        capsys.readouterr()
        code = main([*words, *(["--port", "0"] if case == "serve" else [])])
        return code, capsys.readouterr().err

    return run


def mine(folder):
    """A folder of the owner's with files of all names that commands write, folders, and links."""
    for name in MINE:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).mkdir() if name.endswith("/") else (folder / name).write_text(f"{name}: mine")
    (folder / "link.txt").symlink_to("notes.md")
    (folder / "focus").symlink_to("src")
    (folder / "two.html").symlink_to("nowhere")
    return folder


def beside(place):
    """Files of the owner's with the names of what goes beside a file that is named."""
    stem = place.with_suffix("")
    mine(Path(f"{stem}-figures"))
    for ending in (".json", ".html", "-2.png", ".weights.h5", ".csv.lock"):
        if Path(f"{stem}{ending}") != place:
            Path(f"{stem}{ending}").write_text("mine")


def found_in(world):
    """All that lies in a folder but digitwise's lists: what it is, and its content."""
    return {
        path: os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else "folder"
        for path in world.rglob("*")
        if path.name != MARKER
    }


PLACES = {
    "nothing": lambda place: None,
    "an empty folder": lambda place: place.mkdir(),
    "a folder of mine": mine,
    "a file": lambda place: place.write_text("mine"),
    "my files beside it": beside,
    "a link to an empty folder": lambda place: ((place.parent / "e").mkdir(), place.symlink_to("e")),
    "a link to a folder of mine": lambda place: (mine(place.parent / "m"), place.symlink_to("m")),
    "a link to a file": lambda place: ((place.parent / "f").write_text("mine"), place.symlink_to("f")),
    "a link to nothing": lambda place: place.symlink_to(f"nowhere{place.suffix}"),
}


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("case", CASES)
def test_what_digitwise_did_not_write_stays_as_it_is(call, tmp_path, case, where):
    world = tmp_path / "world"
    world.mkdir()
    place = world / f"place{CASES[case][0]}"
    PLACES[where](place)
    before = found_in(world)
    code, said = call(case, place)
    after = found_in(world)
    assert {path: after.get(path) for path in before} == before
    if code == 2:
        *_, refusal = said.splitlines()  # before it what was drawn is told
        assert refusal.startswith("digitwise: "), said
        assert any(str(path.with_suffix("")) in refusal for path in (place, place.resolve())), said
    else:
        assert code in (0, 1), said
    if where == "nothing":
        assert code != 2, said


@pytest.mark.parametrize("case", CASES)
def test_what_digitwise_made_is_replaced_and_what_is_put_there_then_is_not(call, tmp_path, case):
    place = tmp_path / f"place{CASES[case][0]}"
    code, said = call(case, place)
    assert code != 2, said
    shape = found_in(tmp_path).keys()
    code, said = call(case, place)
    if case == "exercise new":
        assert code == 2  # somebody may have worked in it
        return
    assert code != 2, said
    assert found_in(tmp_path).keys() == shape
    inside = place if place.is_dir() else tmp_path
    (inside / "notes.md").write_text("mine")
    call(case, place)
    assert (inside / "notes.md").read_text() == "mine"


@pytest.mark.parametrize("case", [case for case in CASES if case != "errors"])  # a training draws its figures too
def test_what_another_command_made_stays_as_it_is(call, given, trained, tmp_path, case):
    suffix = CASES[case][0]
    if case in ("train", "improve"):  # whose own are run folders
        place = shutil.copytree(trained.parent, tmp_path / "place", dirs_exist_ok=True) / "x"
        assert main(["data", "normalize", str(given / "scans"), "--out", str(place)]) == 0
    else:
        run = shutil.copytree(trained, tmp_path / "run")
        place = run / f"run{suffix}" if suffix else run
    before = found_in(tmp_path)
    code, said = call(case, place)
    after = found_in(tmp_path)
    assert {path: after.get(path) for path in before} == before, said
    if case in ("report", "train", "improve", "sweep", "data normalize", "export --format saved-model"):
        assert code == 2


@pytest.mark.parametrize(
    ("command", "name"), [("evaluate", "policy.json"), ("errors", "confusion.png"), ("report", "report.json")]
)
def test_what_was_put_into_a_run_folder_stays_as_it_is(given, quick, tmp_path, capsys, command, name):
    run = shutil.copytree(given / "run", tmp_path / "run")
    for path in (run / name, run / "report-figures" / "notes.md"):
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
    more = ("--max-error", "20%", "--samples", "100") if command == "evaluate" else ("--data", "digits")
    assert main([command, str(run), *more]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert (run / name).read_text() == "mine"
    assert (run / "report-figures" / "notes.md").read_text() == "mine"


def test_decisions_survive_a_check_and_columns_that_would_not_are_refused(digits, tmp_path, capsys):
    from digitwise.cli.check import _earlier
    from digitwise.errors import DataError

    (tmp_path / "labels.csv").write_text(f"sha256,decision,why\n{'ab' * 32},7,clearly a seven\n")
    with pytest.raises(DataError, match="got why too, which would be lost"):
        _earlier(tmp_path / "labels.csv")
