"""What a run found and could not fix automatically, so that a person has to check it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Row


class Conflicts:
    """Orders that Amazon changed and the warehouse still has as they were; each conflict once for each order.

    Args:
        row: The row of the batch, whose `findings` have what it had found when it was interrupted: `order_id`, `what`,
            `status`, and of some `remedy`.

    Attributes:
        is_noted: Whether all of them have been written to the ledger.
    """

    def __init__(self, row: Row[Any]) -> None:
        known: Iterable[dict[str, str]] = row.findings.get("conflicts", ())
        self._found = {(conflict["order_id"], conflict["what"]): conflict for conflict in known}
        self.is_noted = True

    def add(self, order_id: str, what: str, status: str, remedy: str = "") -> None:
        """Add an order that a person has to check."""
        conflict = {"order_id": order_id, "what": what, "status": status}
        self._found.setdefault((order_id, what), conflict | ({"remedy": remedy} if remedy else {}))
        self.is_noted = False

    def forget(self, beginning: str) -> None:
        """Drop the conflicts whose text starts with some words: they are about to be found again."""
        self._found = {key: conflict for key, conflict in self._found.items() if not key[1].startswith(beginning)}

    def for_report(self) -> list[dict[str, str]]:
        """As the ledger keeps them."""
        return list(self._found.values())
