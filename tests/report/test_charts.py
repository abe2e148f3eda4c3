import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from digitwise.evaluation.calibration import at_temperature, calibration
from digitwise.evaluation.selective import reading_policy, risk_coverage
from digitwise.report import charts, figures
from tests.helpers import drawn


def curves(stem):
    rows = [
        {"epoch": e, "loss": 1 / e, "accuracy": 0.9, "val_loss": 1 / e, "val_accuracy": 0.9} for e in (1.0, 2.0, 3.0)
    ]
    charts.learning_curves(rows, "baseline", stem)


def reliability(stem):
    answers = drawn(500)
    charts.reliability(calibration(answers), calibration(at_temperature(answers, 2.0)), stem)


def risks(stem):
    answers = drawn(2000, sharpness=12)
    charts.risk_coverage(risk_coverage(answers), risk_coverage(answers), reading_policy(answers, 0.05), stem)


def feature_map(stem):
    rng, labels = np.random.default_rng(0), np.arange(60) % 12
    charts.feature_map(rng.random((60, 2)), labels, labels == 3, [str(i) for i in range(12)], stem)


@pytest.mark.parametrize("draw", [curves, reliability, risks, feature_map])
def test_chart_is_kept_as_png_and_as_svg_for_the_page(tmp_path, draw):
    draw(tmp_path / "a")
    with Image.open(tmp_path / "a.png") as image:
        assert round(image.info["dpi"][0]) == figures.DPI
        assert np.asarray(image.convert("L")).std() > 5
    inline = charts.inline(tmp_path / "a")
    assert ET.fromstring(inline.replace("xlink:", "")).get("class") == "chart"
    assert "var(--blue)" in inline or draw is feature_map
    assert figures.BLUE not in inline or draw is feature_map


def test_promise_far_above_the_errors_does_not_spoil_the_chart(tmp_path):
    answers = drawn(2000, sharpness=12)
    policy = reading_policy(answers, 0.8)
    charts.risk_coverage(risk_coverage(answers), risk_coverage(answers), policy, tmp_path / "a")
    assert "promise" not in charts.inline(tmp_path / "a")


def test_names_in_two_charts_do_not_meet(tmp_path):
    for name in ("a", "b"):
        curves(tmp_path / name)
    one, other = (
        {element.get("id") for element in ET.fromstring(charts.inline(tmp_path / n).replace("xlink:", "")).iter()}
        for n in ("a", "b")
    )
    assert one & other == {None}


def test_equal_charts_are_equal_files(tmp_path):
    for name in ("a", "b"):
        curves(tmp_path / name)
    assert (tmp_path / "a.svg").read_text() == (tmp_path / "b.svg").read_text()
