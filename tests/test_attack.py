"""Damaged files at every public door; `bench.py attack` tries a million.

Two ways of damage: those of the benchmark, of which each has a number, and those that Hypothesis thinks out and makes
as small as they can be.
"""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks import attack
from benchmarks.attack import HOSTILE, HOSTILE_NOTEBOOKS, TARGETS, broken_by_notebooks, faults, mutated, rewrite
from benchmarks.kills import COMMANDS, inputs, kill, load_all
from digitwise.errors import DigitwiseError

# NumPy leaves an .npz open that it cannot read.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
FEW = {  # these take tenths of a second each
    "ONNX model": 40,
    "image read for numbers": 20,
    "metadata of an ONNX model": 30,
    "PDF read for numbers": 20,
    "run opened": 12,
    "run compared": 30,
    "run reported": 2,
    ".keras model": 30,
    "layers and weights": 30,
    "saved classifier": 30,
    "saved evaluation": 40,
    "labelled paths calibrated on": 20,
}
DEEP = (
    *(b"[" * 100_000, b'{"a":' * 100_000, b"a = " + b"[" * 100_000, b"a = " + b"{a=" * 100_000),
    *(b'{"format": ' + b"9" * 5000 + b"}", b"null", b"[]", b"{}", b'"x"', b"\xff\xfe", b""),
)
PUT_IN = st.binary(max_size=16) | st.integers(0, len(HOSTILE) - 1)  # by number: Hypothesis refuses long values' repr
CHANGES = st.lists(  # where, how many bytes are taken out, and what is put in
    st.tuples(st.floats(0, 1), st.integers(0, 64), PUT_IN), min_size=1, max_size=4
)
TEXTS = (".json", ".toml", ".csv", ".ipynb")


@pytest.mark.parametrize("name", TARGETS)
def test_damaged_file_gives_a_result_or_an_error_of_our_own(name, tmp_path):
    assert list(faults(TARGETS[name], range(FEW.get(name, 150)), tmp_path)) == []


@pytest.mark.parametrize("name", TARGETS)
def test_whatever_is_changed_gives_a_result_or_an_error_of_our_own(name, tmp_path):
    seeds = [(path, path.read_bytes()) for path in TARGETS[name].seeds(tmp_path)]

    @settings(  # a busy machine is no reason to fail
        max_examples=FEW.get(name, 100),
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=HealthCheck,
    )
    @given(st.integers(0, len(seeds) - 1), CHANGES)
    def ask(seed, changes):
        path, content = seeds[seed]
        changed = bytearray(content)
        for share, length, put in changes:
            place = int(share * len(changed))
            changed[place : place + length] = HOSTILE[put] if isinstance(put, int) else put
        rewrite(path, bytes(changed))
        try:
            with suppress(DigitwiseError):
                TARGETS[name].ask(path)
        finally:
            rewrite(path, content)

    ask()


@pytest.mark.parametrize("name", TARGETS)
def test_text_that_is_nested_without_end_gives_an_error_of_our_own(name, tmp_path):
    texts = [path for path in TARGETS[name].seeds(tmp_path) if path.suffix in TEXTS and name != "run reported"]
    for path in texts:
        before = path.read_bytes()
        for content in DEEP:
            rewrite(path, content)
            with suppress(DigitwiseError):
                TARGETS[name].ask(path)
        rewrite(path, before)


@pytest.mark.slow
def test_every_seed_is_taken_as_it_is(tmp_path):
    for target in TARGETS.values():
        for path in target.seeds(tmp_path):
            target.ask(path)


def test_the_same_case_is_the_same_change():
    content = bytes(range(256))
    assert mutated(content, 7) == mutated(content, 7) != mutated(content, 8)


@pytest.mark.slow
def test_killed_command_leaves_nothing_half_and_nothing_behind(tmp_path):
    """In a process of its own: one that has used Keras cannot be forked."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), load_all) as pool:
        pool.submit(inputs, tmp_path / "given").result()
        for name in ("report", "data normalize", "evaluate"):
            assert pool.submit(kill, (name, tmp_path / "given", range(3))).result() == []


def test_every_command_that_writes_is_killed_and_often_enough():
    names = {command.words[0] for command in COMMANDS}
    assert names >= {"train", "evaluate", "report", "check", "export", "calibrate", "improve", "sweep", "read", "run"}
    assert sum(command.kills for command in COMMANDS) >= 200


@pytest.mark.slow
def test_hostile_notebooks_get_a_page_and_harm_nobody():
    pytest.importorskip("psutil")
    names = ["exit in a cell", "kills a process of the teacher's", "links in all places", "evidence is a pipe"]
    assert list(broken_by_notebooks(names)) == []
    assert len(HOSTILE_NOTEBOOKS) >= 30


def test_rows_of_a_part_replace_only_their_own(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("benchmarks.measure.RESULTS", tmp_path)
    monkeypatch.setattr(attack, "_bomb_rows", lambda _: iter([("set.npz", 5, [(3, "killed")])]))
    monkeypatch.setattr(attack, "_kill_rows", lambda _: iter([("train", 7, [])]))
    for only in (["bombs"], ["kills"], ["bombs"]):
        attack.bench_attack(only=only)
    rows = {(row["kind"], row["what"]): (row["tried"], row["broken"]) for row in attack.kept("attack")}
    assert rows == {("bombs", "set.npz"): ("5", "1"), ("kills", "train"): ("7", "0")}
    assert "set.npz, case 3: killed" in capsys.readouterr().out
