import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from digitwise import drawing
from digitwise.evaluation.calibration import at_temperature, calibration
from digitwise.evaluation.selective import reading_policy, risk_coverage
from digitwise.reporting import charts
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
    curves = {"validation": risk_coverage(answers), "test": risk_coverage(answers)}
    charts.risk_coverage(curves, reading_policy(answers, 0.05), stem)


def feature_map(stem):
    rng, labels = np.random.default_rng(0), np.arange(60) % 12
    charts.feature_map(rng.random((60, 2)), labels, labels == 3, [str(i) for i in range(12)], stem)


@pytest.mark.parametrize("draw", [curves, reliability, risks, feature_map])
def test_chart_is_kept_as_png_and_as_svg_for_the_page(tmp_path, draw):
    draw(tmp_path / "a")
    with Image.open(tmp_path / "a.png") as image:
        assert round(image.info["dpi"][0]) == drawing.DPI
        assert np.asarray(image.convert("L")).std() > 5
    inline = charts.inline(tmp_path / "a")
    assert ET.fromstring(inline.replace("xlink:", "")).get("class") == "chart"
    assert "var(--blue)" in inline or draw is feature_map
    assert drawing.BLUE not in inline or draw is feature_map


def test_guarantee_far_above_the_errors_does_not_spoil_the_chart(tmp_path):
    answers = drawn(2000, sharpness=12)
    policy = reading_policy(answers, 0.8)
    curves = {"validation": risk_coverage(answers), "test": risk_coverage(answers)}
    charts.risk_coverage(curves, policy, tmp_path / "a")
    assert "guarantee" not in charts.inline(tmp_path / "a")


def test_names_in_two_charts_do_not_meet(tmp_path):
    for name in ("a", "b"):
        curves(tmp_path / name)
    one, other = (
        {element.get("id") for element in ET.fromstring(charts.inline(tmp_path / n).replace("xlink:", "")).iter()}
        for n in ("a", "b")
    )
    assert one & other == {None}


def test_colours_of_the_classes_are_told_apart_by_everybody():
    """Distance in CIELAB as seen with either of three kinds of colour blindness, simulated in full.

    G. M. Machado et al., A Physiologically-based Model for Simulation of Color Vision Deficiency, IEEE TVCG 15 (2009).
    """
    seen = {
        "all": np.eye(3),
        "no red": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
        "no green": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
        "no blue": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
    }
    colours = np.array([[int(name[i : i + 2], 16) / 255 for i in (1, 3, 5)] for name in charts.CLASS_COLOURS])
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    for kind, matrix in seen.items():
        lab = cielab(np.clip(linear @ np.transpose(matrix), 0, 1))
        apart = np.linalg.norm(lab[:, None] - lab, axis=2) + 1000 * np.eye(len(lab))
        assert apart.min() > 24, kind
    contrast = [(1.05 / (y + 0.05), (y + 0.05) / 0.0575) for y in linear @ [0.2126, 0.7152, 0.0722]]
    assert np.min(contrast) > 1.8  # on white and on the dark page


def cielab(linear):
    xyz = linear @ np.array([[0.4125, 0.2127, 0.0193], [0.3576, 0.7152, 0.1192], [0.1804, 0.0722, 0.9503]])
    cube = np.cbrt(xyz / [0.9505, 1, 1.0888])
    f = np.where(cube > 6 / 29, cube, xyz / [0.9505, 1, 1.0888] / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)


def test_map_has_its_axes_named(tmp_path):
    feature_map(tmp_path / "a")
    text = (tmp_path / "a.svg").read_text()
    assert "t-SNE, first axis" in text
    assert "t-SNE, second axis" in text


def test_equal_charts_are_equal_files(tmp_path):
    for name in ("a", "b"):
        curves(tmp_path / name)
    assert (tmp_path / "a.svg").read_text() == (tmp_path / "b.svg").read_text()
