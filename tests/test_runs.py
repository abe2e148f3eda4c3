import json

import numpy as np
import pytest

from digitwise import runs
from digitwise.errors import RunError
from digitwise.files import atomic_write, whole_file
from digitwise.ledger import looks
from digitwise.runs import Run


def test_a_run_has_all_its_files(trained):
    names = {path.name for path in trained.iterdir()}
    wanted = {"run.json", "history.csv", "validation.npz", "test.npz", "model.keras", "model.json", "model.weights.h5"}
    assert names >= wanted
    run = Run.open(trained)
    assert [row["epoch"] for row in run.history] == [1, 2]
    assert len(run.predictions("validation")) == run.info["data"]["validation"]
    assert run.info["data"]["fingerprint"].keys() == {"train", "test"}
    assert run.info["versions"]["numpy"] == np.__version__
    assert run.info["test_reads"][0]["reason"].startswith("train:")


def test_looks_at_the_test_set_stand_in_its_ledger(trained):
    run = Run.open(trained)
    run.note_test_read("a test")
    run.note_test_read("a test of another set", "another")
    own = [look.reason for look in looks(run.info["data"]["fingerprint"]["test"]) if look.run == str(trained.resolve())]
    assert own[0].startswith("train:")
    assert own[-1] == "a test"
    assert [look.reason for look in looks("another")] == ["a test of another set"]


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"recipe": 1}', '{"format": 1}'], ids=["half", "list", "no format", "no recipe"]
)
def test_damaged_run_is_refused(tmp_path, content):
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(RunError, match=r"not a run\.json"):
        Run.open(tmp_path)


def test_run_of_a_later_version_is_refused(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps({"format": 99}))
    with pytest.raises(RunError, match="expected run format 1, got 99"):
        Run.open(tmp_path)


def test_missing_probabilities_are_named(trained, tmp_path):
    (tmp_path / "run.json").write_bytes((trained / "run.json").read_bytes())
    with pytest.raises(RunError, match=r"test\.npz: expected the test probabilities"):
        Run.open(tmp_path).predictions("test")


def test_earlier_run_stays_until_the_new_one_is_whole(tmp_path):
    out = tmp_path / "run"
    out.mkdir()
    (out / "run.json").write_text("{}")
    partial = runs.begin(out, resume=False)
    assert (out / "run.json").read_text() == "{}"
    info = {"format": 1, **dict.fromkeys(runs.NEEDED, 0)}
    (partial / "run.json").write_text(json.dumps(info))
    runs.finish(partial, out)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert Run.open(out).info == info


def test_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a.txt"
    atomic_write(path, "old")

    def fail():
        with whole_file(path) as temporary:
            temporary.write_text("ne")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert path.read_text() == "old"
    assert [found.name for found in tmp_path.iterdir()] == ["a.txt"]
