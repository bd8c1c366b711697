"""What a step works with: the ledger, the connection, its mappings, its warehouse and its account at Amazon."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

from mfn.connections import find_connection, load_connections
from mfn.database.urls import shown_database_url
from mfn.errors import FatalError
from mfn.ledger.batches import get_batch, update_batch
from mfn.ledger.budget import Budget
from mfn.ledger.leases import Watch, assert_held, assert_not_taken_over
from mfn.ledger.opening import open_ledger
from mfn.ledger.order_listing import last_loaded_at
from mfn.mappings import load_mappings
from mfn.settings import environment
from mfn.warehouse.looking import lost_order_tables
from mfn.warehouse.sql import SqlWarehouse, whereabouts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection as Database

    from mfn.amazon.client import AmazonOrders
    from mfn.amazon.credentials import Credentials
    from mfn.amazon.feeds import AmazonFeeds
    from mfn.amazon.listings import AmazonListings
    from mfn.amazon.session import Session
    from mfn.connection import Connection
    from mfn.ledger.opening import Ledger
    from mfn.mappings import Mappings
    from mfn.models import BatchRef
    from mfn.settings import Settings


@dataclass(frozen=True)
class Workplace:
    """Everything that a step may need of one connection; each part is opened on first use.

    Attributes:
        settings: The settings in force.
        connection: The connection.
        ledger: The open ledger.
        lease: The token of the lease of the run at work; None without a lease.
    """

    settings: Settings
    connection: Connection
    ledger: Ledger
    lease: str | None = None

    @cached_property
    def mappings(self) -> Mappings:
        """The mapping files, checked; a row that names an unknown connection is an error."""
        return load_mappings(self.settings.mappings, connections=load_connections(self.settings))

    @cached_property
    def warehouse(self) -> SqlWarehouse:
        """The warehouse, with its tables created where they were missing."""
        # It only reads: the warehouse may be in the ledger's own file, which the transaction has locked.
        may_write = partial(assert_not_taken_over, self.ledger, self.lease) if self.lease is not None else None
        warehouse = SqlWarehouse(self.connection.warehouse.url, name=self.connection.name, may_write=may_write)
        refuse_lost_warehouse(self)
        warehouse.ensure_tables()
        return warehouse

    @property
    def warehouse_name(self) -> str:
        """What people call the warehouse."""
        return f"the warehouse of {self.connection.name}"

    @cached_property
    def sharing(self) -> list[str]:
        """The names of the connections that share this warehouse, this one included."""
        here = whereabouts(self.connection.warehouse.url)
        everywhere = load_connections(self.settings).values()
        return [one.name for one in everywhere if whereabouts(one.warehouse.url) == here]

    @cached_property
    def credentials(self) -> Credentials:
        """The secrets with which the account is called."""
        from mfn.amazon.credentials import load_credentials  # noqa: PLC0415 - httpx is not needed by most commands

        return load_credentials(self.connection, environment(), self.settings.base)

    @cached_property
    def session(self) -> Session:
        """The account at Amazon, shared by everything that calls it."""
        from mfn.amazon.session import open_session  # noqa: PLC0415 - sp_api takes 0.2 s that most commands do not need

        may_call = Watch(self.ledger, self.lease).assert_held if self.lease is not None else None
        budget = Budget(self.ledger.engine, self.connection.account)
        return open_session(self.connection, self.credentials, budget, may_call=may_call)

    @cached_property
    def amazon(self) -> AmazonOrders:
        """The orders of the account."""
        from mfn.amazon.client import AmazonOrders  # noqa: PLC0415 - as above

        return AmazonOrders(self.session)

    @cached_property
    def listings(self) -> AmazonListings:
        """The listings of the account."""
        from mfn.amazon.listings import AmazonListings  # noqa: PLC0415 - as above

        return AmazonListings(self.session)

    @cached_property
    def feeds(self) -> AmazonFeeds:
        """The feeds of the account."""
        from mfn.amazon.feeds import AmazonFeeds  # noqa: PLC0415 - as above

        return AmazonFeeds(self.session)


def open_workplace(settings: Settings, connection: str, *, lease: str | None = None) -> Workplace:
    """The workplace of a connection.

    Args:
        settings: The settings in force.
        connection: The connection's name.
        lease: The token of the run's lease: once another run has taken it, nothing more is written to the warehouse and
            no more calls are made to Amazon. None for what needs no lease.

    Raises:
        ConfigurationError: The connections file or the ledger's keys are wrong.
        RetriableError: The ledger cannot be reached.
    """
    return Workplace(settings, find_connection(settings, connection), open_ledger(settings), lease)


def refuse_lost_warehouse(place: Workplace) -> None:
    """Refuse a warehouse that orders were loaded into and whose tables for them are gone.

    They are not silently created again: what had been loaded would be missing, and nobody would know.

    Raises:
        FatalError: Its file, its table of orders or that of their lines is gone, and the ledger knows of orders that
            were loaded into it.
        RetriableError: It, or the ledger, cannot be reached.
    """
    url, what = place.connection.warehouse.url, place.warehouse_name
    lost = lost_order_tables(url, what=what)
    if not lost:
        return
    moments = [at for name in place.sharing if (at := last_loaded_at(place.ledger, name)) is not None]
    if moments:
        raise FatalError(
            f"{what} is gone: {shown_database_url(url)} has no table {' and no '.join(lost)}, although orders were"
            f" loaded into it, the last new one at {max(moments):%Y-%m-%d %H:%M} UTC.",
            remedy="Restore it, or correct warehouse.url in connections.yaml; then run the command again (a batch: mfn"
            " rerun --failed). If you want a new, empty one, mfn mappings check creates it (docs/warehouse.md).",
        )


@contextmanager
def writing_under_lease(ledger: Ledger, lease: str) -> Iterator[Database]:
    """A transaction on the ledger that no other run can have taken over when it is committed.

    Raises:
        LeaseLostError: Another run has taken the lease over.
        RetriableError: The ledger cannot be reached.
    """
    with ledger.writing() as database:
        assert_held(database, lease)
        yield database


def add_counts(database: Database, ledger: Ledger, batch: BatchRef, counts: Mapping[str, int]) -> None:
    """Store what a stage counted, next to what other stages counted."""
    before = get_batch(ledger, batch.batch_id).counts
    update_batch(database, batch, counts={**before, **counts})


def keep_calls(place: Workplace, batch: BatchRef) -> None:
    """Add the calls made since the last time to the batch's `api_calls`."""
    made = place.session.calls.copy()
    place.session.calls.clear()
    if made:
        before = get_batch(place.ledger, batch.batch_id).api_calls
        with place.ledger.writing() as database:
            update_batch(
                database, batch, api_calls={name: before.get(name, 0) + made[name] for name in sorted({*before, *made})}
            )
