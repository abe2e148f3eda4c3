import json
import shutil

import numpy as np
import pytest

from digitwise import unfinished
from digitwise.errors import RunError
from digitwise.files import atomic_write, whole_file, write_json
from digitwise.ledger import looks
from digitwise.outputs import MARKER
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


@pytest.fixture
def copy(trained, tmp_path):
    """A copy of the run, to be damaged."""
    return shutil.copytree(trained, tmp_path / "copy")


def rewrite(file, change):
    """Replace a file of arrays by what ``change`` makes of each."""
    with np.load(file) as archive:
        changed = {name: change(array) for name, array in archive.items()}
    np.savez(file, **changed)


@pytest.mark.parametrize("split", ["validation", "test"])
def test_answers_with_fewer_rows_than_the_run_says_are_refused(copy, split):
    rewrite(copy / f"{split}.npz", lambda array: array[:-1])
    with pytest.raises(RunError, match=rf"{split}\.npz: expected the {split} probabilities .* images, got .*train"):
        Run.open(copy).predictions(split)


@pytest.mark.parametrize("split", ["validation", "test"])
def test_answers_about_other_labels_than_the_run_was_made_with_are_refused(copy, split):
    rewrite(copy / f"{split}.npz", lambda array: np.roll(array, 1, axis=0))
    with pytest.raises(RunError, match=rf"{split}\.npz: .*got other labels than the run was made with; train again"):
        Run.open(copy).predictions(split)


@pytest.mark.parametrize(
    "change",
    [lambda a: a[:5], lambda a: np.where(np.arange(len(a))[:, None] == 3, np.nan, a), lambda a: a[0]],
    ids=["short", "NaN", "one row"],
)
def test_damaged_features_are_refused(copy, change):
    rewrite(copy / "features.npz", change)
    with pytest.raises(RunError, match=r"features\.npz: expected the test images' features.*train again"):
        Run.open(copy).features()


@pytest.mark.parametrize(
    "name",
    [
        "data.fingerprint",
        "data.validation",
        "results.test.errors",
        "recipe.name",
        "hardware",
        "recipe.model",
        "hardware.system",
    ],
)
def test_run_that_lacks_a_part_is_refused_by_its_name(copy, name):
    info = json.loads((copy / "run.json").read_text())
    *path, last = name.split(".")
    part = info
    for step in path:
        part = part[step]
    del part[last]
    (copy / "run.json").write_text(json.dumps(info))
    with pytest.raises(RunError, match=rf"run\.json: not a run\.json of digitwise: {name}.* is missing; train again"):
        Run.open(copy)


@pytest.mark.parametrize(
    "text", ["", "epoch,loss\n1,0.5\n", "epoch,loss\n1\n"], ids=["empty", "few columns", "half a row"]
)
def test_damaged_history_is_refused(copy, text):
    (copy / "history.csv").write_text(text)
    with pytest.raises(RunError, match=r"history\.csv: expected a row of numbers for each epoch"):
        _ = Run.open(copy).history


def test_damaged_policy_is_refused_with_how_to_find_it_again(copy):
    (copy / "policy.json").write_text("{}")
    with pytest.raises(RunError, match=r"policy\.json: .*max_error is missing; find it again \(evaluate --max-error\)"):
        _ = Run.open(copy).policy


def test_policy_is_kept_stays_on_an_error_and_goes(copy):
    run = Run.open(copy)
    run.save_policy({"max_error": 0.1})
    with pytest.raises(TypeError):
        run.save_policy({"max_error": object()})
    assert run.policy == {"max_error": 0.1}
    run.save_policy(None)
    assert run.policy is None


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


def test_earlier_run_stays_until_the_new_one_is_whole(trained, tmp_path):
    out = shutil.copytree(trained, tmp_path / "run")
    partial = unfinished.begin(out, resume=False)
    assert (out / "model.keras").exists()
    shutil.copy(trained / "run.json", partial)
    unfinished.finish(partial, out)
    assert {path.name for path in out.iterdir()} == {"run.json", MARKER}
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert Run.open(out).info == Run.open(trained).info


def test_list_of_plain_values_is_one_line_and_reads_back(tmp_path):
    value = {"a": list(range(50)), "b": [[1, 2.5], ["x, y", 'a "[quoted],\n"', None]], "c": [], "d": [{"e": [True]}]}
    write_json(tmp_path / "a.json", value)
    text = (tmp_path / "a.json").read_text()
    assert json.loads(text) == value
    assert f'  "a": {list(range(50))},' in text.splitlines()


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
