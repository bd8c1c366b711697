"""Connections on one ledger: what is read of one of them is nothing of another, whatever that has there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from sqlalchemy import func, insert, select

from mfn.ledger import (
    batch_listing,
    buyers_data,
    decisions,
    feeds,
    imported_units,
    kept_out,
    known_orders,
    landing,
    listings,
    named_orders,
    offers,
    order_ends,
    order_listing,
    orders,
    parcels,
    passed_checks,
    refused_notifications,
    reprocessing,
    retention,
    run_listing,
    search_gaps,
    sent_alerts,
    sent_offers,
    stock_locations,
    unanswered_orders,
    watermarks,
)
from mfn.ledger.arrivals import read_arrival
from mfn.ledger.batch_opening import open_batch
from mfn.ledger.landing import WINDOW
from mfn.ledger.leases import lease
from mfn.ledger.removal import Removing
from mfn.ledger.schema import Base, Batch, Parcel, TrackedOrder
from mfn.models import OrderStatus, ParcelStatus, Standing

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Table

    from mfn.ledger.opening import Ledger
    from mfn.models import BatchRef

ORDER = "111-1111111-1111111"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
IDS = [ORDER, *OrderStatus, *ParcelStatus]
VALUES = {"INTEGER": 100, "FLOAT": 1.0, "BOOLEAN": False, "DATETIME": LONG_AGO, "BLOB": b"", "JSON": {}}
SAID = {"connection": "another", "order_id": ORDER, "order_number": ORDER, "channel": "DEFAULT", "kind": "import"}
STATUSES: dict[str, Any] = {
    Batch.__tablename__: ["running"],
    TrackedOrder.__tablename__: OrderStatus,
    Parcel.__tablename__: ParcelStatus,
}


def read_in(reader: Callable[..., Any], *arguments: Any, **options: Any) -> Callable[[Ledger], Any]:
    """What a reader that needs an open transaction says of the connection us."""

    def read(ledger: Ledger) -> Any:
        with ledger.reading() as database:
            return reader(database, "us", *arguments, **options)

    return read


READERS: dict[str, Callable[[Ledger], Any]] = {
    "runs": lambda ledger: batch_listing.list_batches(ledger, connection="us"),
    "past runs": lambda ledger: batch_listing.past_runs(ledger, "us", "import", limit=9),
    "runs of the site": lambda ledger: run_listing.find_runs(ledger, connection="us", limit=9),
    "quality": lambda ledger: run_listing.quality_history(ledger, "us", "import", limit=9),
    "places": lambda ledger: buyers_data.places_of(ledger, "us", IDS),
    "releases": lambda ledger: decisions.released_reasons(ledger, "us", IDS),
    "decisions": lambda ledger: decisions.decisions_on(ledger, ORDER, connection="us"),
    "feeds": lambda ledger: feeds.feeds(ledger, "us"),
    "late feeds": lambda ledger: feeds.late_feeds(ledger, "us", NOW),
    "feed ids": lambda ledger: feeds.known_feed_ids(ledger, "us"),
    "coverage": lambda ledger: imported_units.covered_until(ledger, "us"),
    "counted units": lambda ledger: imported_units.counted_since(ledger, "us", LONG_AGO - timedelta(days=1)),
    "outlived promises": lambda ledger: imported_units.outlived_promises(ledger, "us"),
    "kept out": lambda ledger: kept_out.kept_out_versions(ledger, "us"),
    "not taken up": lambda ledger: kept_out.versions_not_taken_up(ledger, "us", IDS),
    "open orders": lambda ledger: known_orders.open_orders(ledger, "us"),
    "known orders": lambda ledger: known_orders.known_orders(ledger, "us", IDS),
    "promised units": lambda ledger: known_orders.units_promised_to(ledger, "us", IDS),
    "parcels of orders": lambda ledger: known_orders.parcels_by_id(ledger, "us", IDS),
    "listed SKUs": lambda ledger: listings.listed_skus(ledger, "us", "another"),
    "unknown SKUs": lambda ledger: listings.unknown_skus(ledger, "us", "another", ["another"]),
    "listings": lambda ledger: listings.listings_read_at(ledger, "us"),
    "named orders": lambda ledger: named_orders.named_orders(ledger, "us", 9),
    "waiting names": lambda ledger: named_orders.waiting_names(ledger, "us"),
    "ends": lambda ledger: order_ends.ends_of(ledger, IDS, connection="us"),
    "orders": lambda ledger: order_listing.list_orders(ledger, connection="us"),
    "an order": lambda ledger: order_listing.orders_with_id(ledger, ORDER, connection="us"),
    "last load": lambda ledger: order_listing.last_loaded_at(ledger, "us"),
    "conflicts": lambda ledger: order_listing.conflicts_of(ledger, "us", ORDER),
    "tracked orders": lambda ledger: orders.tracked_orders(ledger, "us", IDS),
    "landed versions": read_in(orders.versions_landed, IDS),
    "written digests": lambda ledger: parcels.written_digests(ledger, "us"),
    "parcels": lambda ledger: parcels.known_parcels(ledger, "us", [*IDS, "another"]),
    "all parcels": lambda ledger: parcels.parcels_of(ledger, connection="us"),
    "parcel count": lambda ledger: parcels.count_parcels(ledger, "us", [*ParcelStatus]),
    "parcels to verify": lambda ledger: parcels.to_verify(ledger, "us", NOW),
    "references": lambda ledger: parcels.references_of(ledger, "us", IDS),
    "passed checks": lambda ledger: passed_checks.has_passed(ledger, "us"),
    "refused messages": lambda ledger: refused_notifications.refused_notifications(ledger, "us"),
    "unfinished plan": lambda ledger: reprocessing.unfinished_plan(ledger, "us", {}),
    "texts that are due": read_in(retention.due_orders, now=NOW, retention=timedelta(days=30)),
    "texts": read_in(retention.count_texts),
    "not seen to leave": read_in(retention.not_seen_to_leave),
    "without data": read_in(retention.without_data, IDS),
    "erasures": read_in(retention.any_erased),
    "gaps": lambda ledger: search_gaps.search_gaps(ledger, "us"),
    "believed stock": lambda ledger: stock_locations.believed_stock(ledger, "us"),
    "held count": lambda ledger: sent_alerts.count_held(ledger, "us"),
    "held orders": lambda ledger: sent_alerts.held_orders(ledger, "us"),
    "orders to ship": lambda ledger: sent_alerts.orders_to_ship_by(ledger, "us", NOW),
    "sent alerts": lambda ledger: sent_alerts.last_alerts(ledger, "us", "import"),
    "sent levels": lambda ledger: sent_offers.has_sent(ledger, "us"),
    "offers in feeds": lambda ledger: sent_offers.in_feeds(ledger, "us"),
    "oldest count": lambda ledger: sent_offers.oldest_count(ledger, "us"),
    "unanswered orders": lambda ledger: [unanswered_orders.when_unanswered(ledger, "us")(each) for each in IDS],
    "watermark": lambda ledger: watermarks.get_watermark(ledger, "us", "import"),
}


def write(database: Connection, batch: BatchRef) -> None:
    """What runs of the connection us write, move and remove, of the same orders and offers."""
    named_orders.note_asked(database, "us", IDS)
    named_orders.forget_named(database, "us")
    unanswered_orders.note_unanswered(database, "us", [ORDER])
    refused_notifications.note_refused(database, "us", [], at=NOW)
    search_gaps.note_gap(database, "us", "backfill", LONG_AGO, NOW)
    order_ends.note_known_ends(database, "us", NOW)
    order_ends.note_removed(database, "us", IDS, NOW)
    decisions.write_decisions(
        database, "us", decisions.DecisionKind.RELEASED, dict.fromkeys(IDS), by="somebody", why=""
    )
    decisions.move_decided(database, "us", "held", dict.fromkeys(IDS))
    decisions.drop_staged(database, "us", batch.lease)
    orders.write_cancelled(database, batch, IDS)
    sent_alerts.forget_sent(database, "us", "import", IDS)
    feeds.note_feed(database, batch, "another", "a document", [])
    feeds.note_submitted(database, batch, 100, "a feed")
    same: Any = SimpleNamespace(number=100, marketplace_id="another", messages=[["another", 1, 1, 1]])
    feeds.end_feed(database, batch, same, status="fatal", errors={})
    feeds.leave_feeds(database, batch, pd.DataFrame({"marketplace_id": ["another"], "seller_sku": ["another"]}))
    feeds.forget_feeds(database, batch, NOW)
    offers.forget_offers(database, batch, [("another", "another")])
    offers.trim_outcomes(database, batch, NOW)
    stock_locations.believe(database, batch, pd.DataFrame({"location": [""], "skus": [1], "units": [1]}))
    imported_units.forget_counted(database, batch, NOW)
    kept_out.write_kept_out(database, batch, {}, passed=IDS)
    kept_out.note_taken_up(database, batch, IDS)


def fill(ledger: Ledger) -> None:
    """Another connection has something in every table, of orders and parcels one of each status."""
    with ledger.writing() as database:
        for each in Base.metadata.sorted_tables:
            if "connection" in each.columns:
                for status in STATUSES.get(each.name, ["done"]):
                    database.execute(insert(each).values(a_row(database, each, status)))


def a_row(database: Connection, each: Table, status: str) -> dict[str, Any]:
    row = {column.name: VALUES.get(str(column.type), SAID.get(column.name, "another")) for column in each.columns}
    keys = {key.parent.name: database.scalar(select(func.max(key.column))) for key in each.foreign_keys}
    own = dict.fromkeys(("order_id", "shipment_id"), str(status)) if len(STATUSES.get(each.name, [])) > 1 else {}
    found = {**row, **keys, **own, "status": str(status)}
    return {name: value for name, value in found.items() if name in row}


def rows_of_another(ledger: Ledger) -> dict[str, list[str]]:
    with ledger.reading() as database:
        return {
            each.name: sorted(map(str, database.execute(select(each).where(each.c.connection == "another"))))
            for each in Base.metadata.sorted_tables
            if "connection" in each.columns
        }


def plain(found: Any) -> Any:
    if isinstance(found, pd.DataFrame):
        return found.to_dict("list")
    return [tuple(row) if hasattr(row, "_mapping") else row for row in found] if isinstance(found, list) else found


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_nothing_of_another_connection_is_read(ledger: Ledger) -> None:
    alone = {name: plain(read(ledger)) for name, read in READERS.items()}
    fill(ledger)
    assert {name: plain(read(ledger)) for name, read in READERS.items()} == alone


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_nothing_of_another_connection_is_changed(ledger: Ledger) -> None:
    fill(ledger)
    before = rows_of_another(ledger)
    with lease(ledger, "us", "import") as token:
        batch = open_batch(ledger, "us", "import", lease=token, parameters={}, last_stage="load")
        with ledger.writing() as database:
            write(database, batch)
    after = rows_of_another(ledger)
    assert {name: rows for name, rows in after.items() if rows != before[name]} == {}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_removal_goes_by_nothing_of_another_connections_order_with_the_same_id_and_leaves_it(ledger: Ledger) -> None:
    fill(ledger)
    before = rows_of_another(ledger)
    with lease(ledger, "us", "import") as token:
        batch = open_batch(ledger, "us", "import", lease=token, parameters={}, last_stage="load")
        with ledger.writing() as database:
            landing.land(ledger, database, batch, [read_arrival(b'{"orderId": "%s"}' % ORDER.encode())], origin=WINDOW)
            orders.write_standing(database, batch, [(ORDER, "held", None, *Standing())])
        landing.index_pages(ledger, batch)
        assert Removing(ledger, "us", token, NOW, {}, "purge").remove([ORDER]) == 1
    assert orders.tracked_orders(ledger, "us", [ORDER])[ORDER].status == "ignored", "the other one had left"
    assert rows_of_another(ledger) == before
