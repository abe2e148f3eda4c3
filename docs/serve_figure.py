"""Draws docs/serve.png: the page of digitwise serve with a digit drawn on it and a made photo of numbers.

The digits are strokes of this file, so that the image holds nobody's writing. From the root:
``python -m docs.serve_figure``.
"""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from playwright.sync_api import Page

PLACE = Path(__file__).with_name("serve.png")
NUMBERS = "50372946108"
SEED = 4  # a page upright on a desk
STROKES = {  # points on a square of side 100
    "0": [[50, 8, 30, 22, 24, 52, 34, 84, 52, 92, 70, 80, 76, 48, 68, 20, 50, 8]],
    "1": [[54, 8, 52, 34, 49, 62, 47, 92]],
    "2": [[28, 26, 40, 10, 60, 10, 70, 26, 62, 48, 40, 72, 26, 90, 50, 86, 76, 90]],
    "3": [[28, 16, 50, 8, 68, 20, 62, 38, 44, 47, 64, 54, 72, 72, 58, 90, 30, 88]],
    "4": [[40, 8, 34, 32, 28, 54, 52, 54, 76, 52], [64, 30, 62, 62, 58, 94]],
    "5": [[70, 10, 38, 12, 34, 44, 56, 42, 70, 58, 66, 80, 46, 92, 26, 84]],
    "6": [[62, 6, 40, 28, 28, 60, 34, 86, 54, 92, 70, 76, 60, 58, 40, 60, 30, 74]],
    "7": [[24, 14, 50, 12, 76, 14, 64, 42, 52, 66, 44, 92]],
    "8": [[66, 20, 48, 8, 34, 22, 46, 42, 64, 60, 66, 82, 48, 92, 32, 78, 42, 56, 62, 38, 66, 20]],
    "9": [[68, 28, 50, 10, 32, 26, 40, 46, 60, 44, 68, 26, 66, 56, 58, 92]],
}


def points(stroke: list[int]) -> list[tuple[float, float]]:
    """A smooth way through a stroke's points, each in [0, 1]."""
    from scipy.interpolate import make_interp_spline

    corners = np.array(stroke).reshape(-1, 2) / 100
    along = np.r_[0, np.cumsum(np.hypot(*np.diff(corners, axis=0).T))]
    way = make_interp_spline(along, corners, k=2)(np.linspace(0, along[-1], 40))
    return [tuple(place) for place in way.tolist()]


def written(digit: str) -> np.ndarray:
    """The digit light on dark, uint8 (56, 56)."""
    image = Image.new("L", (224, 224))
    pen = ImageDraw.Draw(image)
    for stroke in STROKES[digit]:
        way = [(32 + x * 160, 32 + y * 160) for x, y in points(stroke)]
        pen.line(way, fill=255, width=17, joint="curve")
        for x, y in (way[0], way[-1]):
            pen.ellipse((x - 8, y - 8, x + 8, y + 8), fill=255)
    return np.asarray(image.resize((56, 56), Image.Resampling.LANCZOS))


def photo() -> bytes:
    """A made photo of numbers, as PNG."""
    from benchmarks.made_pages import page_of

    digits = np.stack([written(digit) for digit in NUMBERS])
    page = page_of(digits, np.array([int(digit) for digit in NUMBERS]), rng=np.random.default_rng(SEED))
    print(*page.lines, sep="\n")
    file = io.BytesIO()
    Image.fromarray(page.image).save(file, "PNG")
    return file.getvalue()


def use(page: Page, content: bytes) -> None:
    """Draw a seven, and bring the photo."""
    frame = page.locator("#pad").bounding_box()
    assert frame is not None
    for stroke in STROKES["7"]:
        way = [
            (frame["x"] + (0.18 + 0.64 * x) * frame["width"], frame["y"] + (0.18 + 0.64 * y) * frame["height"])
            for x, y in points(stroke)
        ]
        page.mouse.move(*way[0])
        page.mouse.down()
        for place in way[1:]:
            page.mouse.move(*place)
        page.mouse.up()
    page.wait_for_timeout(1000)
    page.set_input_files("#files", [{"name": "numbers.png", "mimeType": "image/png", "buffer": content}])
    page.wait_for_selector("#viewer .overlay rect")
    page.mouse.move(0, 0)
    page.wait_for_timeout(500)


def draw() -> None:
    """Serve, draw, look, and keep the image at the README's width."""
    import shutil

    from playwright.sync_api import sync_playwright

    from digitwise.server.app import application
    from digitwise.server.service import Settings
    from tests.server.running import served

    with served(application(Settings())) as server, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": 1200, "height": 900}, color_scheme="light")
        page.goto(server.url)
        page.wait_for_selector("html[data-ready]")
        use(page, photo())
        page.evaluate("scrollTo(0, 0)")
        with tempfile.TemporaryDirectory() as folder:
            page.screenshot(path=Path(folder) / "page.png", full_page=True)
            with Image.open(Path(folder) / "page.png") as shot:
                shot.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(PLACE, optimize=True)
        chromium.close()


if __name__ == "__main__":
    draw()
