"""What tests of reconciliations do with a world: what a search left out, one run, and its remedies carried out."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import update

from mfn.cli.application import run
from mfn.errors import RunFailedError
from mfn.ledger.schema import Parcel, TrackedOrder
from mfn.simulator.clock import amazon_time
from mfn.steps.reconciling.runs import run_reconcile
from mfn.warehouse.tables import wms_order, wms_order_line

if TYPE_CHECKING:
    from tests.world import World


class Reconciling:
    """Reconciliations in a world.

    Attributes:
        world: The world.
    """

    def __init__(self, world: World) -> None:
        self.world = world

    def left_out(self, *orders: dict[str, Any]) -> list[str]:
        """Orders that Amazon has and that no import's search returns."""
        self.world.amazon.orders.left_out["lastUpdated"].update(order["orderId"] for order in orders)
        return self.world.put(*orders)

    def missed(self, order_id: str, *, minutes_ago: float = 30, **changes: Any) -> None:
        """Amazon changed an order some time ago, and no import saw it."""
        order = self.world.amazon.orders.get(order_id)
        moment = amazon_time(datetime.now(UTC) - timedelta(minutes=minutes_ago))
        fulfillment = order["fulfillment"] | changes.pop("fulfillment", {})
        self.left_out(order | {"lastUpdatedTime": moment, "fulfillment": fulfillment} | changes)

    def status(self, order_id: str, status: str, *, minutes_ago: float = 30) -> None:
        """Amazon shows another status since some time ago, and no import saw it."""
        self.missed(order_id, minutes_ago=minutes_ago, fulfillment={"fulfillmentStatus": status})

    def hours_pass(self, hours: float = 4) -> None:
        """Everything that the ledger wrote down about orders and parcels lies some hours back."""
        with self.world.ledger.writing() as database:
            for model, names in ((TrackedOrder, ("updated_at",)), (Parcel, ("updated_at", "sent_at"))):
                for row in database.execute(model.__table__.select()).all():
                    key = [column == getattr(row, column.name) for column in model.__table__.primary_key]
                    earlier = {
                        name: getattr(row, name) - timedelta(hours=hours)
                        for name in names
                        if getattr(row, name) is not None
                    }
                    database.execute(update(model).where(*key).values(**earlier))

    def write_order(self, order_id: str, **columns: Any) -> None:
        """The warehouse writes into its row of an order."""
        with self.world.writing_warehouse() as database:
            database.execute(update(wms_order).where(wms_order.c.order_number == order_id).values(**columns))

    def write_lines(self, order_id: str, **columns: Any) -> None:
        """The warehouse writes into the lines of an order."""
        with self.world.writing_warehouse() as database:
            database.execute(update(wms_order_line).where(wms_order_line.c.order_number == order_id).values(**columns))

    def run(self, **options: Any) -> dict[str, Any]:
        """One reconciliation; its sum is checked."""
        try:
            summary = run_reconcile(self.world.settings, "us", **options)
        except RunFailedError as error:
            summary = dict(error.summary)
        assert summary["orders"] == summary["matched"] + summary["differing"]
        assert summary["status"] == "done", summary
        return summary

    def found(self) -> dict[str, tuple[str, str]]:
        """Kind and remedy of what differs, by order."""
        return {one["order_id"]: (one["kind"], one["remedy"]) for one in self.run()["differences"]}

    def kinds(self) -> dict[str, str]:
        """The kind of what differs, by order."""
        return {order_id: kind for order_id, (kind, _) in self.found().items()}

    def fix(self) -> dict[str, str]:
        """Find what differs and give the commands of every remedy; afterwards nothing may differ.

        Returns:
            The kind of what differed, by order.
        """
        found = self.found()
        for _, remedy in found.values():
            carry_out(remedy)
        assert self.kinds() == {}
        return {order_id: kind for order_id, (kind, _) in found.items()}


def carry_out(remedy: str) -> None:
    """Give the commands of a remedy as a person pastes them."""
    said, _, command = remedy.partition(":\n")
    assert command, f"no command: {said}"
    for part in command.split(" && "):
        words = shlex.split(part)
        assert words[0] == "mfn"
        assert run(words[1:]) == 0, part
