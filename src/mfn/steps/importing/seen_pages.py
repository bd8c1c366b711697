"""Faults that show only over several pages of a search: no order has a recipient, or Amazon repeats its pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from mfn.amazon.answers import UNREADABLE
from mfn.amazon.failures import DELIVERY
from mfn.amazon.orders import DUE
from mfn.errors import FatalError, RetriableError
from mfn.rules.programs import NOT_A_PARCEL

if TYPE_CHECKING:
    from mfn.amazon.order_pages import Page

ROLE_ALARM_ORDERS = 3
"""This many due orders without a single recipient mean a missing role, not that many bad addresses."""

REPEATED_PAGES = 3
"""This many pages in a row that came before mean that the search would never end. Pages that repeat under a changing
token are a known fault of the Orders API (amzn/selling-partner-api-models, issue 2297)."""


NULL = b"null"


class _Glance(msgspec.Struct, frozen=True, rename="camel"):
    fulfillment: dict[str, msgspec.Raw] | None = None
    recipient: dict[str, msgspec.Raw] | None = None
    programs: Any = None

    def needs_recipient(self) -> bool:
        """Whether it is due and goes to an address: what buyers pick up has none."""
        is_due = self.fulfillment and bytes(self.fulfillment.get("fulfillmentStatus", b"")) in _DUE_TEXTS
        programs = self.programs if isinstance(self.programs, list) else ()
        return bool(is_due) and not any(program in NOT_A_PARCEL for program in programs)

    def has_recipient(self) -> bool:
        """Whether a delivery address came with it."""
        return self.recipient is not None and bytes(self.recipient.get("deliveryAddress", NULL)) != NULL


_GLANCE = msgspec.json.Decoder(_Glance)
_DUE_TEXTS = {msgspec.json.encode(status) for status in DUE}


class SeenPages:
    """The pages of a search so far.

    Attributes:
        due: How many due orders came that go to an address.
        without_recipient: How many of these came without a recipient.
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
            if glance.needs_recipient():
                self.due += 1
                self.without_recipient += not glance.has_recipient()

    def lacks_recipients(self) -> bool:
        """Whether no due order came with a recipient: a single fault of the set-up, not a thousand bad addresses."""
        return self.due >= ROLE_ALARM_ORDERS and self.without_recipient == self.due

    def go_round(self) -> bool:
        """Whether the last pages have all come before."""
        return self._repeated >= REPEATED_PAGES


def goes_round(connection: str, pages: int) -> RetriableError:
    """The error for a search whose last pages have all come before.

    Args:
        connection: The connection's name.
        pages: How many pages came.
    """
    return RetriableError(
        f"searchOrders for the connection {connection} does not end: the last of {pages} pages are the same"
        " as earlier ones.",
        remedy="The orders fetched so far are kept. The next run requests the window from its start; if this happens"
        " again, open a case with Amazon's Selling Partner API support. Fetch urgent orders with mfn import CONNECTION"
        " --order ID.",
    )


def missing_role(connection: str, due: int) -> FatalError:
    """The error for a search in which no due order has a recipient.

    Args:
        connection: The connection's name.
        due: How many due orders came.
    """
    return FatalError(
        f"none of the {due} orders that are due came with a recipient: the application of connection"
        f" {connection} lacks the role {DELIVERY}.",
        remedy="Add the role to the application in Seller Central (Apps and Services > Develop Apps), authorise it"
        " again, set the new refresh token and import again: the same window is requested again.",
    )
