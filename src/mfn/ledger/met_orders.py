"""The orders that a batch has met, up to a million in little memory, in the order in which their texts landed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import select

from mfn.database.bulk import among
from mfn.ledger.landed_pages import Place
from mfn.ledger.landing import EARLIER
from mfn.ledger.schema import BatchOrder, LandedOrder, same_order
from mfn.models import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from sqlalchemy import Row, Select

    from mfn.ledger.opening import Ledger

ROWS_AT_ONCE = 10_000
NONE = np.array([], np.bool)
SAMPLES = 1_000
"""How many ids of a part are sampled to find where it ends."""

NOWHERE = -1
"""The place of an order whose text was removed."""

MOST_ON_A_PAGE = 1 << 20
"""More than any page has: Amazon returns a hundred at most."""


@dataclass(frozen=True)
class MetOrders:
    """Some orders of a batch.

    Attributes:
        order_ids: Their ids.
        places: Where their texts are, for those that have one and were met in the window, which do not land again.
        earlier: Those of them that the batch did not meet in its window.
        loaded: Those of them that this batch itself has loaded.
        judged: Those of them that this batch itself has judged.
    """

    order_ids: list[str]
    places: list[Place]
    earlier: set[str]
    loaded: set[str]
    judged: set[str]


class LandedOrders:
    """The orders of a batch: less than forty bytes each, since a batch may have a million.

    Args:
        order_ids: ASCII, as `IDENTIFIER` has it.
        places: As `_place` makes them.
        marks: Which of them are `earlier`, `loaded` and `judged`, see `MetOrders`.
    """

    def __init__(
        self, order_ids: NDArray[np.bytes_], places: NDArray[np.int64], marks: Mapping[str, NDArray[np.bool]]
    ) -> None:
        self._order_ids = order_ids
        self._places = places
        # Indexes: with the values themselves put in order all of them would be in memory twice.
        self._as_landed = np.argsort(places, kind="stable").astype(np.uint32)
        self._marks = marks

    @property
    def earlier(self) -> list[str]:
        """The ids of those that the batch did not meet in its window."""
        return _texts(self._order_ids[self._as_landed[self._marks["earlier"][self._as_landed]]])

    def bounds(self, size: int) -> list[str]:
        """The ids at which the parts begin, all but the first, sorted; each part has about this many orders."""
        some = np.sort(self._order_ids[:: max(1, size // SAMPLES)])
        parts = math.ceil(len(self._order_ids) / size)
        return _texts(np.unique(some[np.arange(1, parts) * len(some) // max(1, parts)]))

    def chunks(self, size: int) -> Iterator[MetOrders]:
        """All of them, this many at a time."""
        for start in range(0, len(self._order_ids), size):
            some = self._as_landed[start : start + size]
            ids = self._order_ids[some]
            is_placed = (self._places[some] != NOWHERE) & ~self._marks["earlier"][some]
            where = np.divmod(self._places[some][is_placed], MOST_ON_A_PAGE)
            places = list(map(Place, *(part.tolist() for part in where), _texts(ids[is_placed])))
            marked = {name: set(_texts(ids[mark[some]])) for name, mark in self._marks.items()}
            yield MetOrders(_texts(ids), places, **marked)


def landed_batch_orders(ledger: Ledger, batch_id: str) -> LandedOrders:
    """The orders of a batch in the order in which their newest texts landed: each page is opened for one chunk."""
    statement = (
        select(BatchOrder.order_id, LandedOrder.page, LandedOrder.position, BatchOrder.origin, BatchOrder.outcome)
        .outerjoin(LandedOrder, same_order(LandedOrder, BatchOrder))
        .where(BatchOrder.batch_id == batch_id)
    )
    ids, places = [np.array([], np.bytes_)], [np.array([], np.int64)]
    marks = {"earlier": [NONE], "loaded": [NONE], "judged": [NONE]}
    with ledger.reading() as database:
        rows = database.execute(statement, execution_options={"yield_per": ROWS_AT_ONCE})
        for some in rows.partitions():
            order_ids, pages, positions, origins, outcomes = zip(*some, strict=True)
            ids.append(np.array(order_ids, np.bytes_))
            places.append(np.array(list(map(_place, pages, positions)), np.int64))
            marks["earlier"].append(np.array([origin == EARLIER for origin in origins], np.bool))
            marks["loaded"].append(np.array([outcome == Outcome.LOADED for outcome in outcomes], np.bool))
            marks["judged"].append(np.array([outcome is not None for outcome in outcomes], np.bool))
    return LandedOrders(_joined(ids), _joined(places), {name: _joined(parts) for name, parts in marks.items()})


def _joined(parts: list[NDArray[Any]]) -> NDArray[Any]:
    """Concatenate arrays and release them, since otherwise a million orders would be in memory twice."""
    whole = np.concatenate(parts)
    parts.clear()
    return whole


def has_loaded(ledger: Ledger, batch_id: str) -> bool:
    """Whether a batch has loaded orders before it was interrupted or run again."""
    with ledger.reading() as database:
        return database.execute(_loaded(batch_id).limit(1)).first() is not None


def loaded_orders(ledger: Ledger, batch_id: str, order_ids: Sequence[str]) -> set[str]:
    """Which of a chunk of orders a batch has loaded."""
    with ledger.reading() as database:
        wanted = among(database, BatchOrder.order_id, order_ids)
        return set(database.execute(_loaded(batch_id).where(wanted)).scalars())


def _loaded(batch_id: str) -> Select[str]:
    return select(BatchOrder.order_id).where(BatchOrder.batch_id == batch_id, BatchOrder.outcome == Outcome.LOADED)


def each_order(
    ledger: Ledger, batch_id: str, *, outcomes: Sequence[str]
) -> Iterator[Row[str, str | None, str | None, str | None]]:
    """The orders of a batch that have one of some outcomes: order_id, outcome, reasons, warnings; one after another.

    The transaction that reads them lasts until the last one was taken.
    """
    columns = (BatchOrder.order_id, BatchOrder.outcome, BatchOrder.reasons, BatchOrder.warnings)
    statement = select(*columns).where(BatchOrder.batch_id == batch_id, BatchOrder.outcome.in_(outcomes))
    with ledger.reading() as database:
        yield from database.execute(statement, execution_options={"yield_per": ROWS_AT_ONCE})


def _place(page: int | None, position: int) -> int:
    return NOWHERE if page is None else page * MOST_ON_A_PAGE + position


def _texts(order_ids: NDArray[np.bytes_]) -> list[str]:
    return [order_id.decode("ascii") for order_id in order_ids.tolist()]
