"""What a run found that a person has to look at, since it came too late to be put right by the run itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Conflicts:
    """What Amazon changed after the warehouse had begun, for a person at the warehouse; each thing once an order.

    Args:
        known: `{order_id, what, status}` of what a batch had found when it was broken off.

    Attributes:
        is_noted: Whether all of it stands in the ledger.
    """

    def __init__(self, known: Iterable[Mapping[str, str]]) -> None:
        self._found = {(conflict["order_id"], conflict["what"]): dict(conflict) for conflict in known}
        self.is_noted = True

    def add(self, order_id: str, what: str, status: str) -> None:
        """Note an order that a person has to look at."""
        self._found.setdefault((order_id, what), {"order_id": order_id, "what": what, "status": status})
        self.is_noted = False

    def for_report(self) -> list[dict[str, str]]:
        """As the ledger keeps them."""
        return list(self._found.values())
