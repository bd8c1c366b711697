"""Offers in the ledger, on each database: each column in its type, and of each write only what it names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from mfn.database.bulk import utc_text
from mfn.errors import LeaseLostError
from mfn.ledger.batch_opening import open_batch
from mfn.ledger.leases import lease
from mfn.ledger.offers import (
    NOT_LISTED,
    forget_offers,
    offers_of,
    read_offers,
    trim_outcomes,
    write_offers,
    write_outcomes,
)
from mfn.ledger.schema import BatchOffer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

    from mfn.ledger.opening import Ledger
    from mfn.models import BatchRef

NOON = datetime(2026, 11, 1, 12, 0, 0, 5, tzinfo=UTC)
NAMES = ("marketplace_id", "seller_sku", "channel", "level_sent", "sent_at", "is_applied", "sold_not_imported", "asin")


@pytest.fixture
def batch(ledger: Ledger) -> Iterator[BatchRef]:
    with lease(ledger, "us", "inventory") as token:
        yield open_batch(ledger, "us", "inventory", lease=token, parameters={}, last_stage="read")


def write(ledger: Ledger, batch: BatchRef, names: tuple[str, ...], *rows: tuple[Any, ...]) -> None:
    with ledger.writing() as database:
        write_offers(database, batch, names, rows)


def offers(ledger: Ledger) -> dict[str, tuple[Any, ...]]:
    """Every offer, by marketplace and SKU."""
    frame = read_offers(ledger, "us", NAMES).astype("object")
    rows = frame.where(frame.notna(), None).itertuples(index=False, name=None)
    return {f"{row[0]} {row[1]}": row[2:] for row in rows}


def test_a_write_changes_the_columns_that_it_names_and_a_new_offer_is_not_listed_yet(
    ledger: Ledger, batch: BatchRef
) -> None:
    write(ledger, batch, ("channel", "asin"), ("M", "A", "DEFAULT", "B-A"))
    sent = ("level_sent", "sent_at", "is_applied", "sold_not_imported")
    write(ledger, batch, sent, ("M", "A", 3, utc_text(NOON), True, 2))
    assert offers(ledger) == {"M A": ("DEFAULT", 3, NOON, True, 2, "B-A")}
    write(ledger, batch, ("level_sent",), ("M", "A", 4), ("M", "B", None))
    assert offers(ledger) == {
        "M A": ("DEFAULT", 4, NOON, True, 2, "B-A"),
        "M B": (NOT_LISTED, None, None, False, 0, None),
    }


def test_columns_have_their_types_also_where_there_is_no_offer(ledger: Ledger, batch: BatchRef) -> None:
    types = ["object"] * 3 + ["float64", "datetime64[us, UTC]", "bool", "int64", "object"]
    assert read_offers(ledger, "us", NAMES).dtypes.astype("str").tolist() == types
    write(ledger, batch, ("level_sent",), ("M", "A", None))
    assert read_offers(ledger, "us", NAMES).dtypes.astype("str").tolist() == types


def test_offers_are_found_by_their_sku_in_their_marketplace(ledger: Ledger, batch: BatchRef) -> None:
    skus = ["A", 'B "quoted"', "Ü, with a comma"]
    places = [(place, sku) for place in ("M", "N") for sku in (*skus, "D")]
    write(ledger, batch, ("level_sent",), *((*key, number) for number, key in enumerate(places)))
    found = offers_of(ledger, "us", ["level_sent"], "N", [*skus, "nowhere"])
    assert found["level_sent"].to_dict() == {sku: 4.0 + number for number, sku in enumerate(skus)}
    assert offers_of(ledger, "us", ["level_sent"], "N", []).empty
    one = read_offers(ledger, "us", ["seller_sku"], where="level_sent >= :least", least=7)
    assert one["seller_sku"].tolist() == ["D"]


def test_one_offer_is_forgotten_and_none_that_has_only_its_sku_or_its_marketplace(
    ledger: Ledger, batch: BatchRef
) -> None:
    write(ledger, batch, ("level_sent",), *((*key, 1) for key in (("M", "A"), ("M", "B"), ("N", "A"), ("N", "B"))))
    with ledger.writing() as database:
        forget_offers(database, batch, [])
        forget_offers(database, batch, [("M", "A"), ("N", "B")])
    assert set(offers(ledger)) == {"M B", "N A"}


def test_what_runs_did_with_offers_is_kept_for_its_time(ledger: Ledger, batch: BatchRef) -> None:
    def kept() -> list[tuple[Any, ...]]:
        columns = (BatchOffer.batch_id, BatchOffer.seller_sku, BatchOffer.level, BatchOffer.before, BatchOffer.reasons)
        with ledger.reading() as database:
            return [tuple(row) for row in database.execute(select(*columns))]

    with ledger.writing() as database:
        write_outcomes(database, batch, [("M", "A", "pushed", 3, 1, 2, 0, False, "patch", "[]")])
        trim_outcomes(database, batch, datetime.now(UTC) - timedelta(minutes=1))
    assert kept() == [(batch.batch_id, "A", 3, 1, "[]")]
    with ledger.writing() as database:
        trim_outcomes(database, batch, datetime.now(UTC) + timedelta(minutes=1))
    assert kept() == []


def test_a_run_that_has_lost_its_lease_changes_no_offer(ledger: Ledger) -> None:
    with lease(ledger, "us", "inventory") as token:
        gone = open_batch(ledger, "us", "inventory", lease=token, parameters={}, last_stage="read")
    changes: list[Callable[[Connection], None]] = [
        lambda database: write_offers(database, gone, ("level",), []),
        lambda database: forget_offers(database, gone, []),
        lambda database: write_outcomes(database, gone, []),
        lambda database: trim_outcomes(database, gone, NOON),
    ]
    with lease(ledger, "us", "inventory"):
        for change in changes:
            with pytest.raises(LeaseLostError), ledger.writing() as database:
                change(database)
