"""One Prefect server for all tests of flows; heartbeats off, which only mark runs that died."""

from __future__ import annotations

import gc
import warnings
from typing import TYPE_CHECKING

import pytest
from prefect.settings import (
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    PREFECT_SERVER_DATABASE_CONNECTION_URL,
    temporary_settings,
)

from tests.quick_prefect import keep_database

if TYPE_CHECKING:
    from collections.abc import Iterator

START_SECONDS = 120
"""On a busy machine Prefect's own 30 s are not enough."""


@pytest.fixture(scope="package")
def prefect() -> Iterator[None]:
    """A Prefect server of the tests' own, stopped after the last of this folder: its loops go on while nobody asks."""
    from prefect.testing.utilities import prefect_test_harness  # noqa: PLC0415 - it loads all of Prefect's server

    heartbeats_off = temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None})
    with prefect_test_harness(server_startup_timeout=START_SECONDS), heartbeats_off:
        keep_database(str(PREFECT_SERVER_DATABASE_CONNECTION_URL.value()))
        yield
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", ResourceWarning
        )  # Prefect leaves sockets open, which pytest would find at its end
        gc.collect()
