"""What tests of purges do with a world: purges, days that pass, and what the ledger has of texts."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update

from mfn.ledger.schema import LandedOrder, LandedPage, OrderEnd, Parcel, TrackedOrder
from mfn.steps.privacy.purges import run_purge

if TYPE_CHECKING:
    from tests.world import World


def purge(world: World, **asked: Any) -> dict[str, Any]:
    """One purge of the world's connection; its sum is checked."""
    summary = run_purge(world.settings, "us", **asked)
    assert summary["orders"] == summary["purged"] + summary["kept"]
    return summary


def with_texts(world: World) -> set[str]:
    """The orders of which the ledger has a text."""
    with world.ledger.reading() as database:
        return set(database.execute(select(LandedOrder.order_id)).scalars())


def count(world: World, model: Any) -> int:
    """How many rows a table of the ledger has."""
    with world.ledger.reading() as database:
        return database.execute(select(func.count()).select_from(model)).scalar_one()


def texts_on_pages(world: World) -> int:
    """How many texts stand in the ledger, old versions among them."""
    with world.ledger.reading() as database:
        return database.execute(select(func.sum(LandedPage.texts))).scalar_one() or 0


def days_pass(world: World, days: float = 31) -> None:
    """Everything that the ledger knows happened so many days earlier."""
    with world.ledger.writing() as database:
        for model, names in (
            (TrackedOrder, ("first_loaded_at", "updated_at")),
            (LandedOrder, ("landed_at", "last_updated_at")),
            (Parcel, ("shipped_at", "sent_at", "updated_at")),
            (OrderEnd, ("shipped_at", "delivered_at", "cancelled_at")),
        ):
            key = list(model.__table__.primary_key)
            for row in database.execute(select(model)).all():
                moved = {name: moment - timedelta(days=days) for name in names if (moment := getattr(row, name))}
                same = [column == getattr(row, column.name) for column in key]
                if moved:
                    database.execute(update(model).where(*same).values(moved))


def set_privacy(world: World, section: str) -> None:
    """Write the section `privacy` of the last connection."""
    path = world.home / "connections.yaml"
    path.write_text(path.read_text(encoding="utf-8") + f"    privacy: {section}\n", encoding="utf-8")
