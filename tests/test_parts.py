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
from digitwise.parts import BACKENDS, EXTRAS, extra_of, is_installed, library, require
from tests.cli.conftest import digitwise  # noqa: F401  # the fixture

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


def alone(*commands, missing=OPTIONAL):
    called = [[str(word) for word in command] for command in commands]
    code = [sys.executable, "-c", ALONE, json.dumps(sorted(missing)), json.dumps(called)]
    return json.loads(subprocess.check_output(code, text=True).splitlines()[-1])


@pytest.fixture
def page(tmp_path):
    """A white page."""
    Image.new("L", (200, 100), 255).save(tmp_path / "page.png")
    return tmp_path / "page.png"


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
    )
    assert [code for code, *_ in done] == [0] * len(done), done
    assert (tmp_path / "report.html").stat().st_size > 100_000
    told = done[-1][1]
    assert all(f'pip install "digitwise[{extra.name}]"' in " ".join(told.split()) for extra in EXTRAS)


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("train baseline --data digits", "training needs keras, tensorflow: {train}"),
        ("run --data digits", "training needs keras, tensorflow: {train}"),
        ("improve RUN", "training needs keras, tensorflow: {train}"),
        ("check digits --labels", "looking for label errors needs keras, tensorflow, cleanlab: {train}"),
        ("evaluate model.keras --data digits", "training needs keras, tensorflow: {train}"),
        ("export RUN", "training needs keras, tensorflow: {train}"),
        ("sweep flash --trials 2 --data digits", "a sweep needs optuna: {sweep}"),
        ("serve", "a server needs starlette, uvicorn, httptools, python_multipart: {serve}"),
        ("review labels.csv", "a server needs starlette, uvicorn, httptools, python_multipart: {serve}"),
        ("exercise check mine.ipynb --data digits", "marking a notebook needs nbformat: {exercise}"),
        ("train baseline --data set.parquet --jobs 1", "training needs keras, tensorflow: {train}"),
        ("check set.parquet", "Parquet needs pyarrow: {formats}"),
        ("check set.h5", "HDF5 needs h5py: {formats}"),
        ("check labels.csv --labels --cluster auto", "--cluster needs ray: {cluster}"),
        ("read file://somewhere/all.tar --out rows", "Parquet needs pyarrow: {formats}"),
        ("read page.pdf", "reading a PDF needs pypdfium2: {pdf}"),
    ],
    ids=lambda value: " ".join(value.split()[:2]),
)
def test_missing_part_is_told_with_the_line_that_installs_it(
    digitwise,  # noqa: F811
    trained,
    tmp_path,
    monkeypatch,
    command,
    line,
):
    for module in OPTIONAL:
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.keras").write_bytes(b"PK")
    (tmp_path / "set.parquet").write_bytes(b"PAR1")
    (tmp_path / "set.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    (tmp_path / "page.pdf").write_bytes(b"%PDF-1.4")
    (tmp_path / "mine.ipynb").write_text("{}")
    before = sorted(tmp_path.iterdir())
    found = digitwise(*(trained if word == "RUN" else word for word in command.split()))
    installs = {extra.name: extra.install for extra in EXTRAS}
    assert line.format(**installs) in found.err, found.err
    assert found.code in (1, 2)  # 1 from read, which goes on with other files
    assert sorted(tmp_path.iterdir()) == before


def test_public_names_that_train_tell_what_is_missing():
    code = (
        "import sys; sys.modules['keras'] = None\n"
        "import digitwise\n"
        "try: digitwise.train\n"
        "except digitwise.MissingPartError as error: print(error)"
    )
    told = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert told == 'training needs keras: pip install "digitwise[train]"\n'


def test_backend_that_is_asked_for_and_missing_is_told():
    code = (
        "import os, sys; os.environ['KERAS_BACKEND'] = 'teapot'\n"
        "import digitwise\n"
        "try: digitwise.train\n"
        "except digitwise.MissingPartError as error: print(error)"
    )
    told = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert told == "KERAS_BACKEND: expected one of tensorflow, jax, torch, installed, got 'teapot'\n"


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
        library("fsspec.core", "an address")
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
    found = {}
    for file in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
            found |= {name.partition(".")[0]: file for name in names}
    assert not {name: file for name, file in found.items() if name not in known}


def test_a_module_that_several_extras_bring_is_told_with_the_smallest():
    assert extra_of("h5py").name == extra_of("pyarrow.parquet").name == "formats"
