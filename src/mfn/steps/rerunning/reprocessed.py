"""The outcome of a reprocessing, over all parts of a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mfn.errors import FatalError
from mfn.ledger.batches import get_batch
from mfn.ledger.opening import open_ledger
from mfn.models import SUMMED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mfn.settings import Settings


def failure_of_part(settings: Settings, batch_id: str) -> str | None:
    """How a part that another process was given failed, or None."""
    row = get_batch(open_ledger(settings), batch_id)
    if row.status == "done":
        return None
    return f"{batch_id}: {row.error or 'its process died, or never started it.'}\n{row.remedy or ''}".rstrip()


def failed_parts(connection: str, failures: Sequence[str], parts: Sequence[str]) -> FatalError:
    """The error of a connection of which parts failed.

    Args:
        connection: The connection's name.
        failures: How each of these failed.
        parts: All that were begun.
    """
    return FatalError(
        f"{len(failures)} of {len(parts)} parts of {connection} failed:\n" + "\n".join(failures),
        remedy="The others are done. " * (len(failures) < len(parts)) + "Run it again: it starts with the failed ones.",
    )


def summary_of_parts(settings: Settings, connection: str, parts: Sequence[str]) -> dict[str, Any]:
    """The figures of the parts of a connection, added up.

    Args:
        settings: The settings in force.
        connection: The connection's name.
        parts: Their ids.

    Returns:
        `connection`, `batches` (the parts), `failed` (those that failed), `orders` (those that were processed again),
        and their outcomes: loaded, held, unchanged, cancelled, ignored.
    """
    rows = [get_batch(open_ledger(settings), batch_id) for batch_id in parts]
    given, *became = SUMMED["import"]
    counts = {name: sum(row.counts.get(name, 0) for row in rows) for name in (given, *became)}
    return {
        "connection": connection,
        "batches": list(parts),
        "failed": [row.batch_id for row in rows if row.status != "done"],
        "orders": counts.pop(given),
        **counts,
    }
