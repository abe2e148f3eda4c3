"""How fast a reader reads, against ``model.predict`` of Keras and plain PyTorch with the same network.

    python -m benchmarks.reader_speed CONTENDER

prints the seconds of one contender; ``bench.py reader-speed`` lets them take turns, each in a process of its own.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.measure import Row, keep, median
from benchmarks.speed import REPEATS, command, process
from digitwise.images import UInt8

IMAGES = 10_000
SINGLES = 2_000
PEER_BATCH = 256
PHOTO = 4_000, 3_000  # pixels: twelve million


def bench_reader_speed() -> None:
    """Batches against peers; one image; normalising; a large photo; the whole command."""
    turns = [(repeat, name) for repeat in range(REPEATS) for name in CONTENDERS]
    rows: list[Row] = [{"repeat": repeat, **row} for repeat, name in turns for row in _of(name)]
    rows += [{"repeat": "", **row} for row in _of("commands")]
    for what in dict.fromkeys(row["what"] for row in rows):
        unit = next(row["unit"] for row in rows if row["what"] == what)
        print(f"{what}: median {median(rows, 'value', what=what):,.4g} {unit}")
    keep("reader_speed", rows)


def _row(what: str, value: float, unit: str) -> Row:
    return {"what": what, "value": round(value, 5), "unit": unit}


def _test_images() -> UInt8:
    from digitwise.data import load

    return load("mnist").test.images[:IMAGES]


def _fastest(work: Callable[[], Any], times: int = 3) -> float:
    """Seconds of the fastest of some calls, after one that warms up."""
    work()
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return min(taken)


def _reader() -> list[Row]:
    from digitwise.normalization import normalize, normalize_all
    from digitwise.reading.reader import Reader

    reader, images = Reader(), _test_images()
    batch = _fastest(lambda: reader.read(images))
    single = []
    for image in images[:SINGLES]:
        started = time.perf_counter()
        reader.read(image)
        single.append(time.perf_counter() - started)
    with np.load(Path(os.environ["DIGITWISE_DATA"]) / "scans" / "drawn_on_screen_1000.npz") as drawn:
        scans = drawn["images"]
    formed = _fastest(lambda: normalize_all(scans))
    singly = _fastest(lambda: [normalize(scan) for scan in scans])
    return [
        _row("reader, 10,000 images to readings", IMAGES / batch, "images/s"),
        _row("reader, 10,000 images to probabilities", IMAGES / _fastest(lambda: reader.probabilities(images)),
             "images/s"),
        _row("reader, one image to its label", statistics.median(single) * 1e3, "ms, p50"),
        _row("normalize, 1,000 scans of 28x28 together, one core", len(scans) / formed, "images/s"),
        _row("normalize, the same one by one", len(scans) / singly, "images/s"),
        _row("reader, a photo of 12 megapixels", _photo(reader), "s"),
    ]  # fmt: skip


def _photo(reader: Any) -> float:
    """Seconds from the JPEG on disk to its lines."""
    with tempfile.TemporaryDirectory() as folder:
        file = made_photo(Path(folder))
        return _fastest(lambda: reader.read_numbers(file))


def made_photo(folder: Path) -> Path:
    """A page of made numbers, brought to the size a phone's camera has."""
    from benchmarks.made_pages import page_of
    from digitwise.data import load

    test = load("mnist").test
    page = page_of(test.images[:100], test.labels[:100], rng=np.random.default_rng(0))
    size = PHOTO if page.image.shape[1] > page.image.shape[0] else PHOTO[::-1]
    file = folder / "photo.jpg"
    Image.fromarray(page.image).resize(size, Image.Resampling.BICUBIC).save(file, quality=90)
    return file


def _keras() -> list[Row]:
    from digitwise import models
    from digitwise.data.prepare import to_input
    from digitwise.recipes import find

    model, images = models.build(find("reader").model, (28, 28, 1), 10), _test_images()
    plain = _fastest(lambda: model.predict(to_input(images), verbose=0))
    large = _fastest(lambda: model.predict(to_input(images), batch_size=PEER_BATCH, verbose=0))
    return [
        _row("Keras, model.predict", IMAGES / plain, "images/s"),
        _row(f"Keras, model.predict in batches of {PEER_BATCH}", IMAGES / large, "images/s"),
    ]


def _torch() -> list[Row]:
    import torch
    from torch import nn

    from digitwise.models.cnn import NARROW

    first, second, third, fourth = NARROW
    network = nn.Sequential(
        *(nn.Conv2d(1, first, 5, stride=2), nn.ReLU()),
        *(nn.Conv2d(first, second, 3, bias=False), nn.BatchNorm2d(second), nn.ReLU()),
        *(nn.Conv2d(second, third, 3, bias=False), nn.MaxPool2d(2), nn.BatchNorm2d(third), nn.ReLU()),
        *(nn.Conv2d(third, fourth, 3, bias=False), nn.BatchNorm2d(fourth), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(fourth * 4, 10), nn.Softmax(dim=1)),
    ).eval()
    images = _test_images()

    def predict() -> None:
        with torch.no_grad():
            for start in range(0, IMAGES, PEER_BATCH):
                part = torch.from_numpy(images[start : start + PEER_BATCH])
                network(part[:, None].float() / 255).numpy()

    return [_row(f"PyTorch, eager in batches of {PEER_BATCH}", IMAGES / _fastest(predict), "images/s")]


def _commands() -> list[Row]:
    """``digitwise read`` as a whole process: seconds and peak memory.

    The images are made by another process: a child's peak counts what its parent held when it was started.
    """
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "benchmarks.reader_speed", "images", folder], check=True)
        for what in ("one.png", "photo.jpg"):
            for _ in range(REPEATS):
                wall, peak = process(command("read", str(Path(folder) / what)))
                rows += [_row(f"digitwise read {what}, whole process", wall, "s")]
                rows += [_row(f"digitwise read {what}, peak memory", peak * 1024, "MiB")]
    return rows


def _write_images(folder: Path) -> None:
    """One digit, and a photo of 12 megapixels."""
    made_photo(folder)
    Image.fromarray(255 - _test_images()[0]).resize((140, 140)).save(folder / "one.png")


def _of(name: str) -> list[Row]:
    """What one contender measures, in a process of its own."""
    module = [sys.executable, "-m", "benchmarks.reader_speed", name]
    done = subprocess.run(module, check=True, stdout=subprocess.PIPE, text=True)
    rows: list[Row] = json.loads(done.stdout.strip().splitlines()[-1])
    return rows


CONTENDERS: dict[str, Callable[[], list[Row]]] = {"reader": _reader, "keras": _keras, "torch": _torch}

if __name__ == "__main__":
    if sys.argv[1] == "images":
        _write_images(Path(sys.argv[2]))
    else:
        print(json.dumps({**CONTENDERS, "commands": _commands}[sys.argv[1]]()))
