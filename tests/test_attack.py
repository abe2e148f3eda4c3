"""Damaged files at every public door; `bench.py attack` tries a million."""

import pytest

from benchmarks.attack import TARGETS, faults, mutated

FEW = {"ONNX model": 40, "image read for numbers": 20}  # these take tenths of a second each


@pytest.mark.parametrize("name", TARGETS)
def test_damaged_file_gives_a_result_or_an_error_of_our_own(name, tmp_path):
    assert list(faults(TARGETS[name], range(FEW.get(name, 150)), tmp_path)) == []


def test_every_seed_is_taken_as_it_is(tmp_path):
    for target in TARGETS.values():
        for path in target.seeds(tmp_path):
            target.ask(path)


def test_the_same_case_is_the_same_change():
    content = bytes(range(256))
    assert mutated(content, 7) == mutated(content, 7) != mutated(content, 8)
