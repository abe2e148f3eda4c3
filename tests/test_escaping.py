"""Names that strangers chose: each place they go to gets them harmless."""

import json
import os

import pytest

from digitwise.escaping import cell, from_cell, json_text, printable


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\nb", r"a\nb"),
        ("\x1b[31m", r"\x1b[31m"),
        ("\x9b2J", r"\x9b2J"),
        ("a\u202egnp.exe", r"a\u202egnp.exe"),
        (os.fsdecode(b"\xe9.png"), r"\xe9.png"),
        ("日本 é – 10\u202fAM.png", "日本 é – 10\u202fAM.png"),
    ],
    ids=["newline", "escape", "8-bit escape", "turned round", "no UTF-8", "letters"],
)
def test_what_controls_a_terminal_is_escaped_and_letters_stay(name, shown):
    assert printable(name) == shown
    assert printable("a\nb\x07", keep="\n") == "a\nb\\x07"


@pytest.mark.parametrize("text", ["=1+1", "+x", "-x", "@x", "'=1", "''@", "\uff1d1"])
def test_a_formula_gets_an_apostrophe_that_can_be_taken_off(text):
    assert cell(text) == f"'{text}"
    assert from_cell(cell(text)) == text


@pytest.mark.parametrize("value", ["7", "-5", "+1.5", "it's", "'tis", "a=b", "", None, 0.25, -3])
def test_other_cells_stay(value):
    assert cell(value) == value
    assert value is None or from_cell(str(value)) == str(value)


def test_cells_hold_no_controls():
    assert cell("\t=1\r\n") == r"\t=1\r\n"


def test_json_keeps_every_value_and_has_no_controls():
    value = {"é": ["\x7f\x9b\u202e\u2028\udce9\U000e0041", "a\nb", "🏳\u200d🌈"]}
    for text in (json_text(value), json_text(value, indent=2)):
        assert json.loads(text) == value
        assert not set(text) & set("\x7f\x9b\u202e\u2028\udce9\U000e0041\x1b")
        assert "🏳\u200d🌈" in text
