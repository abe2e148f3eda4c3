import re

import pytest

from digitwise.reporting.pages import coordinates, write_sweep

INFO = {
    "recipe": {"name": "<quick>"},
    "created": "2026-01-02T03:04:05+00:00",
    "kind": "draws",
    "space": {"learning_rate": "log-uniform, 0.001 to 0.1", "betas": [[0.7, 0.9], [0.9, 0.999]]},
    "seed": 3,
    "precision": "float32",
    "data": {"name": "own", "train": 5100, "validation": 900},
    "trials": 4,
    "finished": 2,
    "importances": {"learning_rate": 0.75, "betas": 0.25},
    "note": "The smallest of 4.",
}


def row(trial, state, rate, betas, errors):
    result = {"validation_errors": errors, "validation_log_loss": None if errors is None else 0.1}
    return {
        "trial": trial,
        "state": state,
        "learning_rate": rate,
        "betas": betas,
        **result,
        "epochs": 2,
        "seconds": 3.0,
    }


ROWS = [
    row(2, "finished", 0.01, (0.9, 0.999), 5),
    row(1, "finished", 0.001, (0.7, 0.9), 7),
    row(3, "stopped", 0.1, (0.7, 0.9), 80),
    row(4, "diverged", 0.1, (0.9, 0.999), None),
]
TEST = {"n": 100, "errors": 3, "error_rate": 0.03, "interval_95": [0.01, 0.08]}


def info(**more):
    return {**INFO, "winner": {**ROWS[0], "validation_error_rate": 5 / 900, "test": TEST, "run": "best"}, **more}


@pytest.fixture
def page(tmp_path):
    return write_sweep(tmp_path, info(), ROWS).read_text()


def test_page_has_the_winner_its_test_errors_and_every_trial(page):
    assert "&lt;quick&gt;" in page
    assert "Trial 2 wins" in page
    assert "of 100 images, 3.00\u202f%" in page or "of 100 images, 3.00 %" in page
    assert len(re.findall(r"<tr[^>]*><td>\d", page)) == 4
    assert "2 finished, 1 stopped, 1 diverged" in page
    assert "The smallest of 4." in page


def test_page_needs_nothing_beside_it_and_its_charts_follow_its_colours(page):
    assert page.count("<svg") == 2
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    assert "var(--blue)" in page
    assert "#0072b2" not in page.partition("</style>")[2]


def test_too_few_trials_have_no_importances(tmp_path):
    page = write_sweep(tmp_path, info(importances={}), ROWS).read_text()
    assert page.count("<svg") == 1
    assert "Too few trials finished" in page


def test_trials_lie_on_axes_by_the_size_or_the_order_of_their_values_and_the_winner_on_top():
    axes, kinds = coordinates(info(), ROWS)
    assert kinds == ["stopped", "finished", "winner"]
    assert [axis.name for axis in axes] == ["learning rate", "betas", "validation errors"]
    rate, betas, errors = (list(axis.places) for axis in axes)
    assert rate == pytest.approx([1, 0, 0.5])
    assert betas == [0, 0, 1]
    assert errors[0] == 1
    assert errors[2] == 0
    assert axes[1].ticks == [(0, "0.7:0.9"), (1, "0.9:0.999")]


@pytest.mark.parametrize("width", [375, 1440])
def test_page_fits_the_screen(browser, tmp_path, width):
    file = write_sweep(tmp_path, info(), ROWS)
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto(file.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()
