"""Rows: which contenders are measured, which old rows give way, and that each says where it comes from."""

import importlib.util

from benchmarks import measure
from benchmarks.contender import PEERS, at_hand
from benchmarks.recipes import replaced
from digitwise.recipes import RECIPES

OLD = {"contender": "flash", "data": "mnist", "seed": "0", "budget": "", "cpu": "AMD EPYC"}


def test_contenders_of_pytorch_are_left_out_where_it_is_not_installed(monkeypatch, capsys):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else found(name))
    assert set(at_hand()) == {*RECIPES, *PEERS} - {"fast-torch", "fast-torch-bfloat16"}
    assert 'pip install "digitwise[peers]"' in capsys.readouterr().out


def test_row_takes_the_place_of_the_one_before():
    assert replaced([OLD], {**OLD, "seed": 0, "errors": 1}) == [{**OLD, "seed": 0, "errors": 1}]
    assert len(replaced([OLD], {**OLD, "seed": 1})) == 2
    assert len(replaced([OLD], {**OLD, "cpu": "Intel Xeon"})) == 2


def test_row_without_a_backend_is_tensorflows():
    assert len(replaced([OLD], {**OLD, "backend": "tensorflow"})) == 1
    assert len(replaced([OLD], {**OLD, "backend": "jax"})) == 2
    assert len(replaced([OLD], {**OLD, "contender": "fast-torch", "backend": ""})) == 2


def test_kept_rows_with_fewer_columns_are_not_given_this_machines(tmp_path, monkeypatch):
    monkeypatch.setattr(measure, "RESULTS", tmp_path)
    measure.keep("rows", [OLD, {"contender": "improved", "backend": "jax"}])
    old, new = measure.kept("rows")
    assert (old["cpu"], old["keras"], old["backend"]) == ("AMD EPYC", "", "")
    assert (new["cpu"], new["backend"]) == (measure.machine()["cpu"], "jax")
    assert new["keras"]
