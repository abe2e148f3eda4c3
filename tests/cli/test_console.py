import io

from rich.console import Console

from digitwise.cli.console import table


def shown(grid, width=80):
    console = Console(file=io.StringIO(), width=width, highlight=False)
    console.print(grid)
    return console.file.getvalue()


def test_words_wrap_and_no_column_goes_under():
    name = "digits tall and narrow (height to width from 1.7) and of class 8"
    verdict = "no evidence of a difference between before and after (p = 0.424)"
    columns = ("judged on the other half", "images", "wrong before", "after", "")
    text = shown(table(columns, [(name, 512, 24, 19, verdict)]))
    words = " ".join(text.split())
    assert all(part in words for part in (*name.split(), *verdict.split(), "512", "24", "19", "images"))
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_numbers_stand_to_the_right_and_do_not_break():
    lines = shown(table(("class", "errors"), [("a", 7), ("b", 1234)])).splitlines()
    assert [line.rstrip()[-1] for line in lines] == ["s", "7", "4"]
    assert lines[1].index("7") == lines[2].index("4")
