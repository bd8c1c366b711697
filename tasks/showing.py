"""What is only shown in the Prefect UI: a server that is away, or a flow run that somebody deleted, stops no work."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
from prefect.exceptions import PrefectException
from prefect.logging import get_run_logger

if TYPE_CHECKING:
    from collections.abc import Iterator

NOT_SHOWN = (PrefectException, httpx.HTTPError, OSError, RuntimeError)
"""What Prefect's client raises, a RuntimeError for a server that it does not reach."""

SHOWN_SECONDS = 10
"""A server that does not answer holds up no order longer than this."""


@contextmanager
def only_shown(what: str) -> Iterator[None]:
    """Go on where something cannot be shown in the Prefect UI, and say so in the log.

    Args:
        what: What is shown.
    """
    try:
        yield
    except NOT_SHOWN as error:
        get_run_logger().warning("Prefect does not show %s: %s", what, type(error).__name__)
