"""A patch filled in one decision at a time: nothing else in the file moves."""

import pytest

from digitwise.data.patches import patch_text, read_patch, rows_of, with_decision

A, B, C = "aa" * 32, "bb" * 32, "cc" * 32
PLAIN = patch_text([(A, 0, "a.png", 4, 9, 0.9), (B, 1, "", 3, 5, 0.8), (C, 2, "", 7, 1, 0.7)])


def test_only_the_decision_of_that_image_changes():
    changed = with_decision(PLAIN.encode(), B, "5").decode()
    assert changed == PLAIN.replace("0.8,\n", "0.8,5\n")
    assert with_decision(changed.encode(), B, "").decode() == PLAIN


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["unix", "windows", "old mac"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["", "mark"])
@pytest.mark.parametrize("between", [",", ";"])
@pytest.mark.parametrize("last", [True, False], ids=["ended", "open end"])
def test_form_of_a_spreadsheet_stays(tmp_path, end, mark, between, last):
    text = PLAIN.replace(",", between).replace("\n", end)
    content = mark + (text if last else text[: -len(end)]).encode()
    changed = with_decision(content, C, "drop")
    assert changed == content.replace(f"0.7{between}".encode(), f"0.7{between}drop".encode())
    (tmp_path / "labels.csv").write_bytes(changed)
    assert read_patch(tmp_path / "labels.csv").decisions == {C: "drop"}


def test_columns_and_rows_of_others_stay_as_they_were_written(tmp_path):
    text = (
        f'decision, note ,SHA256,"who"\n,"two\nlines, ""quoted""",{A.upper()},x\n\n  ,,,\n'
        f'keep,"plain",{B},"y"\n,again,{A},z\n'
    )
    changed = with_decision(text.encode(), A, "4").decode()
    (tmp_path / "labels.csv").write_text(changed)
    patch = read_patch(tmp_path / "labels.csv")
    assert patch.decisions == {A: "4", B: "keep"}
    assert f'keep,"plain",{B},"y"\n' in changed
    assert changed.count("\n") == text.count("\n")
    assert rows_of(patch)[A] == {"decision": "4", "note": 'two\nlines, "quoted"', "sha256": A.upper(), "who": "x"}


def test_label_that_needs_quotes_is_read_back(tmp_path):
    path = tmp_path / "labels.csv"
    for label in ("T-shirt, top", 'a "b"', "drop", ""):
        path.write_bytes(with_decision(PLAIN.encode(), A, label))
        assert read_patch(path).decisions.get(A, "") == label
