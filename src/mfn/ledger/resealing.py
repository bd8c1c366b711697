"""Re-encrypting, under the newest key, what other keys had encrypted; and retiring those."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import LargeBinary, bindparam, delete, func, select, tuple_, update

from mfn.database.forgetting import overwrite_freed
from mfn.errors import FatalError
from mfn.ledger.buyers_data import resealed
from mfn.ledger.chunks import chunk_context
from mfn.ledger.encryption import KEY_ID_BYTES
from mfn.ledger.keys import assert_current
from mfn.ledger.landed_pages import page_context
from mfn.ledger.leases import assert_held
from mfn.ledger.schema import BatchChunk, EncryptionKey, LandedPage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import ColumnElement, Connection

    from mfn.ledger.data_access import Access
    from mfn.ledger.opening import Ledger


@dataclass(frozen=True)
class Sealed:
    """A table that keeps encrypted payloads.

    Attributes:
        payload: The column.
        key: Its primary key.
        context: What a payload belongs to, from the primary key.
        at_once: How many rows one transaction re-encrypts: a few megabytes, so that nobody waits long.
    """

    payload: Any
    key: tuple[Any, ...]
    context: Callable[..., str]
    at_once: int


SEALED = (
    Sealed(LandedPage.payload, (LandedPage.connection, LandedPage.page), page_context, 20),
    Sealed(BatchChunk.payload, (BatchChunk.batch_id, BatchChunk.stage, BatchChunk.number), chunk_context, 1),
)
"""Every table that does."""


@dataclass(frozen=True)
class Resealed:
    """What came of one pass.

    Attributes:
        done: How many payloads are under the newest key now and were not before.
        unreadable: What is wrong with each that no key decrypts.
    """

    done: int
    unreadable: tuple[FatalError, ...]


@dataclass(frozen=True)
class Retired:
    """What came of retiring.

    Attributes:
        done: As in `Resealed`.
        keys: The ids of the keys that are the ledger's no more; None: something is under one of them, all stay.
    """

    done: int
    keys: tuple[str, ...] | None


def count_others(database: Connection, ledger: Ledger) -> int:
    """How many payloads are encrypted with another key than the newest."""
    others = (select(func.count(sealed.payload)).where(_is_other(sealed, ledger)) for sealed in SEALED)
    return sum(database.execute(count).scalar_one() for count in others)


def reseal(ledger: Ledger, token: str, access: Access) -> Resealed:
    """Re-encrypt, once, every payload that is under another key than the newest; runs may continue meanwhile.

    A row that another run is changing is left out: it is another one afterwards, or found by the next pass.

    Args:
        ledger: The open ledger.
        token: The lease of the rotation.
        access: What `note_access` returned.

    Raises:
        RetriableError: The ledger cannot be reached, or the keys were changed.
        LeaseLostError: Another rotation has taken over.
    """
    done, unreadable = 0, []
    for sealed in SEALED:
        after: tuple[Any, ...] | None = None
        while True:
            with ledger.writing() as database:
                _prepare(database, ledger, token)
                rows = _next_rows(database, ledger, sealed, after)
                faults = _reseal(database, ledger, access, sealed, rows)
            done += len(rows) - len(faults)
            unreadable += faults
            if not rows:
                break
            after = tuple(rows[-1][:-1])
    return Resealed(done, tuple(unreadable))


def retire(ledger: Ledger, token: str, access: Access) -> Retired:
    """Retire every key but the newest, unless much is still encrypted with one; the little that is, is re-encrypted.

    Whoever writes encrypted data has its key locked meanwhile: what is written under an old key is seen here, or is
    not written any more.

    Args:
        ledger: The open ledger.
        token: The lease of the rotation.
        access: What `note_access` returned.

    Raises:
        RetriableError: The ledger cannot be reached, or the keys were changed.
        LeaseLostError: Another rotation has taken over.
    """
    others = EncryptionKey.key_id != ledger.cipher.newest
    done = 0
    with ledger.writing() as database:
        _prepare(database, ledger, token)
        keys = database.execute(select(EncryptionKey.key_id).where(others).with_for_update()).scalars().all()
        for sealed in SEALED:
            rows = _next_rows(database, ledger, sealed, None)
            done += len(rows) - len(_reseal(database, ledger, access, sealed, rows))
        if count_others(database, ledger):
            return Retired(done, None)
        database.execute(delete(EncryptionKey).where(EncryptionKey.key_id.in_(keys)))
    return Retired(done, tuple(keys))


def _prepare(database: Connection, ledger: Ledger, token: str) -> None:
    assert_held(database, token)
    assert_current(database, ledger.cipher)
    overwrite_freed(database)


def _next_rows(
    database: Connection, ledger: Ledger, sealed: Sealed, after: tuple[Any, ...] | None
) -> list[tuple[Any, ...]]:
    statement = select(*sealed.key, sealed.payload).where(_is_other(sealed, ledger))
    if after is not None:
        statement = statement.where(tuple_(*sealed.key) > tuple_(*after))
    locked = statement.order_by(*sealed.key).limit(sealed.at_once).with_for_update(skip_locked=True)
    return [tuple(row) for row in database.execute(locked)]


def _reseal(
    database: Connection, ledger: Ledger, access: Access, sealed: Sealed, rows: Sequence[tuple[Any, ...]]
) -> list[FatalError]:
    """Re-encrypt rows; returns what is wrong with each that no key decrypts, which stays unchanged."""
    fresh, faults = [], []
    for *key, payload in rows:
        try:
            again = resealed(ledger, access, payload, context=sealed.context(*key))
        except FatalError as fault:
            faults.append(fault)
        else:
            fresh.append({"fresh": again} | {f"of_{number}": value for number, value in enumerate(key)})
    if fresh:
        where = [column == bindparam(f"of_{number}") for number, column in enumerate(sealed.key)]
        database.execute(update(sealed.payload.table).where(*where).values(payload=bindparam("fresh")), fresh)
    return faults


def _is_other(sealed: Sealed, ledger: Ledger) -> ColumnElement[bool]:
    key = func.substr(sealed.payload, 1, KEY_ID_BYTES, type_=LargeBinary)
    is_other: ColumnElement[bool] = key != bytes.fromhex(ledger.cipher.newest)
    return is_other
