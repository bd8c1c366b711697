"""What the warehouse has shipped, and what was ordered: headers as a frame, lines for given parcels and orders.

No statement here reads a buyer's name, street, e-mail address or telephone number.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from mfn.database.columns import columns
from mfn.rules.parcels import LEFT_ALONE
from mfn.warehouse.sql_parts import as_keys, asked, has_column, same
from mfn.warehouse.values import as_text, flags, numbers, times, whole_numbers, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

CLOSED = "closed"
HEADER = ("shipment_id", "order_number", "carrier", "service", "tracking_number", "shipped_at", "is_amazon_label")
ORDER_FACTS = (
    "marketplace_id", "ordered_at", "ship_by", "is_sfp", "is_premium", "is_business", "programs", "ship_method_code",
    "country_code", "state",
)  # fmt: skip
UNNAMED = "unnamed-"
"""The start of the made-up id of a row without a shipment_id; the order number follows."""

A_ZONE = timedelta(days=2)
"""More than the difference between any two time zones."""


def written(connection: Connection, of: str) -> pd.DataFrame:
    """What the warehouse wrote about each parcel that `shipments` returns, without its order.

    Returns:
        One row for each parcel, sorted by id, with these columns of `shipments`: `shipment_id`, `order_number`,
        `carrier`, `service`, `tracking_number`, `shipped_at`, `is_amazon_label`, `status`, `is_shipped_at_unreadable`,
        `is_id_missing`, `is_id_ambiguous`.
    """
    return _one_a_parcel(_as_written(columns(connection, _header(connection), _of_connection(connection), {"of": of})))


def shipments(connection: Connection, of: str) -> pd.DataFrame:
    """The parcels of one connection's orders, and those whose order number is in no row of `wms_order`.

    A parcel of another connection's order, or of an order without a connection, is left out. Order numbers are compared
    to the letter. Identical rows count once; of rows that share an id and differ, one is kept and flagged, and of rows
    without an id one for each order, under a made-up id: one that is open or void only if all of them are.

    Returns:
        One row for each parcel, sorted by id. Absent texts are None, times `datetime64[us, UTC]`, flags bool (NULL is
        false):

        ========================== ==================================================================================
        shipment_id                text, unique; `unnamed-` and the order number where the warehouse gives none
        order_number               text as the warehouse writes it, empty where it gives none
        carrier, service           as the warehouse writes them, without blanks around
        tracking_number            without blanks around
        shipped_at                 a time without a zone is UTC, a date is its midnight; NaT where there is none
        is_amazon_label            bought from Amazon
        status                     lower case; `closed` where the column is missing or says nothing
        is_order_known             whether the order is in `wms_order`; if not, all that follow of it are empty
        marketplace_id             Amazon's id
        ordered_at, ship_by        times
        is_sfp, is_premium,        flags
        is_business
        programs                   comma separated
        ship_method_code,          texts
        country_code, state
        order_status               of `wms_order`: new, picking, shipped, cancelled
        is_shipped_at_unreadable   shipped_at holds something that is not a time
        is_id_missing              the id is made up: no line can belong to it
        is_id_ambiguous            the warehouse has different rows with this id
        ========================== ==================================================================================
    """
    return _shipments(connection, _of_connection(connection), {"of": of})


def shipments_about(connection: Connection, of: str, order_numbers: Iterable[str], *, since: datetime) -> pd.DataFrame:
    """Those of the parcels of `shipments` that belong to some orders, and those that left lately.

    Args:
        connection: An open transaction.
        of: The connection's name.
        order_numbers: The orders, as many as there are.
        since: In UTC; of other orders, parcels that left since then, and those that may have.

    Returns:
        As `shipments`; some that left a little earlier may be among them.
    """
    about = f"({_is_of_orders(connection)} OR {_may_have_left(connection)} OR {_shares_its_id(connection)})"
    parameters = {"of": of, "since": f"{since - A_ZONE:%Y-%m-%d}", **as_keys(order_numbers)}
    return _shipments(connection, f"{_of_connection(connection)} AND {about}", parameters)


def _shipments(connection: Connection, which: str, parameters: Mapping[str, str]) -> pd.DataFrame:
    expressions = {
        **_header(connection),
        "known_as": as_text(connection, "wms_order.order_number"),
        **{name: as_text(connection, f"wms_order.{name}") for name in ORDER_FACTS},
        "order_status": as_text(connection, "wms_order.status"),
    }
    read = columns(connection, expressions, which, parameters)
    frame = _as_written(read).assign(
        is_order_known=pd.Series([number is not None for number in read["known_as"]], dtype="bool"),
        marketplace_id=words(read["marketplace_id"]),
        ordered_at=times(read["ordered_at"]),
        ship_by=times(read["ship_by"]),
        **{name: flags(read[name], missing=False) for name in ("is_sfp", "is_premium", "is_business")},
        **{name: words(read[name]) for name in ("programs", "ship_method_code", "country_code", "state")},
        order_status=words(read["order_status"]).str.lower(),
    )
    return _one_a_parcel(frame)


def _header(connection: Connection) -> dict[str, str]:
    """The expressions to select of a shipment, by their names."""
    has_status = has_column(connection, "wms_shipment", "status")
    status = as_text(connection, "shipment.status") if has_status else "CAST(NULL AS VARCHAR)"
    return {**{name: as_text(connection, f"shipment.{name}") for name in HEADER}, "status": status}


def _of_connection(connection: Connection) -> str:
    return (
        "FROM wms_shipment AS shipment LEFT JOIN wms_order"
        f" ON {same(connection, 'wms_order.order_number', 'shipment.order_number')}"
        " WHERE (wms_order.order_number IS NULL OR wms_order.connection = :of)"
    )


def _is_of_orders(connection: Connection) -> str:
    number = as_text(connection, "shipment.order_number")
    return f"{number} IN (SELECT asked.key FROM {asked(connection)})"


def _may_have_left(connection: Connection) -> str:
    """Not certainly before `:since`: what is not a date in the usual form may be any time."""
    left = f"coalesce({as_text(connection, 'shipment.shipped_at')}, '')"
    return f"NOT ({left} LIKE '20__-__-__%' AND {left} < :since)"


def _shares_its_id(connection: Connection) -> str:
    """Whether there are several rows with this id: only all of them together show which one counts."""
    one, other = as_text(connection, "shipment.shipment_id"), as_text(connection, "shipment_id")
    return f"{one} IN (SELECT {other} FROM wms_shipment GROUP BY {other} HAVING count(*) > 1)"


def _as_written(read: Mapping[str, list[Any]]) -> pd.DataFrame:
    order_numbers = [number or "" for number in read["order_number"]]
    is_id_missing = [not (shipment_id or "").strip() for shipment_id in read["shipment_id"]]
    shipment_ids = [
        f"{UNNAMED}{order_number}" if missing else shipment_id
        for shipment_id, order_number, missing in zip(read["shipment_id"], order_numbers, is_id_missing, strict=True)
    ]
    shipped_at = times(read["shipped_at"])
    return pd.DataFrame(
        {
            "shipment_id": pd.Series(shipment_ids, dtype="object"),
            "order_number": pd.Series(order_numbers, dtype="object"),
            "carrier": words(read["carrier"]),
            "service": words(read["service"]),
            "tracking_number": words(read["tracking_number"]),
            "shipped_at": shipped_at,
            "is_amazon_label": flags(read["is_amazon_label"], missing=False),
            "status": words(read["status"]).str.lower().fillna(CLOSED),
            "is_shipped_at_unreadable": words(read["shipped_at"]).notna() & shipped_at.isna(),
            "is_id_missing": pd.Series(is_id_missing, dtype="bool"),
        }
    )


def _one_a_parcel(rows: pd.DataFrame) -> pd.DataFrame:
    if rows["shipment_id"].duplicated().any():
        # What left has to be confirmed, whatever else has the same id.
        rows = rows.drop_duplicates().assign(is_left_alone=rows["status"].isin(LEFT_ALONE))
        rows = rows.sort_values(["is_left_alone", *rows.columns.drop("is_left_alone")], kind="stable")
        rows = rows.drop(columns="is_left_alone")
    repeated = rows["shipment_id"].duplicated(keep=False) & ~rows["is_id_missing"]
    rows = rows.assign(is_id_ambiguous=repeated).drop_duplicates("shipment_id")
    return rows.sort_values("shipment_id", kind="stable", ignore_index=True)


def shipment_lines(connection: Connection, shipment_ids: Iterable[str]) -> pd.DataFrame:
    """The lines of parcels.

    Returns:
        Sorted by parcel and line number: `shipment_id`, `line_number` (int64; 0 where the warehouse gives none),
        `order_item_id` and `sku` (text or None, without surrounding blanks), `quantity` (float64, in units of the SKU
        as the warehouse writes it; NaN where it is no number).
    """
    read = _asked_lines(
        connection, "wms_shipment_line", "shipment_id", shipment_ids, ("order_item_id", "sku", "quantity")
    )
    frame = pd.DataFrame(
        {
            "shipment_id": pd.Series(read["key"], dtype="object"),
            "line_number": whole_numbers(read["line_number"], missing=0),
            "order_item_id": words(read["order_item_id"]),
            "sku": words(read["sku"]),
            "quantity": numbers(read["quantity"]),
        }
    )
    return frame.sort_values(list(frame.columns), kind="stable", ignore_index=True)


def order_lines(connection: Connection, order_numbers: Iterable[str]) -> pd.DataFrame:
    """The lines of orders.

    Returns:
        Sorted by order and line number: `order_number`, `line_number` (int64), `order_item_id`, `sku` and `seller_sku`
        (text or None), `quantity` (int64, units of the SKU to ship) and `units_per_kit` (int64, at least 1).
    """
    names = ("order_item_id", "sku", "seller_sku", "quantity", "units_per_kit")
    read = _asked_lines(connection, "wms_order_line", "order_number", order_numbers, names)
    frame = pd.DataFrame(
        {
            "order_number": pd.Series(read["key"], dtype="object"),
            "line_number": whole_numbers(read["line_number"], missing=0),
            "order_item_id": words(read["order_item_id"]),
            "sku": words(read["sku"]),
            "seller_sku": words(read["seller_sku"]),
            "quantity": whole_numbers(read["quantity"], missing=0),
            "units_per_kit": whole_numbers(read["units_per_kit"], missing=1).clip(lower=1),
        }
    )
    return frame.sort_values(["order_number", "line_number"], kind="stable", ignore_index=True)


def _asked_lines(
    connection: Connection, table: str, key: str, keys: Iterable[str], names: Sequence[str]
) -> dict[str, list[Any]]:
    """The lines of some keys: `key` as it was given, `line_number`, and the named columns."""
    expressions = {name: as_text(connection, f"line.{name}") for name in ("line_number", *names)}
    return columns(
        connection,
        {"key": "asked.key", **expressions},
        f"FROM {asked(connection)} JOIN {table} AS line ON {same(connection, f'line.{key}', 'asked.key')}",
        as_keys(keys),
    )
