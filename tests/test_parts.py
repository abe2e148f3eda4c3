"""The libraries of the extras: told where one is missing, and not needed by what the plain install does."""

import ast
import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from PIL import Image

from digitwise.errors import MissingPartError
from digitwise.parts import BACKENDS, EXTRAS, extra_of, imported, is_installed, require

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
IMPORTED = {"pillow": "PIL", "scikit-learn": "sklearn"}  # where it is not the name of the package
OPTIONAL = {module for extra in EXTRAS for module in extra.modules} | {*BACKENDS}
# Runs commands with modules made absent, as they are in the plain install; prints exit codes and standard error.
ALONE = """
import contextlib, importlib.abc, io, json, sys
missing, commands = map(json.loads, sys.argv[1:])

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in missing:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from digitwise.cli.main import main
told = []
for command in commands:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(command)
    told.append([code, out.getvalue(), err.getvalue()])
print(json.dumps(told))
"""


def alone(*commands, folder):
    called = [[str(word) for word in command] for command in commands]
    code = [sys.executable, "-c", ALONE, json.dumps(sorted(OPTIONAL)), json.dumps(called)]
    return json.loads(subprocess.check_output(code, text=True, cwd=folder).splitlines()[-1])


@pytest.fixture
def page(tmp_path):
    """A white page."""
    Image.new("L", (200, 100), 255).save(tmp_path / "page.png")
    return tmp_path / "page.png"


@pytest.mark.slow
def test_plain_install_reads_checks_evaluates_and_reports(trained, page, tmp_path):
    done = alone(
        ["read", page],
        ["read", page, "--numbers", "--overlay", tmp_path / "seen.png"],
        ["check", "digits", "--out", tmp_path / "check"],
        ["evaluate", trained],
        ["errors", trained],
        ["report", trained, "--out", tmp_path / "report.html"],
        ["data", "show", "digits", "--out", tmp_path / "data"],
        ["info"],
        folder=tmp_path,
    )
    assert [code for code, *_ in done] == [0] * len(done), done
    assert (tmp_path / "report.html").stat().st_size > 100_000
    assert 'a network needs keras, tensorflow: pip install "digitwise[train]"' in done[2][1], "and goes on"
    told = done[-1][1]
    assert all(f'pip install "digitwise[{extra.name}]"' in " ".join(told.split()) for extra in EXTRAS)


MISSING = {
    "train baseline --data digits": "training needs keras, tensorflow: {train}",
    "run --data digits": "training needs keras, tensorflow: {train}",
    "improve RUN": "training needs keras, tensorflow: {train}",
    "check digits --labels": "looking for label errors needs keras, tensorflow, cleanlab: {train}",
    "evaluate model.keras --data digits": "a model of Keras needs keras, tensorflow: {train}",
    "read x.npy --model model.keras": "a model of Keras needs keras, tensorflow: {train}",
    "evaluate RUN --data digits": "training needs keras, tensorflow: {train}",
    "export RUN": "training needs keras, tensorflow: {train}",
    "calibrate scans": "calibrating needs onnx: {onnx}",
    "sweep flash --trials 2 --data digits": "a sweep needs optuna: {sweep}",
    "serve": "a server needs starlette, uvicorn, httptools, python_multipart: {serve}",
    "review labels.csv": "a server needs starlette, uvicorn, httptools, python_multipart: {serve}",
    "exercise check mine.ipynb --data digits": "marking a notebook needs nbformat: {exercise}",
    "data show set.parquet": "Parquet needs pyarrow: {formats}",
    "check set.parquet": "Parquet needs pyarrow: {formats}",
    "check set.h5": "HDF5 needs h5py: {formats}",
    "check digits --labels --cluster auto": "a cluster needs ray: {cluster}",
    "read page.png --out rows": "Parquet needs pyarrow: {formats}",
    "read page.pdf": "reading a PDF needs pypdfium2: {pdf}",
}


@pytest.fixture(scope="module")
def refused(trained, tmp_path_factory):
    """What each command of :data:`MISSING` tells without any extra, and the files that are there afterwards."""
    folder = tmp_path_factory.mktemp("alone")
    contents = {
        "model.keras": b"PK\x03\x04",
        "set.parquet": b"PAR1",
        "set.h5": b"\x89HDF\r\n\x1a\n",
        "page.pdf": b"%PDF-1.4",
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    (folder / "mine.ipynb").write_text("{}")
    Image.new("L", (40, 40), 255).save(folder / "page.png")
    before = set(folder.rglob("*"))
    told = alone(*([trained if word == "RUN" else word for word in each.split()] for each in MISSING), folder=folder)
    written = {path for path in set(folder.rglob("*")) - before if path.is_file()}
    return dict(zip(MISSING, told, strict=True)), written


@pytest.mark.parametrize("command", MISSING)
def test_missing_part_is_told_with_the_line_that_installs_it(refused, command):
    code, out, err = refused[0][command]
    line = MISSING[command].format(**{extra.name: extra.install for extra in EXTRAS})
    assert line in out + err, err
    assert code == (1 if command == "read page.pdf" else 2)  # of files that cannot be read, the others are read


def test_nothing_is_written_where_a_part_is_missing(refused):
    assert not refused[1]


@pytest.mark.parametrize(
    ("before", "told"),
    [
        ("sys.modules['keras'] = None", 'training needs keras: pip install "digitwise[train]"'),
        (
            "os.environ['KERAS_BACKEND'] = 'teapot'",
            "KERAS_BACKEND: expected one of tensorflow, jax, torch, installed, got 'teapot'",
        ),
    ],
    ids=["keras", "backend"],
)
def test_public_names_that_train_tell_what_is_missing(before, told):
    code = (
        f"import os, sys; {before}\n"
        "import digitwise\n"
        "try: digitwise.train\n"
        "except digitwise.MissingPartError as error: print(error)"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == f"{told}\n"


def test_any_backend_does_for_tensorflow(monkeypatch):
    for name in BACKENDS:
        monkeypatch.setitem(sys.modules, name, None)
    assert not is_installed("tensorflow")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name == "jax" or None)
    monkeypatch.setattr("digitwise.parts.find_spec", importlib.util.find_spec)
    assert is_installed("tensorflow")


def test_a_part_of_a_hidden_library_is_missing_too(monkeypatch):
    pytest.importorskip("fsspec.core")
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(MissingPartError, match=r"^an address needs fsspec: "):
        imported("fsspec.core", "an address")
    with pytest.raises(MissingPartError, match=r"^an address needs fsspec: "):
        require("an address", "fsspec")


def test_every_extra_of_the_table_is_one_of_the_package():
    assert {extra.name for extra in EXTRAS} <= set(PROJECT["optional-dependencies"])


def test_all_is_every_extra_but_the_cluster_and_those_of_developers():
    [everything] = PROJECT["optional-dependencies"]["all"]
    named = set(re.search(r"\[(.*)\]", everything)[1].split(","))
    assert named == {extra.name for extra in EXTRAS} - {"cluster"}


def test_every_import_is_of_the_plain_install_or_in_the_table():
    plain = {re.match(r"[\w-]+", line)[0] for line in PROJECT["dependencies"]}
    known = {IMPORTED.get(name, name) for name in plain} | OPTIONAL | {*sys.stdlib_module_names, "digitwise"}
    known.add("traitlets")  # IPython's, where IPython is running
    found = {}
    for file in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
            found |= {name.partition(".")[0]: file for name in names}
    assert not {name: file for name, file in found.items() if name not in known}


def test_a_module_that_several_extras_bring_is_told_with_the_smallest():
    assert extra_of("h5py").name == extra_of("pyarrow.parquet").name == "formats"
