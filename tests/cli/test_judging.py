"""The commands that judge a finished run: evaluate, compare, report, improve."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from digitwise.runs import Run


@pytest.fixture
def twin(trained, tmp_path):
    """A copy of the run with another seed, wrong about other images."""
    shutil.copytree(trained, tmp_path / "twin")
    with np.load(trained / "test.npz") as archive:
        labels, probabilities = archive["labels"], archive["probabilities"]
    probabilities[:5] = np.roll(probabilities[:5], 1, axis=1)
    np.savez(tmp_path / "twin" / "test.npz", labels=labels, probabilities=probabilities)
    info = json.loads((trained / "run.json").read_text())
    info["seed"] = 1
    info["results"]["test"]["errors"] += 5
    (tmp_path / "twin" / "run.json").write_text(json.dumps(info))
    return tmp_path / "twin"


def test_evaluate_reckons_for_the_mix_in_use(digitwise, trained):
    found = digitwise("evaluate", trained, "--class-mix", "1=90%", "--samples", 500, "--json").json
    assert found["expected"]["samples"] == 500
    assert found["expected"]["class_mix"]["1"] == pytest.approx(0.9)
    assert sum(found["expected"]["class_mix"].values()) == pytest.approx(1)


def test_evaluate_keeps_the_policy_it_found(digitwise, trained):
    result = digitwise("evaluate", trained, "--max-error", "20%")
    assert result.code == 0, result.err
    assert "with 95% confidence at most 20.00% of them wrong" in result.out
    policy = json.loads((trained / "policy.json").read_text())
    assert policy["max_error"] == 0.2
    assert 0 < policy["threshold"] < 1
    assert policy["bound"] <= 0.2


def test_guarantee_that_the_data_cannot_support_is_refused(digitwise, trained):
    before = {path.name for path in trained.iterdir()}
    result = digitwise("evaluate", trained, "--max-error", "0.01%")
    assert result.code == 2
    assert f"{trained}: at most 0.0001 of the answers wrong" in result.err
    assert "expected at least 36,887 validation images, got 216" in result.err
    assert {path.name for path in trained.iterdir()} == before


def test_several_seeds_get_mean_and_spread(digitwise, trained, twin):
    text = digitwise("compare", trained, twin).out
    errors = Run.open(trained).info["results"]["test"]["errors"]
    assert f"improved (improved, twin): {errors + 2.5:.1f} ± 3.5 errors over 2 seeds\n" in text


def test_runs_that_differ_in_more_than_the_seed_are_not_averaged(digitwise, trained, twin):
    info = json.loads((twin / "run.json").read_text())
    info["recipe"]["epochs"] += 1
    (twin / "run.json").write_text(json.dumps(info))
    assert "seeds" not in digitwise("compare", trained, twin).out


def test_seed_that_is_there_twice_counts_twice_and_is_said_to(digitwise, trained, twin, tmp_path):
    again = shutil.copytree(trained, tmp_path / "again")
    result = digitwise("compare", trained, twin, again)
    errors = Run.open(trained).info["results"]["test"]["errors"]
    line = f"(improved, twin, again): {errors + 5 / 3:.1f} ± 2.9 errors over 2 seeds; 3 runs, a seed twice"
    assert line in result.out


def test_evaluate_tells_intervals_and_likelihood(digitwise, trained):
    found = digitwise("evaluate", trained, "--json").json
    text = digitwise("evaluate", trained).out
    first = found["classes"][0]
    line = next(line for line in text.splitlines() if line.startswith("0 "))
    for bounds in (first["precision_95"], first["recall_95"]):
        assert f"{100 * bounds[0]:.1f}–{100 * bounds[1]:.1f}" in line
    assert f"negative log-likelihood {found['negative_log_likelihood']:.4f}, " in text
    assert max(map(len, text.splitlines()[1:12])) <= 80


def test_three_runs_are_compared_pair_by_pair(digitwise, trained, twin, tmp_path):
    third = shutil.copytree(trained, tmp_path / "third")
    found = digitwise("compare", trained, twin, third, "--json").json
    assert [pair["errors_a"] != pair["errors_b"] for pair in found["pairs"]] == [True, False, True]
    assert found["recipes"][0]["seeds"] == 2


def test_runs_whose_stored_labels_differ_are_not_compared(digitwise, trained, twin):
    with np.load(twin / "test.npz") as archive:
        np.savez(twin / "test.npz", **{name: np.roll(array, 1, axis=0) for name, array in archive.items()})
    info = json.loads((twin / "run.json").read_text())
    del info["data"]["labels"]  # as in a run of an earlier version
    (twin / "run.json").write_text(json.dumps(info))
    result = digitwise("compare", trained, twin)
    assert result.code == 2
    assert f"{twin / 'test.npz'}: expected the same labels" in result.err
    assert "train the run with the changed file again" in result.err
    report = digitwise("report", twin, "--out", twin.parent / "a.html")
    assert f"{twin / 'test.npz'}: expected the labels of the test images" in report.err


def test_compare_draws_the_images_that_tell_two_runs_apart(digitwise, trained, twin, tmp_path):
    result = digitwise("compare", trained, twin, "--images", tmp_path / "apart.png")
    assert result.code == 0, result.err
    with Image.open(tmp_path / "apart.png") as image:
        assert np.asarray(image.convert("L")).std() > 10


def test_report_is_written_beside_the_run(digitwise, trained):
    result = digitwise("report", trained, "--target", "50%", "--max-error", "0.2")
    assert result.code == 0, result.err
    assert result.out.startswith("Below 50 %")
    assert (trained / "report.html").stat().st_size < 6_000_000
    assert json.loads((trained / "report.json").read_text())["verdict"]["outcome"] == "reached"


@pytest.mark.usefixtures("undrawn")
def test_report_and_evaluate_go_by_the_policy_kept(digitwise, trained, tmp_path):
    assert digitwise("evaluate", trained, "--max-error", "25%").code == 0
    found = digitwise("report", trained, "--out", tmp_path / "a.html", "--json").json
    assert found["reading"]["policy"] == json.loads((trained / "policy.json").read_text())
    assert found["reading"]["policy"]["max_error"] == 0.25
    assert digitwise("evaluate", trained, "--json").json["reading"]["policy"] == found["reading"]["policy"]


@pytest.mark.usefixtures("undrawn")
def test_report_takes_the_findings_of_a_check(digitwise, trained, tmp_path):
    finding = {"code": "DW012", "severity": "error", "title": "Same image, different labels", "count": 2}
    (tmp_path / "findings.json").write_text(json.dumps([{**finding, "indices": [1, 2]}]))
    found = digitwise(
        "report", trained, "--findings", tmp_path / "findings.json", "--out", tmp_path / "a.html", "--json"
    ).json
    assert found["findings"] == [finding]
    first = found["next_steps"][0]
    assert "found 1 error in it" in first["words"]
    assert first["command"] == "digitwise check digits --open"


def test_report_waits_for_neither_keras_nor_tensorflow(trained, tmp_path):
    import subprocess
    import sys

    code = (
        "import sys; from digitwise.cli.main import main;"
        f"main(['report', {str(trained)!r}, '--out', {str(tmp_path / 'a.html')!r}]);"
        "print([m for m in ('keras', 'tensorflow', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.slow
def test_improve_says_what_it_did(digitwise, trained, tmp_path):
    result = digitwise("improve", trained, "--folds", 2, "--out", tmp_path / "fixed", "--json")
    assert result.code == 0, result.err
    assert result.err.count("fold 1 of 2") >= 1
    assert (tmp_path / "fixed").exists() == (result.json["run"] is not None)
    assert result.json.keys() == {"fix", "slices", "changes", "run"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("report", "nowhere"), "expected a run folder"),
        (("report", "RUN", "--target", "many"), "expected a share like 0.1% or 0.001, got 'many'"),
        (("report", "RUN", "--out", "a.pdf"), "expected a name that ends in .html"),
        (("report", "RUN", "--findings", "none.json"), "expected the findings.json of digitwise check"),
        (("evaluate", "RUN", "--max-error", "0"), "expected a share like 0.1% or 0.001, got '0'"),
        (("evaluate", "RUN", "--class-mix", "1"), "expected CLASS=SHARE"),
        (("evaluate", "RUN", "--class-mix", "eleven=1"), "expected classes of 0, 1"),
        (("evaluate", "RUN", "--class-mix", "0=50%,0=20%"), "expected each class once, got '0' twice"),
        (("compare", "RUN"), "expected two run folders or more, got 1"),
        (("compare", "RUN", "RUN"), "got this one twice; name each once"),
        (("report", "RUN", "RUN", "--out", "a.html"), "got this one twice; name each once"),
        (("improve", "nowhere"), "expected a run folder"),
        (("improve", "RUN", "--folds", "1"), "folds"),
        (("export", "nowhere"), "expected a run folder"),
        (("export", "RUN", "--format", "tflite"), "'tflite' is not one of 'onnx', 'keras', 'json+h5', 'saved-model'"),
        (("export", "RUN", "--out", "model.pb"), "expected a name that ends in .onnx"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_bad_input_gets_one_line_and_leaves_nothing(digitwise, trained, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    result = digitwise(*(trained if each == "RUN" else each for each in arguments))
    assert result.code == 2
    assert message in result.err
    assert result.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["[" * 100_000, '[{"code": 1, "severity": [], "title": {}, "count": "x"}]'])
def test_findings_of_another_form_are_refused(digitwise, trained, tmp_path, content):
    (tmp_path / "findings.json").write_text(content)
    result = digitwise("report", trained, "--findings", tmp_path / "findings.json", "--out", tmp_path / "a.html")
    assert result.code == 2
    assert "expected the findings.json of digitwise check" in result.err
    assert result.err.count("\n") == 1
