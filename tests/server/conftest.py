"""One server for all tests that only ask."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from digitwise.server.app import application
from digitwise.server.service import Settings
from tests.server.running import Served, served


@pytest.fixture(scope="session")
def server() -> Iterator[Served]:
    """The bundled model, without a token, with nothing collected."""
    with served(application(Settings())) as running:
        yield running
