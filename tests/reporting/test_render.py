from html.parser import HTMLParser
from pathlib import Path

import pytest

from digitwise.data import load
from digitwise.errors import RunError
from digitwise.images import Dataset
from digitwise.reporting.render import draw_data, draw_run, page_context, render_index
from digitwise.runs import Run
from tests.helpers import blobs


class Page(HTMLParser):
    """Collects what a page asks for, and whether its tags close."""

    def __init__(self):
        super().__init__()
        self.images, self.links, self.ids, self.cells = [], [], set(), []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag == "img":
            assert found["alt"]
            self.images.append(found["src"])
        if tag == "a":
            self.links.append(found["href"])
        if "id" in found:
            self.ids.add(found["id"])

    def handle_data(self, data):
        self.cells.append(data.strip())


@pytest.fixture(scope="module")
def page(trained, digits):
    run, out = Run.open(trained), trained.parent
    draw_data(digits, out / "data")
    draw_run(run, digits)
    render_index([run], digits, ["a is no better than b"], out / "index.html")
    parsed = Page()
    parsed.feed((out / "index.html").read_text())
    return parsed, out


def test_everything_the_page_shows_lies_beside_it(page):
    parsed, out = page
    assert parsed.images
    for target in [*parsed.images, *(link for link in parsed.links if not link.startswith("#"))]:
        assert (out / target).is_file(), target
    assert {link[1:] for link in parsed.links if link.startswith("#")} <= parsed.ids


def test_page_asks_nobody_outside(page):
    _, out = page
    assert "http" not in (out / "index.html").read_text()


def test_page_has_the_numbers_of_the_run(page, trained):
    parsed, _ = page
    test = Run.open(trained).info["results"]["test"]
    assert str(test["errors"]) in parsed.cells
    assert f"{test['accuracy']:.2%}" in parsed.cells


def test_model_to_use_is_chosen_by_validation_not_by_test(trained, digits):
    first, second = Run.open(trained), Run.open(trained)
    first.info["recipe"]["name"], first.info["results"]["validation"]["errors"] = "one", 5
    second.info["recipe"]["name"], second.info["results"]["validation"]["errors"] = "two", 4
    context = page_context([first, second], digits, [])
    assert "by its validation errors, is two" in context["verdict"]
    assert [run["best"] for run in context["runs"]] == [False, True]


def test_names_from_the_data_are_escaped(trained, digits, tmp_path):
    names = ("<b>", *digits.train.class_names[1:])
    sets = [type(s)(s.images, s.labels, names) for s in (digits.train, digits.test)]
    page = tmp_path / "index.html"
    render_index([Run.open(trained)], Dataset("<script>", "here", *sets), [], page)
    assert "<script>" not in page.read_text()


def test_images_of_another_set_are_refused(trained, tmp_path):
    from tests.data.test_load import write_images

    write_images(tmp_path, blobs(60))
    with pytest.raises(RunError, match="expected the test images of"):
        Run.open(trained).dataset(tmp_path)


def test_images_are_found_again(trained):
    assert Run.open(trained).dataset().fingerprint == load("digits").fingerprint
    assert isinstance(trained, Path)
