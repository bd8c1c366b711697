"""Leases that are waited for: imports, removals of buyers' data and reprocessing let each other finish."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_fixed

from mfn.errors import LeaseHeldError, RetriableError
from mfn.ledger.leases import is_held, lease

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mfn.ledger.opening import Ledger
    from mfn.models import BatchKind

PATIENCE_SECONDS = 300.0
"""How long to wait for an import at work, or for a removal, which takes seconds."""
LOOK_AGAIN_SECONDS = 1.0

LENT_TO = ("purge", "reprocess")
"""Kinds of run that borrow the lease of the imports for a while, in addition to their own."""


@contextmanager
def imports_at_rest(ledger: Ledger, connection: str, *, patience_seconds: float | None = None) -> Iterator[str]:
    """Hold the lease of a connection's imports, once its holder is done, so that nothing lands meanwhile.

    Args:
        ledger: The open ledger.
        connection: The connection's name.
        patience_seconds: How long to wait for that; None: `PATIENCE_SECONDS`.

    Yields:
        Its token.

    Raises:
        RetriableError: An import was still at work when the time was up.
    """
    with ExitStack() as stack:
        try:
            token = _patiently(stack, ledger, connection, "import", lambda: True, patience_seconds=patience_seconds)
        except LeaseHeldError as held:
            raise RetriableError(held.message, remedy="Run it again once that import has finished.") from None
        yield token


@contextmanager
def run_lease(ledger: Ledger, connection: str, kind: BatchKind) -> Iterator[str]:
    """Hold the lease of a run, and yield its token.

    An import waits while a removal of buyers' data has it for a moment, and for reprocessing, which gives it back after
    each wave.

    Raises:
        LeaseHeldError: Another run of this kind works on the connection.
    """
    with ExitStack() as stack:
        yield _patiently(stack, ledger, connection, kind, lambda: kind == "import" and _is_lent(ledger, connection))


def _is_lent(ledger: Ledger, connection: str) -> bool:
    """Whether the holder of the imports' lease will give it back soon."""
    with ledger.reading() as database:
        return any(is_held(database, connection, lent_to) for lent_to in LENT_TO)


def _patiently(
    stack: ExitStack,
    ledger: Ledger,
    connection: str,
    kind: BatchKind,
    is_to_wait: Callable[[], bool],
    *,
    patience_seconds: float | None = None,
) -> str:
    """Take a lease, retrying while its holder is worth waiting for; the exit stack gives it back."""
    patiently = Retrying(
        retry=retry_if_exception(lambda error: isinstance(error, LeaseHeldError) and is_to_wait()),
        wait=wait_fixed(LOOK_AGAIN_SECONDS),
        stop=stop_after_delay(PATIENCE_SECONDS if patience_seconds is None else patience_seconds),
        reraise=True,
    )
    return patiently(lambda: stack.enter_context(lease(ledger, connection, kind)))
