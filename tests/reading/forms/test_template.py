"""A template says what is wrong with it in one line."""

import pytest

from digitwise.errors import DataError
from digitwise.reading.forms.template import LARGEST, Field, Template

WHOLE = r"""
marks = [[3, 3], [97, 3], [3, 97], [97.0, 97]]
[fields.amount]
box = [60, 10, 30, 8]
pattern = '\d+\.\d\d'
[fields.postcode]
box = [10, 20, 40, 6.5]
expect = 5
[fields."house number"]
box = [0, 0, 100, 100]
"""
BOX = "box = [1, 2, 3, 4]"


def test_a_template_has_its_fields_in_order(tmp_path):
    path = tmp_path / "form.toml"
    path.write_text(WHOLE)
    template = Template.from_file(path)
    assert template.marks == ((3, 3), (97, 3), (3, 97), (97, 97))
    assert template.fields == (
        Field("amount", (60, 10, 30, 8), pattern=r"\d+\.\d\d"),
        Field("postcode", (10, 20, 40, 6.5), expect=5),
        Field("house number", (0, 0, 100, 100)),
    )


def test_bom_and_windows_line_ends_are_taken(tmp_path):
    path = tmp_path / "form.toml"
    path.write_bytes(b"\xef\xbb\xbf" + WHOLE.replace("\n", "\r\n").encode())
    assert Template.from_file(path).fields == Template.from_toml(WHOLE, "x").fields


REFUSED = {
    "not-toml": ("[fields", "expected a template in TOML"),
    "twice": (f"[fields.a]\n{BOX}\n[fields.a]\n{BOX}", "expected a template in TOML"),
    "deep": ("a = " + "[" * 5000, "expected a template in TOML"),
    "empty": ("", "expected fields, got none"),
    "no-fields": ("fields = {}", "expected fields, got none"),
    "fields-no-table": ("fields = 3", "expected fields, got 3"),
    "field-no-table": ("fields.a = 3", "field 'a': expected a table with a box, got 3"),
    "unknown-key": (f"form = 1\n[fields.a]\n{BOX}", "got 'form'"),
    "unknown-key-of-field": (f"[fields.a]\n{BOX}\nexcept = 3", "field 'a': expected the keys box, expect, pattern"),
    "no-box": ("[fields.a]", "got none"),
    "three-numbers": ("[fields.a]\nbox = [1, 2, 3]", "give four numbers"),
    "words": ("[fields.a]\nbox = [1, 2, 3, 'x']", "give four numbers"),
    "truth": ("[fields.a]\nbox = [1, 2, 3, true]", "give four numbers"),
    "nan": ("[fields.a]\nbox = [1, 2, 3, nan]", "give four numbers"),
    "infinite": ("[fields.a]\nbox = [1, 2, 3, inf]", "give four numbers"),
    "no-width": ("[fields.a]\nbox = [1, 2, 0, 4]", "above 0"),
    "no-height": ("[fields.a]\nbox = [1, 2, 3, -1]", "above 0"),
    "left-of-the-form": ("[fields.a]\nbox = [-1, 2, 3, 4]", "within 0 and 100"),
    "beyond-the-form": ("[fields.a]\nbox = [60, 2, 41, 4]", "within 0 and 100"),
    "below-the-form": ("[fields.a]\nbox = [60, 99, 4, 4]", "within 0 and 100"),
    "both": (
        f"[fields.a]\n{BOX}\npattern = '1'\nexpect = 3",
        "'a': expected a pattern or a number of digits, got both",
    ),
    "bad-pattern": (f"[fields.a]\n{BOX}\npattern = '('", "expected a regular expression"),
    "no-pattern": (f"[fields.a]\n{BOX}\npattern = ''", "expected pattern to be"),
    "number-as-pattern": (f"[fields.a]\n{BOX}\npattern = 3", "expected pattern to be"),
    "expect-none": (f"[fields.a]\n{BOX}\nexpect = 0", "field 'a': expected 1 to 40 digits in a number, got 0"),
    "expect-truth": (f"[fields.a]\n{BOX}\nexpect = true", "expected expect to be a number of digits"),
    "expect-half": (f"[fields.a]\n{BOX}\nexpect = 2.5", "expected expect to be a number of digits"),
    "same-but-for-case": (f"[fields.a]\n{BOX}\n[fields.A]\n{BOX}", "expected names that differ"),
    "no-name": (f'[fields.""]\n{BOX}', "expected a field's name"),
    "space-around": (f'[fields." a"]\n{BOX}', "expected a field's name"),
    "line-break": (f'[fields."a\\nb"]\n{BOX}', "expected a field's name"),
    "long-name": (f"[fields.{'a' * 81}]\n{BOX}", "expected a field's name"),
    "many-fields": ("".join(f"[fields.a{k}]\n{BOX}\n" for k in range(501)), "500 fields at most, got 501"),
    "two-marks": (f"marks = [[1, 2], [50, 60]]\n[fields.a]\n{BOX}", "got 2"),
    "marks-beyond": (f"marks = [[1, 2], [50, 60], [101, 4]]\n[fields.a]\n{BOX}", "from 0 to 100"),
    "marks-no-list": (f"marks = 'four'\n[fields.a]\n{BOX}", "got four"),
    "marks-on-a-line": (f"marks = [[1, 1], [50, 50], [90, 90]]\n[fields.a]\n{BOX}", "all on one line"),
    "one-mark-twice": (f"marks = [[1, 1], [1, 1], [90, 9], [5, 80]]\n[fields.a]\n{BOX}", "take one out"),
}


@pytest.mark.parametrize(("text", "told"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_template_is_refused(text, told):
    with pytest.raises(DataError) as raised:
        Template.from_toml(text, "form.toml")
    message = str(raised.value)
    assert message.startswith("form.toml: ")
    assert told in message
    assert "\n" not in message
    assert len(message) < 400
    assert message.isprintable()


CONTENT = {
    "large": (b"#" * (LARGEST + 1), "1 MB at most"),
    "latin": ("# Größe\n[fields.a]".encode("latin-1"), "expected text in UTF-8, got another byte at 4"),
    "binary": (bytes(range(256)), "expected"),
}


@pytest.mark.parametrize(("content", "told"), CONTENT.values(), ids=CONTENT)
def test_a_file_that_is_no_text_is_refused(tmp_path, content, told):
    path = tmp_path / "form.toml"
    path.write_bytes(content)
    with pytest.raises(DataError, match=told):
        Template.from_file(path)


@pytest.mark.parametrize("name", ["missing.toml", ".", "nul\0.toml"])
def test_a_file_that_cannot_be_opened_is_refused(tmp_path, name):
    with pytest.raises(DataError, match="cannot be read"):
        Template.from_file(tmp_path / name)
