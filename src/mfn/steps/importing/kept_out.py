"""Newest versions that stay out of the warehouse, which has an older one: told of once, as conflicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mfn.ledger.kept_out import kept_out_versions, versions_not_taken_up, write_kept_out
from mfn.ledger.orders import TO_SHIP, read_reasons
from mfn.warehouse.order_states import CANCELLED, NEW, SHIPPED

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from mfn.models import BatchRef, Reason
    from mfn.steps.conflicts import Conflicts
    from mfn.steps.importing.judging import Judgement
    from mfn.steps.workplace import Workplace

KEPT_OUT = "its newest version at Amazon was kept out"
"""What the conflict of every such order begins with."""

DELETED = "deleted"
BEGUN = "What the warehouse has begun is an older version: stop it there, or correct the parcel by hand."
BY_STATUS = {
    NEW: "What the warehouse has not begun is written by the next import once that is mended; or at once:\n"
    "mfn import {connection} --order {order_id}",
    SHIPPED: "What has left was an older version: compare it with Seller Central.",
    CANCELLED: "What the warehouse has cancelled: let it take that up again, or cancel it in Seller Central.",
    DELETED: "What was deleted in the warehouse, if it did not leave, is loaded again with:\n"
    "mfn orders release {order_id} --why TEXT",
}
"""What to do besides what mends the reasons, by where the order stands in the warehouse."""


class KeptOut:
    """The orders of a batch that the warehouse has still to ship and whose newest version is kept out of it.

    An order is told of where Amazon changed it since a version of it last passed: once a version and reason, but for a
    person who asks for this very order.

    Args:
        place: The workplace.
        batch: The batch at work.
        is_asked_for: Whether a person asked for the one order of the batch, and is told whatever was told before.
    """

    def __init__(self, place: Workplace, batch: BatchRef, *, is_asked_for: bool) -> None:
        self._place = place
        self._batch = batch
        self._is_asked_for = is_asked_for
        self._known = kept_out_versions(place.ledger, batch.connection)
        self._passed: set[str] = set()
        self._told: dict[str, tuple[datetime | None, tuple[Reason, ...]]] = {}
        self._conflicts: list[tuple[str, str, str, str]] = []

    @property
    def before(self) -> Collection[str]:
        """The orders of which earlier batches told, and that nothing has mended since."""
        return self._known.keys()

    def look(self, judgements: Sequence[Judgement], tracked: Mapping[str, Row[Any]]) -> Collection[str]:
        """Look for such orders among the judgements of a chunk.

        Args:
            judgements: What the checks say of its orders.
            tracked: What the ledger knows of them.

        Returns:
            The orders among them whose newest version the warehouse lacks, told of or not.

        Raises:
            RetriableError: The ledger or the warehouse could not be reached.
        """
        kept_out = {one.order_id: one for one in judgements if one.kept_out and tracked[one.order_id].status in TO_SHIP}
        self._passed |= self._known.keys() & {one.order_id for one in judgements} - kept_out.keys()
        # One whose newest version had passed is not among them: what fails by now is a mapping or an item.
        lacking = versions_not_taken_up(self._place.ledger, self._batch.connection, kept_out) if kept_out else {}
        news = {
            order_id: version
            for order_id, version in lacking.items()
            if self._is_asked_for or not self._is_told(kept_out[order_id], version)
        }
        states = self._place.warehouse.states(news) if news else {}
        for order_id, version in sorted(news.items()):
            judged, status = kept_out[order_id], states.get(order_id, DELETED)
            self._told[order_id] = (version, judged.kept_out)
            self._conflicts.append((order_id, _what(judged), status, self._remedy(judged, status)))
        return lacking.keys()

    def among(self, conflicts: Conflicts) -> Conflicts:
        """The conflicts of a batch with these orders among them, in the place of what an earlier look found.

        Args:
            conflicts: What the batch has found so far.
        """
        conflicts.forget(KEPT_OUT)
        for conflict in self._conflicts:
            conflicts.add(*conflict)
        return conflicts

    def write(self, database: Connection) -> None:
        """Note in the ledger what is told, so that the next runs examine these orders and do not tell of them again.

        Args:
            database: The open transaction, in which the conflicts are noted.
        """
        write_kept_out(database, self._batch, self._told, passed=self._passed)

    def _is_told(self, judged: Judgement, version: datetime | None) -> bool:
        """Whether another batch has told all that keeps this version out; what this one told before, it tells anew."""
        known = self._known.get(judged.order_id)
        if known is None or known.batch_id == self._batch.batch_id or known.last_updated_at != version:
            return False
        # What was told may be mended and something else stand against it by now, such as the very row that was pasted.
        told = {(reason.code, reason.detail) for reason in read_reasons(known.reasons)}
        return all((reason.code, reason.detail) in told for reason in judged.kept_out)

    def _remedy(self, judged: Judgement, status: str) -> str:
        mend = [reason.remedy for reason in judged.kept_out if reason.remedy]
        besides = BY_STATUS.get(status, BEGUN)
        return "\n".join([*mend, besides.format(connection=self._batch.connection, order_id=judged.order_id)])


def _what(judged: Judgement) -> str:
    return f"{KEPT_OUT}: " + "; ".join(f"{reason.code}: {reason.detail}" for reason in judged.kept_out)
