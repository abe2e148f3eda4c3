"""Draws docs/report.png and docs/errors.png from a training on MNIST: ``python -m docs.report_figure``."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import chdir
from pathlib import Path

from PIL import Image

FOLDER = Path(__file__).resolve().parent
TALL = 1500  # pixels of the report that are shown


def draw() -> None:
    """Train, write the report, and look at its first part."""
    from playwright.sync_api import sync_playwright

    from digitwise.cli.main import main

    with tempfile.TemporaryDirectory() as folder, chdir(folder), sync_playwright() as playwright:
        run = Path("results", "augmented")  # as the report says it
        main(["train", "augmented", "--data", "mnist"])
        main(["report", str(run), "--max-error", "0.5%"])
        shutil.copy(run / "errors.png", FOLDER / "errors.png")
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": 1000, "height": TALL}, color_scheme="light")
        page.goto((run / "report.html").resolve().as_uri())
        page.screenshot(path=Path(folder) / "report.png")
        with Image.open(Path(folder) / "report.png") as shot:
            shot.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(FOLDER / "report.png", optimize=True)
        chromium.close()


if __name__ == "__main__":
    draw()
