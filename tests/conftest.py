"""What tests share: MNIST where it is at hand, small sets of drawn digits, one trained run."""

from __future__ import annotations

import dataclasses
import os
import shutil
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from digitwise.data import locate
from digitwise.data.sources import SOURCES
from digitwise.images import Dataset, Float16, Float64, Int64
from digitwise.predictions import Predictions
from tests.helpers import blobs

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from ray.cluster_utils import Cluster


CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests about what is not at hand, MNIST or a browser; where it is required, its absence is a failure."""
    needed = {
        "mnist": (locate(SOURCES["mnist"]), "MNIST: set DIGITWISE_DATA to the folder that holds mnist/"),
        "browser": (CHROMIUM, "Chromium: install it, or put it on the PATH"),
    }
    for fixture, (found, what) in needed.items():
        if found is not None:
            continue
        if os.environ.get(f"DIGITWISE_REQUIRE_{fixture.upper()}"):
            pytest.exit(f"required here and not at hand: {what}", returncode=2)
        for item in items:
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.skip(reason=f"not at hand: {what}"))


@pytest.fixture(scope="session", autouse=True)
def _ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep looks at test sets out of the ledger of the user who runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIGITWISE_LEDGER", str(tmp_path_factory.mktemp("ledger")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _layouts() -> Iterator[None]:
    """Lay out the same features once: many tests make a report of the same run, and its map takes most of a second."""
    from digitwise.reporting import feature_map

    lay_out, known = feature_map.feature_places, {}

    def places_of(features: Float16, predictions: Predictions) -> tuple[Int64, Float64]:
        key = features.shape, features.tobytes(), predictions.labels.tobytes(), predictions.probabilities.tobytes()
        if key not in known:
            known[key] = lay_out(features, predictions)
        indices, places = known[key]
        return indices.copy(), places.copy()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feature_map, "feature_places", places_of)
        yield


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have figures put together and their files written, but empty: for tests of anything else that draw many."""
    from matplotlib.figure import Figure

    monkeypatch.setattr(Figure, "savefig", lambda self, path, **_: Path(path).write_text("<svg></svg>"))


@pytest.fixture(scope="session")
def mnist() -> Dataset:
    from digitwise.data import load

    return load("mnist")


@pytest.fixture(scope="session")
def digits() -> Dataset:
    from digitwise.data import load

    return load("digits")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium, headless; it asks nothing of any network."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        quiet = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=quiet)
        yield chromium
        chromium.close()


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """What a terminal was sent on stderr so far."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")  # by which rich knows one
    sent: list[str] = []
    return lambda: (sent.append(capsys.readouterr().err), "".join(sent))[1]


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What a notebook shows, one image after another."""
    from rich.console import Console

    shown: list[Any] = []
    handle = types.SimpleNamespace(update=shown.append)
    monkeypatch.setattr("IPython.display.display", lambda what, **options: (shown.append(what), handle)[1])
    monkeypatch.setattr("digitwise.progress.bars.PAUSE", -1)
    plain = Console.__init__
    monkeypatch.setattr(Console, "__init__", lambda self, **options: plain(self, **options, force_jupyter=True))
    return shown


@pytest.fixture(scope="session")
def two_nodes() -> Iterator[Cluster]:
    """A Ray cluster of two machines with a core each, both this one."""
    from tests.cluster.nodes import cluster_of

    with cluster_of(2) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of printed digits, as digitwise export would write it."""
    from tests.templates import write_model

    return write_model(tmp_path_factory.mktemp("model") / "templates.onnx")


@pytest.fixture
def numbers(monkeypatch: pytest.MonkeyPatch, model_file: Path) -> None:
    """A finder that knows where the digits are: one in the left half, one in the right."""
    from digitwise.reading import finder, trust
    from digitwise.reading.model import Model
    from tests.templates import find_halves

    fake = types.SimpleNamespace(find=find_halves(Model(model_file)))
    monkeypatch.setattr(finder, "bundled", lambda threads=1: fake)
    table = dataclasses.replace(trust.bundled(), thresholds=((0.001, 0.995), (0.03, 0.5)))
    monkeypatch.setattr(trust, "bundled", lambda: table)


@pytest.fixture
def small() -> Dataset:
    return Dataset("small", "drawn", blobs(60), blobs(30, seed=1))


@pytest.fixture
def processor_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have what keeps a budget read the processor time of this process, which does not pass while others work."""
    monkeypatch.setattr(time, "perf_counter", time.process_time)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of two epochs on the embedded digits; some of its answers are wrong."""
    from digitwise.data import load
    from digitwise.recipes import find
    from digitwise.training.options import FitOptions
    from digitwise.training.train import train

    out = tmp_path_factory.mktemp("runs") / "improved"
    recipe = find("improved").replace(epochs=2, batch_size=64)
    return train(recipe, load("digits"), FitOptions(precision="float32"), out=out).path
