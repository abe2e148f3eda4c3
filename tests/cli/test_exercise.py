def test_new_writes_the_exercise_once(digitwise, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    first = digitwise("exercise", "new", "--out", "~/class", "--json")
    assert first.code == 0
    assert first.json == {
        "notebook": str(tmp_path / "class" / "mnist_exercise.ipynb"),
        "results": str(tmp_path / "class" / "results"),
        "points": 10,
    }
    again = digitwise("exercise", "new", "--out", tmp_path / "class")
    assert again.code == 2
    assert again.err.count("\n") == 1
    assert "choose another --out" in again.err


def test_new_into_a_file_is_a_line(digitwise, tmp_path):
    (tmp_path / "class").write_text("")
    refused = digitwise("exercise", "new", "--out", tmp_path / "class")
    assert refused.code == 2
    assert refused.err.count("\n") == 1
