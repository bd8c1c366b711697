"""Amazon's orders, read page by page, and their parcels, confirmed one by one: every failure is one of our errors.

Operations, parameters and data sets: Amazon's models orders_2026-01-01.json of 2026-07-29 and, for confirmShipment,
ordersV0.json of 2026-05-27.
"""

from __future__ import annotations

import math
import re
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
from msgspec import Struct

from mfn.amazon.answers import UNREADABLE, errors_of
from mfn.amazon.at_once import AT_ONCE
from mfn.amazon.failures import AmazonUnavailableError, CallRefusedError, checked, decoded, unreadable
from mfn.amazon.order_pages import end_of, page_of, search_orders
from mfn.amazon.orders import IDENTIFIER, ORDER_ID
from mfn.amazon.refusals import ShipmentRefusedError, not_confirmed
from mfn.amazon.shipments import confirmation
from mfn.amazon.unanswered import NO_ANSWER, Unanswered
from mfn.moments import iso_seconds

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from concurrent.futures import Future

    from mfn.amazon.order_pages import OpenWindow, Page, SearchWindow
    from mfn.amazon.session import Session
    from mfn.amazon.shipments import PackageDetail

STATUSES = ("PENDING", "UNSHIPPED", "PARTIALLY_SHIPPED", "CANCELLED")
INCLUDED_DATA = ("BUYER", "RECIPIENT", "CANCELLATION", "FULFILLMENT", "PACKAGES")
IS_IDENTIFIER = re.compile(IDENTIFIER)
IS_ORDER_ID = re.compile(ORDER_ID)

Said = ShipmentRefusedError | AmazonUnavailableError | CallRefusedError | None
"""The outcome for one of many parcels: Amazon's refusal, why there was no answer, or None if Amazon took it."""


class _GetOrder(Struct):
    order: msgspec.Raw


class _Named(Struct, rename="camel"):
    order_id: str


def _is_order(text: bytes, order_id: str) -> bool:
    try:
        return msgspec.json.decode(text, type=_Named).order_id.casefold() == order_id.casefold()
    except UNREADABLE:
        return False


class AmazonOrders:
    """Reads the merchant-fulfilled orders of one connection, and confirms their parcels.

    A call waits for its turn in the budget, and is retried a few times, with growing pauses, after temporary failures.
    Never make one within a transaction on the ledger, which is where the budget is kept.

    Attributes:
        calls: How many requests were sent through the session, by operation; retries count.
    """

    def __init__(self, session: Session) -> None:
        self.calls = session.calls
        self._session = session
        self._name = session.connection.name

    def search_page(
        self,
        window: SearchWindow | OpenWindow,
        *,
        statuses: Sequence[str] = STATUSES,
        page_token: str | None = None,
        max_wait_seconds: float = math.inf,
        leaving: int = 0,
    ) -> Page:
        """One page of the orders that changed in a window, in all marketplaces of the connection.

        Args:
            window: The span of time; the same for every page of a search.
            statuses: Their statuses; the same for every page of a search.
            page_token: The last page's `next_token`; None for the first page.
            max_wait_seconds: How long it may wait for its turn in the rate budget.
            leaving: How many calls have to stay in the budget for others.

        Raises:
            MfnError: As `search_orders`.
        """
        # Times as texts: the library would send them in a form that Amazon refuses.
        bounds: dict[str, Any] = {
            "lastUpdatedAfter": iso_seconds(window.after),
            "fulfillmentStatuses": statuses,
            "includedData": INCLUDED_DATA,
        }
        if window.before is not None:
            bounds["lastUpdatedBefore"] = iso_seconds(window.before)
        asked_at = datetime.now(UTC)
        found = search_orders(
            self._session, bounds, page_token=page_token, max_wait_seconds=max_wait_seconds, leaving=leaving
        )
        return page_of(found, end_of(found, window, asked_at))

    def get_order(
        self,
        order_id: str,
        *,
        max_wait_seconds: float = math.inf,
        included_data: Sequence[str] = INCLUDED_DATA,
        leaving: int = 0,
    ) -> bytes | None:
        """One order as Amazon has it now.

        Args:
            order_id: Amazon's order id.
            max_wait_seconds: How long it may wait for its turn in the rate budget.
            included_data: The data sets to ask for.
            leaving: How many calls have to stay in the budget for others.

        Returns:
            The JSON text of the order as Amazon sent it; None if Amazon knows no such order, or refuses an id that does
            not look like its own.

        Raises:
            BudgetExhaustedError: Its turn does not come in time.
            RetriableError: Amazon did not answer with the order.
            FatalError: A role is missing, the credentials are refused, or the request is.
        """
        if not IS_IDENTIFIER.match(order_id):
            return None  # as a part of the URL it might lead somewhere else
        what = f"getOrder {order_id} for the connection {self._name}"

        def read(response: httpx.Response) -> bytes | None:
            is_refusal = response.status_code == httpx.codes.NOT_FOUND or (
                # If Amazon may have assigned the id, it must be another part of the request that it refuses.
                response.status_code == httpx.codes.BAD_REQUEST and not IS_ORDER_ID.match(order_id)
            )
            if is_refusal and errors_of(response) is not None:  # a proxy's page says nothing about the order
                return None
            text = bytes(decoded(what, checked(what, "getOrder", response), _GetOrder).order)
            if not _is_order(text, order_id):  # otherwise this order would count as read
                raise unreadable(what, response, ValueError("it is not the requested order"))
            return text

        return self._session.caller.call(
            "getOrder",
            what,
            lambda: self._session.library.get_order(order_id, includedData=included_data),
            read,
            max_wait_seconds,
            leaving=leaving,
        )

    def confirm_shipment(self, order_id: str, package: PackageDetail, *, max_wait_seconds: float = math.inf) -> None:
        """Tell Amazon of one parcel; only its 204 is a success.

        A call whose reply was lost is repeated: with the same package reference, the second call edits the first.

        Raises:
            OrderFulfilledError: Amazon says that the order is fulfilled already, or knows no such parcel to change.
            ShipmentRefusedError: Amazon refuses this parcel, or knows no such order; the others may continue.
            BudgetExhaustedError: Its turn does not come in time.
            RetriableError: Amazon did not say that it took the parcel, although it may have.
            FatalError: A role is missing, the credentials are refused, or the request is.
        """
        reference = package.package_reference_id
        what = f"confirmShipment {order_id}, parcel {reference}, for the connection {self._name}"

        def read(response: httpx.Response) -> None:
            if response.status_code != httpx.codes.NO_CONTENT:
                raise not_confirmed(what, response)

        self._session.caller.call(
            "confirmShipment",
            what,
            lambda: self._session.library.confirm_shipment(order_id, **confirmation(package)),
            read,
            max_wait_seconds,
        )

    def confirm_shipments(self, parcels: Sequence[tuple[str, PackageDetail]]) -> Generator[Said, None, None]:
        """Tell Amazon of many parcels as fast as the rate budget allows: a few calls at once, never two for one order.

        Close it if it is not read to its end (`contextlib.closing`); that waits for the answers to what was sent.

        Args:
            parcels: Order ids and parcels, in the order in which they are sent.

        Yields:
            For each parcel, in this order: None if Amazon took it, else its refusal, or why there was no answer.

        Raises:
            RetriableError: Amazon did not say that it took the parcels of several orders in a row.
            FatalError: The credentials are refused, or the calls for several orders in a row are: a role is missing.
        """

        def confirm(order_id: str, package: PackageDetail) -> Said:
            try:
                self.confirm_shipment(order_id, package)
            except (ShipmentRefusedError, *NO_ANSWER) as error:
                return error
            return None

        unanswered = Unanswered()
        under_way: deque[tuple[str, Future[Said]]] = deque()

        def oldest() -> Generator[Said, None, None]:
            order_id, call = under_way.popleft()
            answer = call.result()
            yield answer
            if isinstance(answer, NO_ANSWER):
                unanswered.add(order_id, answer)
            else:
                unanswered.answered()

        with (
            self._session.budget.in_bulk("confirmShipment", len(parcels), at_once=AT_ONCE),
            ThreadPoolExecutor(AT_ONCE, thread_name_prefix="confirm-shipment") as pool,
        ):
            for order_id, package in parcels:
                while len(under_way) == AT_ONCE or any(order_id == other for other, _ in under_way):
                    yield from oldest()
                under_way.append((order_id, pool.submit(confirm, order_id, package)))
            while under_way:
                yield from oldest()
