"""Orders of the ledger cut into batches that are processed again, and how far a plan of that has come."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import func, select, tuple_

from mfn.database.bulk import merge, utc_text
from mfn.ledger.batch_listing import IS_PART, LISTED, NEWEST_FIRST
from mfn.ledger.batch_opening import add_batch
from mfn.ledger.landing import BATCH_COLUMNS, WINDOW
from mfn.ledger.leases import assert_held
from mfn.ledger.orders import UNFINISHED
from mfn.ledger.schema import Batch, BatchOrder, LandedOrder, TrackedOrder, same_order, table
from mfn.models import STAGES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Row, Select

    from mfn.ledger.opening import Ledger

PART_ORDERS = 30_000
"""Orders of a part: processing them takes some ten seconds, and starting a process for them a few."""


@dataclass(frozen=True)
class Plan:
    """What of a connection is processed again, and how much of that has been cut into parts.

    Orders are cut in the order in which their newest texts landed. What lands meanwhile lands behind `last_page`: an
    order that an import fetches again is left to that import, and none is missed.

    Attributes:
        plan_id: Its id, which is in the parameters of every part.
        connection: The connection's name.
        asked: since, before (moments as texts, of Amazon's last change), status, mappings (a digest of the files) and,
            for a rehearsal, dry_run.
        last_page: The last page that had landed when it was made.
        reached: Page and position up to which orders have been cut into parts.
        is_cut: Whether all of them have.
    """

    plan_id: str
    connection: str
    asked: Mapping[str, Any]
    last_page: int
    reached: tuple[int, int] = (0, 0)
    is_cut: bool = False

    def parameters(self) -> dict[str, Any]:
        """What a part keeps of it."""
        place = {"last_page": self.last_page, "reached": list(self.reached), "is_cut": self.is_cut}
        return {"reprocess": self.plan_id, **self.asked, **place}

    @classmethod
    def of_part(cls, row: Row[Any], asked: Mapping[str, Any]) -> Self | None:
        """The plan as it was when a part was cut, or None: something else was requested."""
        kept = row.parameters
        place = {name: kept[name] for name in ("last_page", "is_cut")}
        plan = cls(kept["reprocess"], row.connection, asked, **place, reached=tuple(kept["reached"]))
        return plan if plan.parameters() == kept else None


def unfinished_plan(ledger: Ledger, connection: str, asked: Mapping[str, Any]) -> tuple[Plan, list[str]] | None:
    """The newest plan of a connection, if the same was requested and part of it remains.

    Returns:
        The plan, and the ids of those of its parts that are not done; or None.
    """
    mine = (Batch.connection == connection) & (Batch.kind == "import")
    of_plan = Batch.parameters["reprocess"].as_string()
    with ledger.reading() as database:
        newest = database.execute(select(of_plan).where(mine & IS_PART).order_by(*NEWEST_FIRST).limit(1)).scalar()
        if newest is None:
            return None
        rows = database.execute(select(*LISTED).where(mine, of_plan == newest)).all()
        furthest = max(rows, key=lambda row: row.parameters["reached"])
        plan = Plan.of_part(furthest, asked)
        if plan is None:
            return None
        left = sorted(row.batch_id for row in rows if row.status != "done")
        is_left = left or (not plan.is_cut and database.execute(_orders(plan).limit(1)).first() is not None)
    return (plan, left) if is_left else None


def new_plan(ledger: Ledger, connection: str, asked: Mapping[str, Any]) -> Plan:
    """A plan for what the ledger has now."""
    last = select(func.max(LandedOrder.page)).where(LandedOrder.connection == connection)
    with ledger.reading() as database:
        last_page = database.execute(last).scalar() or 0
    return Plan(f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}", connection, asked, last_page)


def cut_part(ledger: Ledger, plan: Plan, *, lease: str, size: int) -> tuple[Plan, str | None]:
    """Make a batch of the next orders of a plan.

    Args:
        ledger: The open ledger.
        plan: The plan.
        lease: The token of the lease of the connection's imports: nothing lands while it is held.
        size: How many orders a part has at most.

    Returns:
        The plan with what has been cut by now, and the batch's id; None: no order is left.
    """
    if plan.is_cut:
        return plan, None
    with ledger.reading() as database:
        rows: Sequence[Row[str, int, int]] = database.execute(_orders(plan).limit(size + 1)).all()
    if not rows:
        return replace(plan, is_cut=True), None
    part = rows[:size]
    _, *place = part[-1]
    plan = replace(plan, reached=(place[0], place[1]), is_cut=len(rows) <= size)
    now = utc_text(datetime.now(UTC))
    with ledger.writing() as database:
        assert_held(database, lease)
        batch_id = add_batch(
            database,
            plan.connection,
            "import",
            stage=STAGES["import"][0],
            parameters=plan.parameters(),
            counts={"fetched": len(part)},
            is_window_open=False,
        )
        met = [(batch_id, order_id, plan.connection, WINDOW, now) for order_id in sorted(row.order_id for row in part)]
        merge(database, table(BatchOrder), BATCH_COLUMNS, met, update=(), mostly_new=True)
    return plan, batch_id


def _orders(plan: Plan) -> Select[str, int, int]:
    """The orders of a plan that are not in a part yet, as they landed."""
    place = tuple_(LandedOrder.page, LandedOrder.position)
    changed_at = func.coalesce(LandedOrder.last_updated_at, LandedOrder.landed_at, type_=LandedOrder.landed_at.type)
    statement = (
        select(LandedOrder.order_id, LandedOrder.page, LandedOrder.position)
        .join(TrackedOrder, same_order(LandedOrder, TrackedOrder))
        .where(
            LandedOrder.connection == plan.connection,
            LandedOrder.page >= plan.reached[0],
            LandedOrder.page <= plan.last_page,
            # Those that are held every import examines again.
            TrackedOrder.status.not_in(UNFINISHED)
            if plan.asked["status"] is None
            else TrackedOrder.status == plan.asked["status"],
        )
        .order_by(LandedOrder.page, LandedOrder.position)
    )
    if plan.reached != (0, 0):
        statement = statement.where(place > tuple_(*plan.reached))
    if plan.asked["since"] is not None:
        statement = statement.where(changed_at >= datetime.fromisoformat(plan.asked["since"]))
    if plan.asked["before"] is not None:
        statement = statement.where(changed_at < datetime.fromisoformat(plan.asked["before"]))
    return statement
