"""Numbers stand in the rows and columns that a person would put them in."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import rotate

from digitwise.reading.finder import bundled
from digitwise.reading.numbers import page_of
from digitwise.reading.results import Digit, Line, Number, Page
from digitwise.reading.tables import Table, table_of
from tests.reading.drawing import photo, write
from tests.reading.layouts import Layout, made

SEEDS = 20
LAYOUTS = {
    "no-cell-empty": Layout(empty=0),
    "many-cells-empty": Layout(empty=0.4),
    "tilted-left": Layout(degrees=-4),
    "tilted-right": Layout(degrees=4, empty=0.4),
    "left-aligned": Layout(align="left", degrees=2),
    "centred": Layout(align="centre", degrees=-2),
    "anywhere-in-the-cell": Layout(align="any"),
    "bent": Layout(bow=0.8, empty=0),
    "fanned": Layout(fan=0.08),
    "title": Layout(title=True, degrees=3),
    "span": Layout(span=True),
    "turned-left": Layout(turn=1, degrees=3),
    "upside-down": Layout(turn=2, degrees=-3),
    "turned-right": Layout(turn=3),
    "close-rows": Layout(pitch=1.35),
    "close-columns": Layout(gutter=1.0),
    "far-columns": Layout(columns=2, gutter=12, degrees=4),
    "large": Layout(rows=25, columns=9, degrees=1),
}


def is_table(truth):
    return len(truth) > 1 and sum(sum(map(bool, column)) > 1 for column in zip(*truth, strict=True)) > 1


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_every_number_is_put_in_its_cell(layout):
    for seed in range(5 if layout.rows > 20 else SEEDS):
        page, truth = made(layout, seed)
        found = table_of(page)
        assert (found and found.text) == (truth if is_table(truth) else None), seed
        assert not layout.title or [len(number.text) for number in found.outside] == [4]


@pytest.mark.parametrize(
    "layout", [Layout(several=True, lengths=(3, 6)), Layout(rows=4, columns=3, empty=0.4)], ids=["several", "small"]
)
def test_hard_tables_are_mostly_right(layout):
    right = 0
    for seed in range(SEEDS):
        page, truth = made(layout, seed)
        found = table_of(page)
        right += (found and found.text) == (truth if is_table(truth) else None)
    assert right >= 0.9 * SEEDS


def test_numbers_that_were_taken_for_one_are_parted():
    page, truth = made(Layout(empty=0, align="left", lengths=(3, 3), gutter=1.2), 0)
    first, second, *others = page.numbers
    box = (first.box[0], first.box[1], second.box[2], second.box[3])
    written = f"{first.text[:1]}.{first.text[1:]}{second.text[:2]}.{second.text[2:]}="
    glued = Number(first.text + second.text, written, 0.9, "read", box, first.digits + second.digits)
    found = table_of(replace(page, numbers=(glued, *others)))
    assert [[number.text for number in row] for row in found.rows] == [list(row) for row in truth]
    assert found.text[0][:2] == (f"{first.text[:1]}.{first.text[1:]}", f"{second.text[:2]}.{second.text[2:]}=")
    assert {number.confidence for number in found.rows[0][:2]} == {0.9}


def test_several_numbers_of_a_cell_are_as_sure_as_all_of_them():
    page, _ = made(Layout(empty=0, several=True, lengths=(5, 6)), 1)
    doubtful = [replace(number, status="unsure") if len(number.text) == 2 else number for number in page.numbers]
    cells = [cell for row in table_of(replace(page, numbers=tuple(doubtful))).rows for cell in row if " " in cell.text]
    assert [(cell.status, round(cell.confidence, 4), len(cell.digits)) for cell in cells] == [("unsure", 0.9604, 4)] * 2


def test_lines_of_the_page_do_not_matter():
    page, truth = made(Layout(degrees=3), 5)
    whole = Line.of([number.digits for number in page.numbers])
    assert table_of(replace(page, lines=(whole,))).text == truth


@pytest.mark.parametrize(
    ("rows", "columns", "empty"), [(1, 6, 0), (6, 1, 0), (1, 1, 0), (1, 1, 1)], ids=["row", "column", "one", "none"]
)
def test_what_has_fewer_than_two_rows_and_columns_is_no_table(rows, columns, empty):
    numbers = tuple(
        Number("7", "7", 1.0, "read", box, (Digit("7", 1.0, "read", box),))
        for y in range(rows)
        for x in range(columns)
        for box in [(200 * x, 90 * y, 200 * x + 25, 90 * y + 40)]
        if not empty
    )
    assert table_of(Page(None, (), 0, numbers)) is None


def test_csv_keeps_signs_and_empty_cells():
    comma = Number("1250", "12,50", 0.9, "read", (0, 0, 1, 1), ())
    unsure = Number("?7", "?7", 0.4, "unsure", (0, 0, 1, 1), ())
    table = Table(((comma, None), (None, unsure)))
    assert table.csv == '"12,50",\r\n,?7\r\n'
    assert tuple(map(tuple, csv.reader(io.StringIO(table.csv)))) == table.text


@pytest.mark.parametrize(("degrees", "pitch"), [(0, 72), (3, 72), (-3, 60)])
def test_a_drawn_table_is_read_as_one(degrees, pitch):
    rows = (("31", "4159", ""), ("", "26", "535"), ("8979", "", "3"), ("238", "462", "6433"), ("", "8", "32"))
    ink = np.zeros((pitch * len(rows) + 160, 840), np.float32)
    for i, row in enumerate(rows):
        for j, text in enumerate(row):
            write(ink, text, 80 + 240 * j, 80 + pitch * i, gap=8)
    image = photo(np.clip(rotate(ink, degrees, order=1), 0, 1))
    found = table_of(page_of(bundled().find(image), path=None, least=0))
    assert tuple(tuple(number.text if number else "" for number in row) for row in found.rows) == rows
