"""Messages in one line, and what errors carry besides."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import digitwise
from digitwise import errors
from digitwise.data import load
from digitwise.data.patches import read_patch
from digitwise.errors import DataError, DigitwiseError, about, one_line
from digitwise.parts import imported
from digitwise.runs import Run


@pytest.mark.parametrize(
    ("told", "longest", "line"),
    [
        (ValueError("one\n  two\tthree\r\n"), None, "one two three"),
        (ValueError("one\ntwo"), 5, "one t"),
        (ValueError(), 160, "ValueError"),
        (ValueError("\n"), None, "ValueError"),
        (" a\n\nb ", None, "a b"),
        ("", 9, ""),
    ],
)
def test_foreign_words_become_one_line(told, longest, line):
    assert one_line(told, longest) == line


KINDS = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, DigitwiseError)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_error_carries_its_data_through_a_pickle(kind):
    bare = kind("words")
    assert (bare.path, bare.argument, bare.expected, bare.got) == (None, None, None, None)
    error = pickle.loads(pickle.dumps(kind("words", path="a.csv", argument="data", expected="one", got=2)))
    assert (str(error), error.path, error.argument, error.expected, error.got) == ("words", "a.csv", "data", "one", 2)


def test_a_message_is_made_of_its_parts():
    error = DataError.wanted("a.csv", "numbers", "text", "fix it", path="a.csv")
    assert str(error) == "a.csv: expected numbers, got text; fix it"
    assert (error.expected, error.got, error.path) == ("numbers", "text", "a.csv")
    assert str(DataError.wanted("x", 1, 2)) == "x: expected 1, got 2"


ROWS, LABELS = np.full((20, 28, 28), 9, np.uint8), np.arange(20) % 10


def arrays(x=ROWS, y=LABELS, **others):
    return digitwise.Dataset.from_arrays(x, y, **others)


CALLS = {
    "recipe": lambda: digitwise.train("nope", "digits"),
    "toml": lambda: digitwise.train("bad.toml", "digits"),
    "field": lambda: digitwise.train("field.toml", "digits"),
    "budget": lambda: digitwise.train("flash", "none.npz", budget=-1),
    "seeds": lambda: digitwise.train("flash", "none.npz", seeds=0),
    "validation": lambda: digitwise.train("flash", "digits", validation=99_999),
    "augmentation": lambda: digitwise.Augmentation(rotation_range=-4),
    "sweep": lambda: digitwise.sweep("flash", "digits"),
    "grid": lambda: digitwise.sweep("flash", "digits", grid={"zz": [1]}),
    "compare": lambda: digitwise.compare("nope", "nope"),
    "compare models": lambda: digitwise.compare(print, print),
    "evaluate path": lambda: digitwise.evaluate("nope.keras", "digits"),
    "evaluate file": lambda: digitwise.evaluate("bad.onnx", "digits"),
    "evaluate alone": lambda: digitwise.evaluate(np.eye(10)),
    "evaluate shape": lambda: digitwise.evaluate(np.zeros((3, 3, 3)), "digits"),
    "evaluate rows": lambda: digitwise.evaluate(np.eye(10), "digits"),
    "evaluate thing": lambda: digitwise.evaluate(3, "digits"),
    "evaluate failing": lambda: digitwise.evaluate(lambda images: 1 / 0, "digits"),
    "evaluate classes": lambda: digitwise.evaluate(lambda images: np.ones((len(images), 7)), "digits"),
    "Reader": lambda: digitwise.Reader("bad.onnx"),
    "Reader none": lambda: digitwise.Reader("none.onnx"),
    "guarantee": lambda: digitwise.Reader(max_error=1e-9),
    "read none": lambda: digitwise.Reader().read("no.png"),
    "read text": lambda: digitwise.Reader().read("bad.toml"),
    "read shape": lambda: digitwise.Reader().read(np.zeros(5)),
    "read rows": lambda: digitwise.Reader().read(np.zeros((2, 784))),
    "region": lambda: digitwise.Reader().read_numbers(ROWS[0], region="1,2"),
    "expect": lambda: digitwise.Reader().read_numbers(ROWS[0], expect=-1),
    "form": lambda: digitwise.Reader().read_form(ROWS[0], "none.toml"),
    "load_model": lambda: digitwise.load_model("none.keras"),
    "load_model file": lambda: digitwise.load_model("bad.keras"),
    "load": lambda: digitwise.load("mnits"),
    "load four": lambda: digitwise.load((ROWS, ROWS, LABELS, LABELS)),
    "values below": lambda: arrays(ROWS.astype(int) - 10),
    "no square": lambda: arrays(np.zeros((20, 783))),
    "standardised": lambda: arrays(np.linspace(-2, 3, 15_680).reshape(20, 28, 28)),
    "nan": lambda: arrays(np.full((20, 28, 28), np.nan)),
    "names": lambda: arrays(class_names=["a", "b"]),
    "labels": lambda: arrays(y=LABELS + 5),
    "one class": lambda: arrays(y=LABELS * 0),
    "half labels": lambda: arrays(y=LABELS + 0.5),
    "few labels": lambda: arrays(y=LABELS[:3]),
    "none": lambda: arrays(ROWS[:0], LABELS[:0]),
    "check": lambda: digitwise.check("digits", select=["ZZ"]),
    "normalize": lambda: digitwise.normalize(np.zeros(5)),
    "export": lambda: digitwise.export("nope"),
    "format": lambda: digitwise.export("nope", "x"),
    "calibrate": lambda: digitwise.calibrate((ROWS, LABELS), "bad.onnx"),
    "improve": lambda: digitwise.improve("nope"),
    "report": lambda: digitwise.report("nope"),
    "serve": lambda: digitwise.serve(port=-3),
    "host": lambda: digitwise.serve(host="0.0.0.0"),
    "part": lambda: imported("ray.nothing", "a test"),
    "evaluation": lambda: digitwise.Evaluation.open("nope"),
    "classifier": lambda: digitwise.DigitClassifier.load("nope"),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_every_public_error_says_what_it_is_about_and_is_one_line(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DIGITWISE_TOKEN", raising=False)
    for name, text in {
        "bad.toml": "name = [",
        "field.toml": "nam = 'x'",
        "bad.onnx": "abc",
        "bad.keras": "abc",
    }.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(DigitwiseError) as told:
        call()
    error = told.value
    assert error.path or error.argument
    assert None not in (error.expected, error.got)
    assert "\n" not in str(error)


def test_what_an_error_is_about_is_told_where_it_is_known():
    with pytest.raises(DataError) as inner, about("outer.npz", argument="data"):
        raise DataError("words", path="inner.npz")
    assert (inner.value.path, inner.value.argument) == ("inner.npz", "data")


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda path: load(path / "set.csv"), "data"),
        (load, "data"),
        (Run.open, None),
        (lambda path: read_patch(path / "none.csv"), "path"),
    ],
    ids=["file", "folder", "run", "patch"],
)
def test_an_error_about_a_file_carries_its_path(tmp_path, call, argument):
    (tmp_path / "set.csv").write_text("label,a\n1,2\n")
    with pytest.raises(DigitwiseError) as told:
        call(tmp_path)
    assert told.value.path.startswith(str(tmp_path))
    assert told.value.argument == argument
