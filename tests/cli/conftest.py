"""The `mfn` program as a script uses it."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from mfn.cli.application import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Mfn = Callable[..., tuple[int, Any]]


@pytest.fixture(autouse=True)
def quiet_root_logger() -> Iterator[None]:
    """The program adds a handler to the root logger."""
    before = list(logging.root.handlers)
    yield
    logging.root.handlers[:] = before


@pytest.fixture
def mfn(capsys: pytest.CaptureFixture[str]) -> Mfn:
    """Run a command with --json: its exit status and its one document."""

    def call(*words: str) -> tuple[int, Any]:
        status = run([*words, "--json"])
        return status, json.loads(capsys.readouterr().out)

    return call
