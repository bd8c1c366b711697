"""One run at a time for each connection and kind: a lease in the ledger, renewed while its holder works."""

from __future__ import annotations

import os
import platform
import secrets
import threading
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from sqlalchemy import bindparam, select, text, update

from mfn.database.engines import reading, writing
from mfn.errors import LeaseHeldError, MfnError, RetriableError
from mfn.ledger.schema import Lease

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from mfn.ledger.opening import Ledger
    from mfn.models import BatchKind

LEASE_SECONDS = 60.0
RENEWAL_SECONDS = 10.0
START_TOLERANCE_SECONDS = 5.0  # a corrected clock moves the start that the system reports

_TAKE = text(
    "INSERT INTO lease (connection, kind, token, holder, expires_at)"
    " VALUES (:connection, :kind, :token, :holder, :expires_at)"
    " ON CONFLICT (connection, kind) DO UPDATE"
    " SET token = excluded.token, holder = excluded.holder, expires_at = excluded.expires_at"
    " WHERE lease.expires_at <= :now OR lease.token = :dead"
)

_RENEW = update(Lease).where(Lease.token == bindparam("held"))
"""Sets `expires_at`; built once, since every commit of a run renews."""


@contextmanager
def lease(ledger: Ledger, connection: str, kind: BatchKind) -> Iterator[str]:
    """Hold the lease of a connection and kind, and renew it until the block ends.

    A holder that died on this machine is noticed at once; one on another machine within a minute.

    Args:
        ledger: The open ledger.
        connection: The connection's name.
        kind: The kind of run.

    Yields:
        The token that `assert_held` checks in every commit.

    Raises:
        LeaseHeldError: Another run holds it; names who and since when it was last seen.
    """
    token = _take(ledger, connection, kind)
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
        # What cannot be given back runs out by itself, and must not hide how the run ended.
        with suppress(MfnError), writing(ledger.engine, what="the ledger") as database:
            database.execute(_RENEW, {"held": token, "expires_at": 0.0})


def assert_held(database: Connection, token: str) -> None:
    """Renew the lease inside a transaction that is about to commit, so that only its holder can commit.

    Args:
        database: The open transaction on the ledger.
        token: What `lease` yielded.

    Raises:
        RetriableError: Another run has taken it; nothing of this transaction may stay.
    """
    renewed = database.execute(_RENEW, {"held": token, "expires_at": time.time() + LEASE_SECONDS})
    if renewed.rowcount != 1:
        raise RetriableError(
            "another run has taken over this connection while this one stood still.",
            remedy="Nothing to do: the other run goes on with the same batch. See mfn batches.",
        )


def is_held(database: Connection, connection: str, kind: str) -> bool:
    """Whether a run that is alive holds the lease of a connection and kind.

    Args:
        database: An open transaction on the ledger.
        connection: The connection's name.
        kind: The kind of run.
    """
    where = (Lease.connection == connection) & (Lease.kind == kind)
    row = database.execute(select(Lease.holder, Lease.expires_at).where(where)).one_or_none()
    return row is not None and row.expires_at > time.time() and not _is_dead(row.holder)


def _take(ledger: Ledger, connection: str, kind: BatchKind) -> str:
    token = secrets.token_hex(16)
    where = (Lease.connection == connection) & (Lease.kind == kind)
    with reading(ledger.engine, what="the ledger") as database:
        held = database.execute(select(Lease.token, Lease.holder).where(where)).one_or_none()
    dead = held.token if held and _is_dead(held.holder) else ""
    now = time.time()
    with writing(ledger.engine, what="the ledger") as database:
        values = {
            "connection": connection,
            "kind": kind,
            "token": token,
            "holder": _this_process(),
            "now": now,
            "dead": dead,
        }
        database.execute(_TAKE, values | {"expires_at": now + LEASE_SECONDS})
        row = database.execute(select(Lease.token, Lease.holder, Lease.expires_at).where(where)).one()
    if row.token != token:
        seen = datetime.fromtimestamp(row.expires_at - LEASE_SECONDS, UTC)
        raise LeaseHeldError(
            f"another {kind} run works on connection {connection}: {row.holder.partition(' started ')[0]},"
            f" last seen {seen:%Y-%m-%d %H:%M:%S} UTC.",
            remedy=f"Wait for it to end, or, if it is gone, {LEASE_SECONDS:.0f} seconds; then run the command again.",
        )
    return token


def _renew_until(stopped: threading.Event, ledger: Ledger, token: str) -> None:
    while not stopped.wait(RENEWAL_SECONDS):
        try:
            with writing(ledger.engine, what="the ledger") as database:
                database.execute(_RENEW, {"held": token, "expires_at": time.time() + LEASE_SECONDS})
        except MfnError:
            continue  # the next commit of the run meets the same fault and reports it


def _this_process() -> str:
    """Machine, process and its start, so that a later process with the same number is not taken for it."""
    return f"{_machine()} process {os.getpid()} started {psutil.Process().create_time():.0f}"


def _machine() -> str:
    namespace = Path("/proc/self/ns/pid")
    return f"{platform.node()}/{namespace.readlink().name if namespace.exists() else 'host'}"


def _is_dead(holder: str) -> bool:
    machine, _, process = holder.partition(" process ")
    number, _, started = process.partition(" started ")
    if machine != _machine() or not number.isdigit() or not started.isdigit():
        return False
    try:
        alive = psutil.Process(int(number))
        return (
            alive.status() == psutil.STATUS_ZOMBIE or abs(alive.create_time() - int(started)) > START_TOLERANCE_SECONDS
        )
    except psutil.NoSuchProcess:
        return True
