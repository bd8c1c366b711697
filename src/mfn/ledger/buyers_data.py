"""The only access to buyers' data: nothing is decrypted before the audit trail says for whom, and for what purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec
from sqlalchemy import bindparam, delete, func, select, update

from mfn.database.bulk import among
from mfn.database.forgetting import overwrite_freed
from mfn.errors import RetriableError
from mfn.ledger.chunks import chunk_context
from mfn.ledger.compression import decompressed
from mfn.ledger.data_access import note_access
from mfn.ledger.encryption import key_id_of
from mfn.ledger.keys import KEYS_CHANGED, KEYS_CHANGED_REMEDY, assert_current, registered_keys
from mfn.ledger.landed_pages import Place, page_context, seal_page
from mfn.ledger.schema import BatchChunk, BatchOrder, LandedOrder, LandedPage

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from mfn.ledger.data_access import Access
    from mfn.ledger.opening import Ledger
    from mfn.models import BatchRef

    Content = TypeVar("Content")

PLAIN_KINDS = ("inventory", "reconcile")
"""Kinds of run that neither read buyers' data nor pass it on."""

CHUNK_ORDERS = 10_000
"""How many orders are in memory at a time; a run over 100,000 orders stays under 600 MB."""
PAGES_IN_MEMORY = 50

_TEXTS = msgspec.msgpack.Decoder(list[bytes])

_PAGE = (LandedPage.connection == bindparam("of")) & (LandedPage.page == bindparam("at_page"))
_REWRITE = update(LandedPage).where(_PAGE).values(payload=bindparam("sealed"), texts=bindparam("left"))
_COUNTED = update(LandedPage).where(_PAGE).values(texts=bindparam("left"))


def stored_orders(
    ledger: Ledger, connection: str, order_ids: Sequence[str], *, purpose: str, batch_id: str | None = None
) -> Iterator[tuple[str, bytes]]:
    """The newest landed text of orders.

    Args:
        ledger: The open ledger; no transaction that writes to it may be open in this thread.
        connection: The connection's name.
        order_ids: At most `CHUNK_ORDERS` ids.
        purpose: What for, as the audit trail records it: the step or the command.
        batch_id: The batch that needs them.

    Yields:
        Order id and JSON text, page by page; an order whose text was removed, or that never landed, is left out.

    Raises:
        RetriableError: The ledger cannot be reached, or its keys were changed meanwhile.
        FatalError: What is stored cannot be decrypted.
    """
    yield from texts_at(
        ledger, connection, places_of(ledger, connection, order_ids), purpose=purpose, batch_id=batch_id
    )


def texts_at(
    ledger: Ledger, connection: str, places: Sequence[Place], *, purpose: str, batch_id: str | None
) -> Iterator[tuple[str, bytes]]:
    """The texts at some places.

    Args:
        ledger: The open ledger; no transaction that writes to it may be open in this thread.
        connection: The connection's name.
        places: As `places_of` returns them; the caller makes sure that none of the orders has landed again since.
        purpose: What for, as the audit trail records it: the step or the command.
        batch_id: The batch that needs them.

    Yields:
        Order id and JSON text, page by page; an order whose text was removed is left out.

    Raises:
        RetriableError: The ledger cannot be reached, or its keys were changed meanwhile.
        FatalError: What is stored cannot be decrypted.
    """
    if not places:
        return
    single = places[0][-1] if len(places) == 1 else None
    note_access(ledger, purpose, connection=connection, orders=len(places), batch_id=batch_id, order_id=single)
    gone = yield from _texts_at(ledger, connection, places)
    if gone:  # removed since, unless they have landed again
        yield from _texts_at(ledger, connection, places_of(ledger, connection, gone))


def places_of(ledger: Ledger, connection: str, order_ids: Collection[str]) -> list[Place]:
    """Where the newest texts of up to `CHUNK_ORDERS` orders are, page by page; nothing for an order without one."""
    if not order_ids:
        return []
    statement = select(LandedOrder.page, LandedOrder.position, LandedOrder.order_id)
    with ledger.reading() as database:
        wanted = among(database, LandedOrder.order_id, order_ids)
        rows = database.execute(statement.where(LandedOrder.connection == connection, wanted)).all()
    return sorted(Place(*row) for row in rows)


def _texts_at(
    ledger: Ledger, connection: str, places: Sequence[Place]
) -> Generator[tuple[str, bytes], None, list[str]]:
    """The texts at some places; returns the orders whose text is no longer there."""
    pages = list(dict.fromkeys(page for page, _, _ in places))
    texts: dict[int, list[bytes]] = {}
    gone = []
    for page, position, order_id in places:
        if page not in texts:  # the next pages; those before are finished
            texts = _read_pages(ledger, connection, pages[:PAGES_IN_MEMORY])
            del pages[:PAGES_IN_MEMORY]
        if texts[page] and texts[page][position]:
            yield order_id, texts[page][position]
        else:
            gone.append(order_id)
    return gone


def _read_pages(ledger: Ledger, connection: str, pages: Sequence[int]) -> dict[int, list[bytes]]:
    statement = select(LandedPage.page, LandedPage.payload).where(
        LandedPage.connection == connection, LandedPage.page.in_(pages)
    )
    with ledger.reading() as database:
        rows = database.execute(statement).all()
    read = {page: _texts(ledger, connection, page, payload) for page, payload in rows}
    return {page: read.get(page, []) for page in pages}


def _texts(ledger: Ledger, connection: str, page: int, payload: bytes) -> list[bytes]:
    return _TEXTS.decode(decompressed(_decrypted(ledger, payload, context=page_context(connection, page))))


def keep_texts(
    ledger: Ledger, database: Connection, access: Access, connection: str, keep: Mapping[int, Collection[int]]
) -> int:
    """Keep only some texts of landed pages; the others are deleted for good, and so are pages that keep none.

    The others keep their places: an empty text takes the place of a deleted one. `LandedPage.texts` says how many are
    left, also of pages whose texts had not been counted.

    Args:
        ledger: The open ledger.
        database: The open transaction, which holds the import lease of the connection.
        access: What `note_access` returned, before this transaction began.
        connection: The connection's name.
        keep: By page, the positions of the texts to keep; pages that do not exist are ignored.

    Returns:
        How many texts were removed.

    Raises:
        RetriableError: The keys were changed meanwhile; nothing of this transaction may stay.
        FatalError: A page cannot be decrypted.
    """
    if access.connection not in (None, connection):
        message = f"the access was noted for {access.connection}, not for {connection}"
        raise ValueError(message)
    assert_current(database, ledger.cipher)
    overwrite_freed(database)
    statement = select(LandedPage.page, LandedPage.payload, LandedPage.texts).where(
        LandedPage.connection == connection, LandedPage.page.in_(keep)
    )
    removed = 0
    for page, payload, counted in database.execute(statement.order_by(LandedPage.page).with_for_update()).all():
        texts = _texts(ledger, connection, page, payload)
        kept = [text if position in keep[page] else b"" for position, text in enumerate(texts)]
        left = sum(map(bool, kept))
        gone = sum(map(bool, texts)) - left
        removed += gone
        place = {"of": connection, "at_page": page}
        if not left:
            database.execute(delete(LandedPage).where(_PAGE), place)
        elif gone:
            sealed = seal_page(ledger, connection, page, kept)
            database.execute(_REWRITE, {**place, "sealed": sealed, "left": left})
        elif counted != left:
            database.execute(_COUNTED, {**place, "left": left})
    return removed


def resealed(ledger: Ledger, access: Access, payload: bytes, *, context: str) -> bytes:  # noqa: ARG001 - the proof that it was noted
    """A payload encrypted again under the newest key; its content goes nowhere.

    Args:
        ledger: The open ledger.
        access: What `note_access` returned.
        payload: As it is stored, under any key.
        context: What it belongs to.

    Raises:
        RetriableError: The keys were changed meanwhile.
        FatalError: It cannot be decrypted.
    """
    return ledger.cipher.encrypt(_decrypted(ledger, payload, context=context), context=context)


def read_chunks(
    ledger: Ledger, batch: BatchRef, stage: str, numbers: Sequence[int], kind: type[Content], *, purpose: str
) -> list[Content]:
    """The output of an import's stage for some orders, a chunk of them at most.

    Args:
        ledger: The open ledger; no transaction that writes to it may be open in this thread.
        batch: The batch.
        stage: The stage.
        numbers: Some of `chunk_numbers`.
        kind: The type of the output.
        purpose: What for, as the audit trail records it: the step.

    Raises:
        RetriableError: The ledger cannot be reached, or its keys were changed meanwhile.
        FatalError: What is stored cannot be decrypted.
    """
    # Not all of them are counted: a batch may have a million, and a hundred chunks.
    met = select(BatchOrder.order_id).where(BatchOrder.batch_id == batch.batch_id).limit(CHUNK_ORDERS).subquery()
    with ledger.reading() as database:
        at_most = database.execute(select(func.count()).select_from(met)).scalar_one()
    note_access(ledger, purpose, connection=batch.connection, orders=at_most, batch_id=batch.batch_id)
    return _chunks(ledger, batch, stage, numbers, kind)


def read_plain_chunk(ledger: Ledger, batch: BatchRef, stage: str, number: int, kind: type[Content]) -> Content:
    """The output of a stage that has no buyer's data, so that no access is recorded: SKUs, levels, statuses of orders.

    Args:
        ledger: The open ledger.
        batch: The batch, of one of `PLAIN_KINDS`.
        stage: The stage.
        number: One of `chunk_numbers`.
        kind: The type of the output.

    Raises:
        RetriableError: The ledger cannot be reached, or its keys were changed meanwhile.
        FatalError: What is stored cannot be decrypted.
    """
    if batch.kind not in PLAIN_KINDS:
        message = f"a chunk of a run of kind {batch.kind} may hold buyers' data: read_chunks"
        raise ValueError(message)
    (content,) = _chunks(ledger, batch, stage, [number], kind)
    return content


def _chunks(ledger: Ledger, batch: BatchRef, stage: str, numbers: Sequence[int], kind: type[Content]) -> list[Content]:
    statement = select(BatchChunk.number, BatchChunk.payload).where(
        BatchChunk.batch_id == batch.batch_id, BatchChunk.stage == stage, BatchChunk.number.in_(numbers)
    )
    with ledger.reading() as database:
        payloads: dict[int, bytes] = dict(database.execute(statement).all())
    contents = []
    for number in numbers:
        plain = _decrypted(ledger, payloads[number], context=chunk_context(batch.batch_id, stage, number))
        contents.append(msgspec.msgpack.decode(decompressed(plain), type=kind))
    return contents


def _decrypted(ledger: Ledger, payload: bytes, *, context: str) -> bytes:
    key_id = key_id_of(payload)
    if not ledger.cipher.has(key_id):
        with ledger.reading() as database:
            if key_id in registered_keys(database):
                raise RetriableError(KEYS_CHANGED, remedy=KEYS_CHANGED_REMEDY)
    return ledger.cipher.decrypt(payload, context=context)
