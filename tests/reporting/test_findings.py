"""The page of a data check, opened in a real browser."""

import numpy as np
import pytest

from digitwise.checks import Check, SplitData, Subject, chosen, run_checks
from digitwise.data.raw import Raw
from digitwise.reporting.pages import write_findings
from tests.helpers import glyphs

NAME = f"7/{'a-long-name-' * 9}<i>&.png"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    pixels, labels = glyphs(300), np.arange(300) % 10
    pixels[100], pixels[7], pixels[9] = pixels[5], 0, 255 - pixels[9]
    train = SplitData("train", Raw(pixels, labels, None, (NAME,) * 300, (("<b>.png", "damaged & torn"),)))
    test = SplitData("test", Raw(glyphs(300, seed=1) // 2 * 2, labels))
    checked = run_checks(Subject("drawn", train, test), chosen(ignore=["DW034", "DW040"]))
    return write_findings(checked, tmp_path_factory.mktemp("check"))


@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_opens_without_trouble_and_fits(page, browser, width, scheme):
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    opened, trouble = context.new_page(), []
    opened.on("console", lambda message: trouble.append(message.text))
    opened.on("request", lambda request: None if request.url[:5] in ("file:", "data:") else trouble.append(request.url))
    opened.goto(page.as_uri())
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    for anchor in ("dw004-train", "dw010-train", "dw012-train", "dw030-train", "dw032-train"):
        assert opened.locator(f"#{anchor}").count() == 1
    assert opened.locator("#dw010-train .tile").count() == 2
    tile = opened.locator("#dw010-train .tile i").first
    assert tile.bounding_box()["width"] > 20
    assert opened.get_by_text("<b>.png").count() >= 1
    assert opened.locator("#dw010-train .tile").first.get_attribute("title") == NAME
    assert opened.locator("#dw010-train .tile small").first.inner_text() == NAME
    context.close()
    assert trouble == []


def test_a_check_of_ones_own_stands_on_the_page_without_being_registered(tmp_path):
    class Greeting(Check):
        code, title, meaning, remedy = "ME001", "a greeting", "It means well.", "Greet back."

        def find(self, subject):
            return [self.finding("info", "hello")]

    written = write_findings(
        run_checks(Subject("own", SplitData("train", Raw(glyphs(5), None))), [Greeting()]), tmp_path
    )
    assert "It means well." in written.read_text()


def test_an_interrupted_page_leaves_the_old_one(page, monkeypatch):
    old = page.read_text()
    subject = Subject("other", SplitData("train", Raw(glyphs(60), None)))
    monkeypatch.setattr("digitwise.reporting.pages.findings_content", lambda checked: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_findings(run_checks(subject, chosen(["DW010"])), page.parent)
    assert page.read_text() == old
