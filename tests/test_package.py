"""The package as a stranger gets it: built, installed into an empty environment, and used there."""

import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import digitwise

ROOT = Path(__file__).parents[1]
LARGEST = 530e6  # bytes of the plain install on Linux x86-64, with what Python compiles: 498 MB, and room


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The source distribution and the wheel made from it."""
    pytest.importorskip("build")
    place = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "build", "--outdir", place, ROOT], check=True, capture_output=True)
    return next(place.glob("*.tar.gz")), next(place.glob("*.whl"))


def test_the_citation_is_of_this_version():
    assert f"\nversion: {digitwise.__version__}\n" in (ROOT / "CITATION.cff").read_text()


@pytest.mark.slow
def test_wheel_holds_models_pages_and_types_and_the_source_is_small(built):
    source, wheel = built
    with zipfile.ZipFile(wheel) as file:
        names = file.namelist()
    for name in ("py.typed", "reading/model.onnx", "reading/finder.onnx", "server/static/index.html"):
        assert f"digitwise/{name}" in names
    assert not [name for name in names if not name.startswith(("digitwise/", "digitwise-"))]
    with tarfile.open(source) as file:
        tops = {name.split("/")[1] for name in file.getnames() if "/" in name}
    assert tops >= {"src", "LICENSE", "README.md", "pyproject.toml"}
    assert not tops & {"tests", "benchmarks", "notebooks"}
    assert wheel.stat().st_size < 5e6


@pytest.mark.slow
def test_wheel_in_an_empty_environment_reads_checks_and_reports(built, trained, tmp_path):
    # With all it needs, as pip brings it: whether the list of dependencies is whole is what this is about.
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "env"], check=True)
    bin_folder = tmp_path / "env" / ("Scripts" if os.name == "nt" else "bin")
    install = [bin_folder / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, "-c", ROOT / "constraints.txt", built[1]], check=True, cwd=tmp_path)

    def do(*words, code=0):
        command = [bin_folder / "digitwise", *map(str, words)]
        own = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=own, check=False)
        assert done.returncode == code, done.stderr
        return done

    digit = digitwise.load("digits").test.images[0]
    Image.fromarray(255 - np.asarray(digit)).resize((84, 84)).save(tmp_path / "digit.png")
    assert json.loads(do("read", "digit.png", "--json").stdout)
    assert "digits" in do("check", "digits").stdout
    assert (tmp_path / "results/check/index.html").stat().st_size > 10_000
    do("report", trained, "--out", "report.html")
    assert "<html" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert do("train", "flash", "--data", "digits", code=2).stderr == (
        'digitwise: training needs keras, tensorflow: pip install "digitwise[train]"\n'
    )
    assert re.fullmatch(r"digitwise \d.*\n", do("--version").stdout)
    [packages] = (tmp_path / "env").rglob("site-packages")
    files = [
        file for file in packages.rglob("*") if file.is_file() and "pip" not in file.relative_to(packages).parts[0]
    ]
    assert sum(file.stat().st_size for file in files) < LARGEST


@pytest.mark.parametrize("first", ["", "import onnxruntime; "], ids=["digitwise first", "onnxruntime first"])
def test_onnxruntime_reports_nothing(tmp_path, first):
    """Its reporter writes the file of its session as soon as it starts, and sends from then on."""
    code = (
        f"{first}import digitwise, numpy; digitwise.Reader(threads=1).read(numpy.zeros((28, 28), numpy.uint8));"
        "import os; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    )
    names = ("ORT_DISABLE_TELEMETRY", "CI")
    environment = {name: value for name, value in os.environ.items() if name not in names} | {"TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"
    if not first:
        assert os.listdir(tmp_path) == []
