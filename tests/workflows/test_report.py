"""The report of a model without a training: what only a run has is absent, and the page opens in a browser."""

import json
import re

import numpy as np
import pytest

import digitwise
from digitwise.errors import RunError
from tests.reading.strangers import write_stranger

OF_A_RUN = ("curves", "map", "ledger", "made", "improvement")


@pytest.fixture(scope="module")
def made(digits, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    path = write_stranger(folder / "net.onnx", scale="standardised", shape=(1, 28, 28), ends=())
    return digitwise.report(path, folder / "report.html", data="digits", max_error=0.2)


def test_parts_about_a_training_are_absent(made):
    text = made.read_text()
    assert not [name for name in OF_A_RUN if f'id="{name}"' in text or f'href="#{name}"' in text]
    assert {"confusion", "errors", "classes", "calibration", "reading", "slices", "data"} <= set(
        re.findall(r'<h2 id="(\w+)">', text)
    )
    assert "net.onnx on digits" in text
    assert "input scale standardised, channels first, logits" in text


def test_what_a_threshold_was_chosen_by_is_said(made):
    text, numbers = made.read_text(), json.loads(made.with_suffix(".json").read_text())
    assert numbers["reading"]["basis"] == "180 of the images, drawn class by class"
    assert numbers["reading"]["test_images"] == 180
    assert "fitted on 180 of the images, drawn class by class (these figures are of the other 180)" in text
    assert (numbers["run"], numbers["made"], numbers["history"]) == (None, None, None)


@pytest.mark.parametrize("width", [375, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_opens_without_trouble(made, browser, width, scheme):
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page, trouble = context.new_page(), []
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.goto(made.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("#gallery li").count() > 0
    context.close()
    assert trouble == []


@pytest.mark.usefixtures("undrawn")
def test_a_run_on_other_data_is_reported_with_its_own_threshold(trained, digits, tmp_path):
    some = digits.test.take(np.arange(100))
    np.savez(tmp_path / "some.npz", images=some.images, labels=some.labels)
    page = digitwise.report(trained, tmp_path / "r.html", data=tmp_path / "some.npz", max_error=0.3)
    numbers = json.loads((tmp_path / "r.json").read_text())
    assert (numbers["n"], numbers["run"]) == (100, None)
    assert "validation images" in numbers["reading"]["basis"]
    assert "On the images this came to" in page.read_text()


@pytest.mark.usefixtures("undrawn")
def test_a_run_on_its_own_data_elsewhere_keeps_its_training(trained, digits, tmp_path):
    digitwise.report(trained, tmp_path / "r.html", data=digits)
    assert json.loads((tmp_path / "r.json").read_text())["history"]


@pytest.mark.usefixtures("undrawn")
def test_models_are_compared_on_a_page(trained, digits, tmp_path):
    others = digitwise.evaluate(np.eye(10)[digits.test.labels], digits)
    digitwise.report([trained, others], tmp_path / "r.html")
    numbers = json.loads((tmp_path / "r.json").read_text())
    assert [row["folder"] for row in numbers["runs"]] == [trained.name, "array"]
    assert numbers["runs"][1]["parameters"] is None
    assert "array makes fewer errors" in (tmp_path / "r.html").read_text()


@pytest.mark.usefixtures("undrawn")
def test_a_set_that_lacks_a_class_is_reported_with_a_note(digits, tmp_path):
    few = digits.test.take(np.flatnonzero(digits.test.labels != 7))
    np.savez(tmp_path / "few.npz", images=few.images, labels=few.labels)
    found = digitwise.evaluate(np.eye(10)[few.labels], tmp_path / "few.npz")
    assert found.notes[-1] == "test: no images of class 7"
    assert "test: no images of class 7" in found.report(tmp_path / "r.html").read_text()


def test_a_patch_is_for_a_run_on_its_own_images(digits, tmp_path):
    found = digitwise.evaluate(np.eye(10)[digits.test.labels], digits)
    with pytest.raises(RunError, match=r"labels\.csv: expected a run on its own test images with a label patch"):
        digitwise.report(found, tmp_path / "r.html", patch="labels.csv")
