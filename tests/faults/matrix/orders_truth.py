"""What the warehouse and the ledger have to have of every order: told from Amazon's orders and the warehouse's rows.

Nothing of the project's own rules is used here; what the mappings say is written out once more.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.faults.matrix.verdicts import Deviation, doubled, lost, wrong

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

KITS = {"AMZ-MUG": [("MUG-BLUE", 1)], "BREAKFAST": [("PLATE", 2), ("BOWL", 1)]}
METHODS = {"STANDARD": "GROUND", "SECOND_DAY": "TWO_DAY"}
PRIME_METHOD = "PRIME_DAY"
ADDRESS = {"ship_to_name": "name", "address_1": "addressLine1", "city": "city", "postal_code": "postalCode"}
BOOKKEEPING = {"cancel_requested_at", "cancel_reason", "batch_id", "loaded_at", "updated_at"}
"""Columns of `wms_order` that say when and why; of the request to cancel, whether there is one is compared."""


@dataclass(frozen=True)
class Before:
    """How the day began.

    Attributes:
        rows: `wms_order`, by order number.
        lines: `wms_order_line`, by order number.
        first: Amazon's orders as they were when an earlier run met them.
    """

    rows: Mapping[str, dict[str, Any]]
    lines: Mapping[str, list[dict[str, Any]]]
    first: Mapping[str, dict[str, Any]]


@dataclass(frozen=True)
class Due:
    """What has to stand somewhere of one order.

    Attributes:
        status: In the ledger.
        row: Columns of `wms_order`; None where the warehouse may have nothing of it.
        lines: (order item id, warehouse's SKU, units), sorted.
        is_asked_to_cancel: Whether the warehouse has been asked to.
    """

    status: str
    row: dict[str, Any] | None = None
    lines: list[tuple[str, str, int]] = field(default_factory=list)
    is_asked_to_cancel: bool = False


def due(order: dict[str, Any], before: Before, items: set[str]) -> Due:
    """What has to stand of one order.

    Args:
        order: As Amazon has it.
        before: How the day began.
        items: The SKUs that the warehouse has.
    """
    order_id = order["orderId"]
    former = before.rows.get(order_id)
    status = order["fulfillment"]["fulfillmentStatus"]
    if status == "PENDING":
        return Due("pending")
    if status == "CANCELLED":
        if former is None:
            return Due("cancelled")
        row = former | {"status": "cancelled"} if former["status"] == "new" else former
        return Due("cancelled", row, _packed(before.lines[order_id]), is_asked_to_cancel=True)
    asked = any("cancellation" in item for item in order["orderItems"])
    if former is None and (asked or not _is_good(order, items)):
        return Due("held")
    # What the warehouse has begun stays as it is, and so does what has changed into something that fails a check.
    if former is not None and (former["status"] != "new" or not _is_good(order, items)):
        return Due("loaded", former, _packed(before.lines[order_id]), is_asked_to_cancel=asked)
    return Due("loaded", _fresh(order), _fresh_lines(order, before), is_asked_to_cancel=asked)


def _is_good(order: dict[str, Any], items: set[str]) -> bool:
    skus = {part for item in order["orderItems"] for part, _ in _parts(item)}
    return bool(order.get("recipient")) and _method(order) is not None and skus <= items


def _parts(item: dict[str, Any]) -> list[tuple[str, int]]:
    sku = item["product"]["sellerSku"]
    return KITS.get(sku, [(sku, 1)])


def _method(order: dict[str, Any]) -> str | None:
    if "PRIME" in order["programs"]:
        return PRIME_METHOD
    return METHODS.get(order["fulfillment"]["fulfillmentServiceLevel"])


def _fresh(order: dict[str, Any]) -> dict[str, Any]:
    address = order["recipient"]["deliveryAddress"]
    return {
        "status": "new",
        "ship_method_code": _method(order),
        "is_sfp": "PRIME" in order["programs"],
        **{column: address[name] for column, name in ADDRESS.items()},
    }


def _fresh_lines(order: dict[str, Any], before: Before) -> list[tuple[str, str, int]]:
    """What is left to ship: ordered, less what had been shipped when the order was first met."""
    first = before.first.get(order["orderId"], order)
    shipped = {item["orderItemId"]: item["fulfillment"]["quantityFulfilled"] for item in first["orderItems"]}
    return sorted(
        (item["orderItemId"], sku, units * (item["quantityOrdered"] - shipped[item["orderItemId"]]))
        for item in order["orderItems"]
        for sku, units in _parts(item)
    )


def _packed(lines: Sequence[dict[str, Any]]) -> list[tuple[str, str, int]]:
    return sorted((line["order_item_id"], line["sku"], line["quantity"]) for line in lines)


def compare_orders(
    orders: Mapping[str, dict[str, Any]],
    before: Before,
    *,
    items: set[str],
    rows: Mapping[str, dict[str, Any]],
    lines: Mapping[str, list[dict[str, Any]]],
    inserted: Sequence[str],
    statuses: Mapping[str, str],
) -> Iterator[Deviation]:
    """How the warehouse and the ledger differ from what has to be.

    Args:
        orders: Every order that Amazon has.
        before: How the day began.
        items: The SKUs that the warehouse has.
        rows: `wms_order` now.
        lines: `wms_order_line` now.
        inserted: The order number of each row that was inserted into `wms_order` since the day began.
        statuses: Where each order stands in the ledger.
    """
    for order_id, order in orders.items():
        expected = due(order, before, items)
        if statuses.get(order_id) != expected.status:
            kind = lost if order_id not in statuses else wrong
            yield kind(f"{order_id} is {statuses.get(order_id)} in the ledger, not {expected.status}")
        yield from _compare(order_id, expected, rows.get(order_id), _packed(lines.get(order_id, [])))
    for order_id in rows.keys() - orders.keys():
        yield wrong(f"{order_id} is in the warehouse, and Amazon has no such order")
    for order_id, times in Counter(inserted).items():
        if times > 1:
            yield doubled(f"{order_id} was written {times} times as a new order")


def _compare(
    order_id: str, expected: Due, row: dict[str, Any] | None, lines: list[tuple[str, str, int]]
) -> Iterator[Deviation]:
    if expected.row is None:
        if row is not None:
            yield wrong(f"{order_id} is in the warehouse and should not be")
        return
    if row is None:
        yield lost(f"{order_id} is not in the warehouse")
        return
    for column, value in expected.row.items():
        if column not in BOOKKEEPING and row[column] != value:
            yield wrong(f"{order_id}: {column} is {row[column]!r}, not {value!r}")
    if (row["cancel_requested_at"] is not None) != expected.is_asked_to_cancel:
        yield wrong(f"{order_id}: cancel_requested_at is {row['cancel_requested_at']}")
    for line in (Counter(expected.lines) - Counter(lines)).elements():
        yield lost(f"{order_id}: the line {line} is missing")
    for line in (Counter(lines) - Counter(expected.lines)).elements():
        twice = any(line[:2] == other[:2] for other in expected.lines)
        yield (doubled if twice else wrong)(f"{order_id}: the line {line} is too much")
