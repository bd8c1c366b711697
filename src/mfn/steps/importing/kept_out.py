"""Newest versions of orders kept out of the warehouse, which has an older one: each is reported once, as a conflict."""

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
"""How the text of every such conflict begins."""

DELETED = "deleted"
BEGUN = "The warehouse is working on an older version: stop it there, or correct the parcel by hand."
BY_STATUS = {
    NEW: "The next import writes it to the warehouse once that is fixed. To do it now:\n"
    "mfn import {connection} --order {order_id}",
    SHIPPED: "An older version has shipped: compare it with Seller Central.",
    CANCELLED: "The warehouse has cancelled it: have the warehouse reopen it, or cancel it in Seller Central.",
    DELETED: "It was deleted in the warehouse. If it has not shipped, load it again with:\n"
    "mfn orders release {order_id} --why TEXT",
}
"""What to do besides fixing the reasons, by the order's status in the warehouse."""


class KeptOut:
    """The orders of a batch that the warehouse has yet to ship and whose newest version is kept out of it.

    An order is reported if Amazon changed it after the last version that passed: once for each version and reason, or
    again when a person asks for this very order.

    Args:
        place: The workplace.
        batch: The batch at work.
        is_asked_for: Whether a person asked for this one order, so that it is reported even if it was before.
    """

    def __init__(self, place: Workplace, batch: BatchRef, *, is_asked_for: bool) -> None:
        self._place = place
        self._batch = batch
        self._is_asked_for = is_asked_for
        self._known = kept_out_versions(place.ledger, batch.connection)
        self._passed: set[str] = set()
        self._reported: dict[str, tuple[datetime | None, tuple[Reason, ...]]] = {}
        self._conflicts: list[tuple[str, str, str, str]] = []

    @property
    def before(self) -> Collection[str]:
        """The orders that earlier batches reported and that are still kept out."""
        return self._known.keys()

    def look(self, judgements: Sequence[Judgement], tracked: Mapping[str, Row[Any]]) -> Collection[str]:
        """Find such orders among the judgements of a chunk.

        Args:
            judgements: What the checks say of its orders.
            tracked: What the ledger knows of them.

        Returns:
            The orders among them whose newest version the warehouse lacks, reported or not.

        Raises:
            RetriableError: The ledger or the warehouse could not be reached.
        """
        kept_out = {one.order_id: one for one in judgements if one.kept_out and tracked[one.order_id].status in TO_SHIP}
        self._passed |= self._known.keys() & {one.order_id for one in judgements} - kept_out.keys()
        # An order whose newest version had passed before is left out: what fails now is a mapping or an item.
        lacking = versions_not_taken_up(self._place.ledger, self._batch.connection, kept_out) if kept_out else {}
        news = {
            order_id: version
            for order_id, version in lacking.items()
            if self._is_asked_for or not self._is_reported(kept_out[order_id], version)
        }
        states = self._place.warehouse.states(news) if news else {}
        for order_id, version in sorted(news.items()):
            judged, status = kept_out[order_id], states.get(order_id, DELETED)
            self._reported[order_id] = (version, judged.kept_out)
            self._conflicts.append((order_id, _what(judged), status, self._remedy(judged, status)))
        return lacking.keys()

    def among(self, conflicts: Conflicts) -> Conflicts:
        """The conflicts of a batch with these orders among them, replacing those that were found earlier.

        Args:
            conflicts: What the batch has found so far.
        """
        conflicts.forget(KEPT_OUT)
        for conflict in self._conflicts:
            conflicts.add(*conflict)
        return conflicts

    def write(self, database: Connection) -> None:
        """Record what is reported, so that later runs examine these orders and do not report them again.

        The conflicts are recorded in the same transaction.
        """
        write_kept_out(database, self._batch, self._reported, passed=self._passed)

    def _is_reported(self, judged: Judgement, version: datetime | None) -> bool:
        """Whether another batch has reported all that keeps this version out; what this batch reported, it repeats."""
        known = self._known.get(judged.order_id)
        if known is None or known.batch_id == self._batch.batch_id or known.last_updated_at != version:
            return False
        # What was reported may be fixed, and something else be wrong now, such as the very row that was pasted.
        known_reasons = {(reason.code, reason.detail) for reason in read_reasons(known.reasons)}
        return all((reason.code, reason.detail) in known_reasons for reason in judged.kept_out)

    def _remedy(self, judged: Judgement, status: str) -> str:
        remedies = [reason.remedy for reason in judged.kept_out if reason.remedy]
        besides = BY_STATUS.get(status, BEGUN)
        return "\n".join([*remedies, besides.format(connection=self._batch.connection, order_id=judged.order_id)])


def _what(judged: Judgement) -> str:
    return f"{KEPT_OUT}: " + "; ".join(f"{reason.code}: {reason.detail}" for reason in judged.kept_out)
