"""Whether nothing is under way any more after the last run, and every batch tells of itself what adds up."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select

from mfn.ledger.leases import is_held
from mfn.ledger.schema import ArrivedPage, Batch, Lease
from mfn.models import SUMMED
from tests.faults.matrix.verdicts import Deviation, lost, wrong

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.world import World


def at_rest(world: World) -> Iterator[Deviation]:
    """What is still under way in a world's ledger, or does not add up.

    Args:
        world: The world, after its last run.
    """
    with world.ledger.reading() as database:
        batches = database.execute(select(Batch)).all()
        leases = database.execute(select(Lease)).all()
        held = [lease for lease in leases if is_held(database, lease.connection, lease.kind)]
        pages = database.execute(select(ArrivedPage.page)).scalars().all()
    for lease in held:
        yield wrong(f"the lease of {lease.kind} is still held by {lease.holder}")
    for page in pages:
        yield lost(f"page {page} has arrived and was never looked at")
    for batch in batches:
        if batch.status != "done":
            yield wrong(f"{batch.batch_id} is {batch.status} after {batch.stage}: {batch.error}")
            continue
        whole, *parts = SUMMED[batch.kind]
        if batch.counts[whole] != sum(batch.counts[part] for part in parts):
            yield wrong(f"{batch.batch_id}: {batch.counts} does not add up")
        if not batch.report or not Path(batch.report).is_file():
            yield wrong(f"{batch.batch_id} has no report")
