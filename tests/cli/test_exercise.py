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
    assert "choose another out (--out)" in again.err


def test_new_into_a_file_is_a_line(digitwise, tmp_path):
    (tmp_path / "class").write_text("")
    refused = digitwise("exercise", "new", "--out", tmp_path / "class")
    assert refused.code == 2
    assert refused.err.count("\n") == 1


def test_new_says_how_to_open_it_and_what_to_install(digitwise, tmp_path, monkeypatch):
    monkeypatch.setattr("digitwise.parts.is_installed", lambda name: False)
    told = digitwise("exercise", "new", "--out", tmp_path, "--open").out
    assert 'pip install "digitwise[notebook]", then jupyter lab' in told
    assert "VS Code" in told
    assert "Colab" in told


def test_new_opens_jupyterlab_where_it_is_installed(digitwise, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr("digitwise.parts.is_installed", lambda name: True)
    monkeypatch.setattr("subprocess.call", lambda command: opened.append(command) or 0)
    assert digitwise("exercise", "new", "--out", tmp_path, "--open").code == 0
    assert [command[1:] for command in opened] == [["-m", "jupyterlab", str(tmp_path / "mnist_exercise.ipynb")]]


def test_new_writes_the_german_edition(digitwise, tmp_path):
    assert digitwise("exercise", "new", "--out", tmp_path, "--language", "de").code == 0
    text = (tmp_path / "mnist_exercise.ipynb").read_text(encoding="utf-8")
    assert "Die neue Trainingsstrategie" in text
    assert "The new training strategy" not in text
