"""The container file: it cannot be built in a test, but its commands can be run with no more than it installs."""

import json
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import httpx
import numpy as np
import pytest
from packaging.requirements import Requirement

from tests.server.test_collection import png
from tests.templates import printed, two

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "Containerfile").read_text().replace("\\\n", " ")
ENTRYPOINT = json.loads(re.search(r"^ENTRYPOINT (\[.*\])$", TEXT, flags=re.M)[1])  # its exec form: a shell eats SIGTERM
HEALTHCHECK = json.loads(re.search(r"^HEALTHCHECK .* CMD (\[.*\])$", TEXT, flags=re.M)[1])

ALONE = """
import importlib.abc, json, sys
missing = set(json.loads(sys.argv.pop(1)))

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in missing:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from digitwise.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def installed():
    """What pip brings for the package and the extras that the file names, by their own requirements."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = re.search(r'-c constraints\.txt "\.\[(.*)\]"', TEXT)[1].split(",")
    lines = [*project["dependencies"], *(line for extra in extras for line in project["optional-dependencies"][extra])]
    found, new = set(), {Requirement(line).name for line in lines}
    while new:
        name = new.pop()
        found.add(name)
        needed = [Requirement(text) for text in requires(name) or ()]
        new |= {
            each.name.lower().replace("_", "-")
            for each in needed
            if each.marker is None or each.marker.evaluate({"extra": ""})
        } - found
    return found


@pytest.fixture
def container(tmp_path):
    """The server as the container starts it, but on a port of its own: its process and its address."""
    there, everything = {*installed(), "digitwise"}, packages_distributions()
    missing = [name for name, of in everything.items() if not {d.lower().replace("_", "-") for d in of} & there]
    assert {"keras", "tensorflow", "onnx", "pandas", "cleanlab"} <= set(missing)
    command = [sys.executable, "-c", ALONE, json.dumps(missing), *ENTRYPOINT[1:], "--port", "0", "--collect", tmp_path]
    environment = {**os.environ, "DIGITWISE_TOKEN": "secret"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        yield process, re.search(r"http://[^ )]+", process.stdout.readline())[0]
        process.kill()


def healthy(url):
    """What the container file asks whether the server is well."""
    command = [sys.executable, *(part.replace("http://127.0.0.1:8000", url) for part in HEALTHCHECK[1:])]
    return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0


def test_what_the_container_installs_is_enough_to_read_and_collect_and_it_ends_when_it_is_told(container):
    process, url = container
    thirty_five, seven = (np.asarray(image) for image in (two("3", "5"), printed("7")))
    with httpx.Client(base_url=url, headers={"Authorization": "Bearer secret"}) as client:
        page = client.post("/v1/read/numbers", files={"page": ("page.png", png(thirty_five))}).json()["pages"][0]
        digit = client.post("/v1/read", files={"digit": ("seven.png", png(seven))}).json()["readings"][0]
        collected = client.post("/v1/collect", files={"image": ("seven.png", png(seven))}, data={"label": "7"})
        assert collected.status_code == 201, collected.text
        assert client.get("/v1/model").json()["image_shape"] == [28, 28]
        assert client.get("/").status_code == client.get("/docs").status_code == 200
    assert (page["text"], digit["label"]) == ("35", "7")
    assert healthy(url)
    process.terminate()
    assert process.wait(120) == 0
    assert not healthy(url)


def test_container_file_copies_what_is_there_past_what_is_ignored():
    ignored = (ROOT / ".dockerignore").read_text().split()
    for line in re.findall(r"^COPY (?!--from)(.*)$", TEXT, flags=re.M):
        for name in line.split()[:-1]:
            assert (ROOT / name).exists()
            assert f"!{name}" in ignored


def test_container_does_not_run_as_root_and_pins_what_it_installs():
    assert int(re.search(r"^USER (\d+)$", TEXT, flags=re.M)[1]) > 0
    pinned = {
        line.partition("==")[0].lower().replace("_", "-") for line in (ROOT / "constraints.txt").read_text().split()
    }
    assert installed() <= pinned
