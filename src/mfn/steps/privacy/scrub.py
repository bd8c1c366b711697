"""Scrub: removes from the warehouse's tables what the ledger has removed of buyers, where that is configured."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mfn.errors import DataError, FatalError
from mfn.ledger.batches import get_batch
from mfn.ledger.retention import any_erased, without_data
from mfn.models import Parameters
from mfn.steps.halving import each_taken
from mfn.steps.parts import in_parts
from mfn.steps.privacy.purge import rehearsed_due, warehouse_of
from mfn.steps.waiting import imports_at_rest
from mfn.steps.workplace import add_counts, open_workplace

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from mfn.models import BatchRef
    from mfn.settings import Settings
    from mfn.steps.workplace import Workplace

SCRUBBED_AT_ONCE = 1_000
"""Orders in one transaction: few, because the warehouse works on its tables meanwhile."""

NAMED_AT_MOST = 10


def scrub(batch: BatchRef, settings: Settings) -> BatchRef:
    """Empty what is about a buyer in the warehouse's tables, of every order whose text was removed from the ledger.

    All of them if `privacy.scrub_warehouse` says so, otherwise only those that a person had erased. An order that was
    purged before that was set is scrubbed once it is.

    Args:
        batch: The batch, after purge.
        settings: The settings in force.

    Returns:
        The batch with `scrubbed`: the orders that still had something of their buyer.

    Raises:
        RetriableError: An import is at work, or the warehouse or the ledger could not be reached.
        FatalError: The warehouse is gone, or refuses the change of some orders; all others were emptied.
    """
    place = open_workplace(settings, batch.connection, lease=batch.lease)
    row = get_batch(place.ledger, batch.batch_id)
    scrubbed = row.counts.get("scrubbed", 0)
    with place.ledger.reading() as database:
        is_wanted = place.connection.privacy.scrub_warehouse or any_erased(database, batch.connection)
    if not is_wanted:
        return _counted(place, batch, scrubbed)
    if Parameters.of(row.parameters).dry_run:
        return _counted(place, batch, len(_to_scrub(place, rehearsed_due(place))))
    # What is about to be cleared must not be loaded again in between.
    with imports_at_rest(place.ledger, batch.connection):
        chosen, refusals = _to_scrub(place, ()), dict[str, DataError]()
        for part in in_parts(chosen, SCRUBBED_AT_ONCE):
            emptied, refused = each_taken(place.warehouse.scrub, part, order_id_of=str)
            scrubbed += sum(map(len, emptied))
            refusals.update(refused)
            _counted(place, batch, scrubbed)
    if refusals:
        raise _refused(refusals)
    return _counted(place, batch, scrubbed)


def _refused(refusals: Mapping[str, DataError]) -> FatalError:
    """The error for orders that the warehouse refused to change; all others have been emptied."""
    named = ", ".join(sorted(refusals)[:NAMED_AT_MOST]) + (", …" if len(refusals) > NAMED_AT_MOST else "")
    first = refusals[min(refusals)]
    return FatalError(
        f"{len(refusals)} orders still have buyers' data in the warehouse ({named}): {first.message}",
        remedy=f"All others were cleared. {first.remedy} The next purge tries again.",
    )


def _to_scrub(place: Workplace, due: Collection[str]) -> list[str]:
    """The orders whose buyer's data the warehouse still has and should not, also once some more are purged."""
    name, is_wanted = place.connection.name, place.connection.privacy.scrub_warehouse
    warehouse = warehouse_of(place)
    holding = warehouse.holding() if warehouse is not None else []
    with place.ledger.reading() as database:
        removed = set(without_data(database, name, holding, erased_only=not is_wanted))
    removed.update(due if is_wanted else ())
    return [order_id for order_id in holding if order_id in removed]


def _counted(place: Workplace, batch: BatchRef, scrubbed: int) -> BatchRef:
    """Record how many were scrubbed."""
    counts = {"scrubbed": scrubbed}
    with place.ledger.writing() as database:
        add_counts(database, place.ledger, batch, counts)
    return replace(batch, counts={**batch.counts, **counts})
