"""One run at a time for each connection and kind: a lease in the ledger, renewed while its holder works."""

from __future__ import annotations

import os
import platform
import secrets
import threading
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from sqlalchemy import bindparam, delete, or_, select, update

from mfn.database.bulk import upsert
from mfn.errors import LeaseHeldError, LeaseLostError, MfnError
from mfn.ledger.clock import LedgerTime, seconds_since_start
from mfn.ledger.schema import Lease
from mfn.models import BatchKind
from mfn.processes import Started, started, where_numbers_count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement, Connection

    from mfn.ledger.opening import Ledger

LeaseKind = BatchKind | Literal["keys", "reprocess"]
"""What a lease is taken for: a kind of run, the rotation of the encryption keys, or reprocessing, which takes the lease
of the imports too, wave by wave."""

PART_OF = "part of "
"""The start of the kind of a part's lease, which is held under the lease of the imports; each batch has its own."""

LEASE_SECONDS = 60.0
RENEWAL_SECONDS = 10.0
TRUSTED_SECONDS = 1.0
"""How long after a renewal a lease is not checked again: much less than a lease lasts."""

# Built once, because every commit of a run renews the lease.
_RENEW = update(Lease).where(Lease.token == bindparam("held")).values(expires_at=LedgerTime() + LEASE_SECONDS)
_GIVE_BACK = update(Lease).where(Lease.token == bindparam("held")).values(expires_at=0.0)


@contextmanager
def lease(ledger: Ledger, connection: str, kind: LeaseKind) -> Iterator[str]:
    """Hold the lease of a connection and kind, and renew it until the block ends.

    A holder that died on this machine is noticed at once; one on another machine within a minute.

    Yields:
        The token that `assert_held` checks in every commit.

    Raises:
        LeaseHeldError: Another run holds it; says who, and when it was last seen.
    """
    with _renewed(ledger, connection, _take(ledger, connection, kind)) as token:
        yield token


@contextmanager
def part_lease(ledger: Ledger, connection: str, batch_id: str, *, under: str) -> Iterator[str]:
    """Hold the lease of one batch under that of a connection's imports, which another process holds.

    Each part has a row of its own, so that commits of different parts do not wait for each other. Taking over the lease
    of the imports, whose token is `under`, ends that of every part in the same transaction.

    Yields:
        The token that `assert_held` checks in every commit of the part.

    Raises:
        LeaseLostError: That lease has ended: nothing may start under it any more.
        LeaseHeldError: Another process works on this batch.
    """
    token = _take(ledger, connection, part_kind(batch_id), under=under)
    with _renewed(ledger, connection, token):
        yield token


def part_kind(batch_id: str) -> str:
    """The kind of a part's lease, as `is_held` takes it."""
    return f"{PART_OF}import {batch_id}"


@contextmanager
def _renewed(ledger: Ledger, connection: str, token: str) -> Iterator[str]:
    stopped = threading.Event()
    renewal = threading.Thread(
        target=_renew_until, args=(stopped, ledger, token), daemon=True, name=f"lease-{connection}"
    )
    renewal.start()
    try:
        yield token
    finally:
        stopped.set()
        renewal.join()
        # A lease that cannot be given back expires on its own; the error must not hide how the run ended.
        with suppress(MfnError), ledger.writing() as database:
            database.execute(_GIVE_BACK, {"held": token})


def assert_held(database: Connection, token: str) -> None:
    """Renew the lease inside a transaction that is about to commit, so that only its holder can commit.

    Args:
        database: The open transaction on the ledger.
        token: What `lease` yielded.

    Raises:
        LeaseLostError: Another run has taken it; nothing of this transaction may stay.
    """
    if database.execute(_RENEW, {"held": token}).rowcount != 1:
        raise _taken_over()


def assert_not_taken_over(ledger: Ledger, token: str) -> None:
    """Check, without writing to the ledger, that no other run has taken the lease.

    Raises:
        LeaseLostError: Another run has taken it.
        RetriableError: The ledger cannot be reached.
    """
    with ledger.reading() as database:
        if database.execute(select(Lease.token).where(Lease.token == token)).one_or_none() is None:
            raise _taken_over()


class Watch:
    """Checks that a run still holds its lease before each action that cannot be undone; from any thread.

    Args:
        ledger: The open ledger.
        token: What `lease` yielded.
    """

    def __init__(self, ledger: Ledger, token: str) -> None:
        self._ledger = ledger
        self._token = token
        self._renewed_at = -TRUSTED_SECONDS

    def assert_held(self) -> None:
        """Renew the lease, unless that was done a moment ago. Never call it within a transaction on the ledger.

        Raises:
            LeaseLostError: Another run has taken it.
            RetriableError: The ledger cannot be reached.
        """
        now = seconds_since_start()
        if now - self._renewed_at < TRUSTED_SECONDS:
            return
        with self._ledger.writing() as database:
            assert_held(database, self._token)
        self._renewed_at = now


def is_held(database: Connection, connection: str, kind: str) -> bool:
    """Whether a live run holds the lease of a connection and kind."""
    where = (Lease.connection == connection) & (Lease.kind == kind)
    row = database.execute(select(Lease.holder, _is_over().label("is_over")).where(where)).one_or_none()
    return row is not None and not row.is_over and not _is_dead(row.holder)


def _is_over() -> ColumnElement[bool]:
    """Whether a lease has expired.

    One that would last much longer than any does is from before the ledger's clock was set back, or its machine was
    restarted: a holder that still lives renews it within seconds, or finds out at its next commit.
    """
    now = LedgerTime()
    return or_(Lease.expires_at <= now, Lease.expires_at > now + (LEASE_SECONDS + RENEWAL_SECONDS))


def _taken_over() -> LeaseLostError:
    return LeaseLostError(
        "another run took over this connection while this one was stalled.",
        remedy="Nothing to do: the other run continues with the same batch. See mfn batches.",
    )


def _take(ledger: Ledger, connection: str, kind: str, *, under: str | None = None) -> str:
    token = secrets.token_hex(16)
    where = (Lease.connection == connection) & (Lease.kind == kind)
    with ledger.reading() as database:
        held = database.execute(select(Lease.token, Lease.holder).where(where)).one_or_none()
    dead = held.token if held and _is_dead(held.holder) else ""
    mine = {"token": token, "holder": _this_process(), "expires_at": LedgerTime() + LEASE_SECONDS}
    take = upsert(ledger.engine.dialect, Lease).values(connection=connection, kind=kind, **mine)
    keys = [Lease.connection, Lease.kind]
    take = take.on_conflict_do_update(index_elements=keys, set_=mine, where=or_(_is_over(), Lease.token == dead))
    left = (Lease.expires_at - LedgerTime()).label("left")
    with ledger.writing() as database:
        if under is not None:
            _assert_standing(database, under)
        database.execute(take)
        row = database.execute(select(Lease.token, Lease.holder, left).where(where)).one()
        if kind == "import" and row.token == token:
            parts = Lease.kind.startswith(part_kind(""))
            database.execute(delete(Lease).where(Lease.connection == connection, parts))
    if row.token != token:
        seen = datetime.now(UTC) - timedelta(seconds=LEASE_SECONDS - row.left)
        raise LeaseHeldError(
            f"another {kind} run is working on connection {connection}: {row.holder.partition(' started ')[0]},"
            f" last seen {seen:%Y-%m-%d %H:%M:%S} UTC.",
            remedy=f"Wait for it to end (if it is dead, {LEASE_SECONDS:.0f} seconds), then run the command again.",
        )
    return token


def _assert_standing(database: Connection, token: str) -> None:
    """Check that a lease is valid, and keep it so until the transaction ends, for which a takeover has to wait."""
    standing = select(Lease.token).where(Lease.token == token, ~_is_over()).with_for_update(read=True)
    if database.execute(standing).one_or_none() is None:
        raise LeaseLostError(
            "the run that this batch is a part of has ended.",
            remedy="Nothing to do: the next mfn reprocess repeats it; to repeat it now, run mfn rerun.",
        )


def _renew_until(stopped: threading.Event, ledger: Ledger, token: str) -> None:
    while not stopped.wait(RENEWAL_SECONDS):
        try:
            with ledger.writing() as database:
                database.execute(_RENEW, {"held": token})
        except MfnError:
            continue  # the next commit of the run meets the same fault and reports it


def _this_process() -> str:
    """Machine and process in the terms of people; then what distinguishes them from others that look the same.

    That is the start of the process, since a later one may get its id, and the namespace of the id.
    """
    this = started(os.getpid())
    return f"{platform.node()} process {this.pid} started {this.after} in {this.where}"


def _is_dead(holder: str) -> bool:
    process, _, where = holder.partition(" in ")
    number, _, after = process.rpartition(" process ")[2].partition(" started ")
    if where != where_numbers_count() or not number.isdigit() or not after.isdigit():
        return False
    return Started(int(number), int(after), where).process is None
