"""``digitwise review``, from the command line."""

import re
import subprocess
import sys

import httpx
import numpy as np

from digitwise.data.patches import digests, patch_text, read_patch
from tests.helpers import blobs


def test_review_of_other_data_is_one_line(digitwise, tmp_path):
    (tmp_path / "labels.csv").write_text(f"sha256,decision\n{'ab' * 32},drop\n")
    result = digitwise("review", tmp_path / "labels.csv", "--data", "digits", "--port", "0")
    assert result.code == 2
    assert "names 1 images that digits lacks" in result.err
    assert result.err.count("\n") == 1


def test_json_says_where_and_a_host_that_others_reach_is_warned_of(digitwise, digits, tmp_path, monkeypatch):
    path = tmp_path / "labels.csv"
    path.write_text(patch_text([(digests(digits.train.images[:1])[0], 0, "", 1, 2, 0.9)]))
    monkeypatch.setattr("digitwise.server.serving.serve", lambda app, sock: None)
    said = digitwise("review", path, "--data", "digits", "--port", "0", "--json", "--host", "0.0.0.0")
    assert said.code == 0
    assert said.json.pop("url").startswith("http://localhost:")
    assert said.json | {"images": 1, "decided": 0, "file": str(path), "data": "digits"} == said.json
    assert "everybody who reaches 0.0.0.0" in said.err


def test_review_runs_until_it_is_told_to_leave_and_says_what_was_decided(tmp_path):
    images, data, path = blobs(30), tmp_path / "data.npz", tmp_path / "labels.csv"
    np.savez(data, x_train=images.images, y_train=images.labels)
    name = digests(images.images[:1])[0]
    path.write_text(patch_text([(name, 0, "", 1, 2, 0.9)]))
    command = [sys.executable, "-m", "digitwise", "review", path, "--data", data, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        url = re.search(r"http://[^ )]+", process.stdout.readline())[0]
        httpx.put(f"{url}/v1/review/{name}", json={"decision": "2"}).raise_for_status()
        process.terminate()
        said = process.stdout.read()
    assert process.returncode == 0
    assert said == f"1 of 1 are decided; go on with digitwise train augmented --data {data} --patch {path}\n"
    assert read_patch(path).decisions == {name: "2"}
