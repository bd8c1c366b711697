"""What is merely shown in the Prefect UI: a server that is away, or a deleted flow run, must not stop any work."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
from prefect.exceptions import PrefectException
from prefect.logging import get_run_logger

if TYPE_CHECKING:
    from collections.abc import Iterator

NOT_SHOWN = (PrefectException, httpx.HTTPError, OSError, RuntimeError)
"""What Prefect's client raises; a RuntimeError if it does not reach the server."""

SHOWN_SECONDS = 10
"""The longest time that a server without an answer may hold up orders."""


@contextmanager
def only_shown(what: str) -> Iterator[None]:
    """Go on if something cannot be shown in the Prefect UI, with a warning in the log.

    Args:
        what: What is shown.
    """
    try:
        yield
    except NOT_SHOWN as error:
        get_run_logger().warning("Prefect could not show %s: %s", what, type(error).__name__)
