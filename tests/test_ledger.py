import pytest

from digitwise.errors import RunError
from digitwise.ledger import LedgerEntry, looks, note

FIRST, SECOND = (
    LedgerEntry("2026-01-01T00:00:00+00:00", "results/a", "train"),
    LedgerEntry("2026-01-02", "results/ü", "report"),
)


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("DIGITWISE_LEDGER", str(tmp_path / "ledger"))
    return tmp_path / "ledger"


def test_looks_come_back_in_order_and_by_fingerprint():
    note("abc", FIRST)
    note("abc", SECOND)
    note("xyz", SECOND)
    assert looks("abc") == [FIRST, SECOND]
    assert looks("xyz") == [SECOND]
    assert looks("never seen") == []


def test_damaged_line_does_not_hide_the_others(place):
    note("abc", FIRST)
    with (place / "abc.jsonl").open("a") as file:
        file.write('{"time": 3}\nhalf a li\n')
    note("abc", SECOND)
    assert looks("abc") == [FIRST, SECOND]


def test_ledger_that_cannot_be_written_says_what_to_do(place):
    place.write_text("a file in the way")
    with pytest.raises(RunError, match="set DIGITWISE_LEDGER"):
        note("abc", FIRST)


def test_damaged_lines_are_passed_over(tmp_path, monkeypatch):
    monkeypatch.setenv("DIGITWISE_LEDGER", str(tmp_path))
    (tmp_path / "print.jsonl").write_bytes(b"\xff\xfe\n" + b"[" * 100_000 + b"\n{}\n")
    assert looks("print") == []
