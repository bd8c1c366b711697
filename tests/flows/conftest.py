"""One Prefect server for all tests of flows; heartbeats off, which only mark runs that died."""

from __future__ import annotations

import gc
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import certifi
import pytest
from prefect.settings import PREFECT_API_SSL_CERT_FILE, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

START_SECONDS = 120
"""On a busy machine Prefect's own 30 s are not enough."""


@pytest.fixture(scope="session")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A Prefect server of the tests' own."""
    from prefect.testing.utilities import prefect_test_harness  # noqa: PLC0415 - it loads all of Prefect's server

    one = _one_authority(tmp_path_factory.mktemp("authority"))
    hurrying = temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None, PREFECT_API_SSL_CERT_FILE: str(one)})
    with prefect_test_harness(server_startup_timeout=START_SECONDS), hurrying:
        yield
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", ResourceWarning
        )  # Prefect leaves sockets open, which pytest would find at its end
        gc.collect()


def _one_authority(folder: Path) -> Path:
    """A file for Prefect's clients to trust: each of a dozen a run reads all authorities anew, thirty milliseconds."""
    first, end, _ = Path(certifi.where()).read_text(encoding="utf-8").partition("-----END CERTIFICATE-----\n")
    path = folder / "authority.pem"
    path.write_text(first + end, encoding="utf-8")
    return path
