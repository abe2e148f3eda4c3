"""What tests share: MNIST where it is at hand, small sets of drawn digits, one trained run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from digitwise.data import locate
from digitwise.data.sources import SOURCES
from digitwise.images import Dataset
from tests.helpers import blobs


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests about MNIST where it is not at hand; where it is required, its absence is a failure."""
    if locate(SOURCES["mnist"]) is not None:
        return
    if os.environ.get("DIGITWISE_REQUIRE_MNIST"):
        pytest.exit("MNIST is required here, but neither $DIGITWISE_DATA nor the cache holds it", returncode=2)
    reason = "MNIST is not at hand: set DIGITWISE_DATA to the folder that holds mnist/"
    for item in items:
        if "mnist" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session", autouse=True)
def _ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep looks at test sets out of the ledger of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIGITWISE_LEDGER", str(tmp_path_factory.mktemp("ledger")))
        yield


@pytest.fixture(scope="session")
def mnist() -> Dataset:
    from digitwise.data import load

    return load("mnist")


@pytest.fixture(scope="session")
def digits() -> Dataset:
    from digitwise.data import load

    return load("digits")


@pytest.fixture
def small() -> Dataset:
    return Dataset("small", "drawn", blobs(60), blobs(30, seed=1))


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of two epochs on the embedded digits."""
    from digitwise.data import load
    from digitwise.recipes import find
    from digitwise.training.train import train

    out = tmp_path_factory.mktemp("runs") / "improved"
    return train(find("improved").replace(epochs=2), load("digits"), out=out, precision="float32").path
