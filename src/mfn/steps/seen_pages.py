"""What the pages of one search show together: that recipients are missing everywhere, or that Amazon goes round."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from mfn.amazon.answers import UNREADABLE

if TYPE_CHECKING:
    from mfn.amazon.client import Page

ROLE_ALARM_ORDERS = 3
"""So many due orders, none with a recipient: a missing role, not that many bad addresses."""

REPEATED_PAGES = 3
"""So many pages one after the other that came before: the search would never end. Pages that repeat under a changing
token are a known fault of the Orders API (amzn/selling-partner-api-models, issue 2297)."""


class _Glance(msgspec.Struct, frozen=True, rename="camel"):
    fulfillment: dict[str, msgspec.Raw] | None = None
    recipient: dict[str, msgspec.Raw] | None = None


_GLANCE = msgspec.json.Decoder(_Glance)
DUE = {b'"UNSHIPPED"', b'"PARTIALLY_SHIPPED"'}


class SeenPages:
    """The pages of a search so far.

    Attributes:
        due: How many due orders came.
        without_recipient: How many of them without a recipient.
    """

    def __init__(self) -> None:
        self.due = 0
        self.without_recipient = 0
        self._pages: set[int] = set()
        self._repeated = 0

    def look_at(self, page: Page) -> None:
        """Take a page in."""
        what = hash(tuple(page.orders) or page.next_token)
        self._repeated = self._repeated + 1 if what in self._pages else 0
        self._pages.add(what)
        for raw in page.orders:
            try:
                glance = _GLANCE.decode(raw)
            except UNREADABLE:
                continue
            if glance.fulfillment and bytes(glance.fulfillment.get("fulfillmentStatus", b"")) in DUE:
                self.due += 1
                self.without_recipient += not (glance.recipient and glance.recipient.get("deliveryAddress"))

    def lacks_recipients(self) -> bool:
        """Whether no due order came with a recipient: one set-up fault, not a thousand bad addresses."""
        return self.due >= ROLE_ALARM_ORDERS and self.without_recipient == self.due

    def go_round(self) -> bool:
        """Whether the last pages all came before."""
        return self._repeated >= REPEATED_PAGES
