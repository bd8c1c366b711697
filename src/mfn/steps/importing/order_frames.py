"""The frames of a chunk of orders for the checks: mapped, changed by rules, and with the columns that are checked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mfn.models import Standing
from mfn.rules.addresses import check_addresses
from mfn.rules.explaining import Context
from mfn.rules.frames import address_frame, line_frame, time_texts
from mfn.rules.order_rules import EVENT, rule_orders
from mfn.rules.programs import is_sfp, unsupported_programs
from mfn.rules.records import order_records
from mfn.rules.shipping_methods import resolve_shipping_methods
from mfn.rules.skus import resolve_skus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from mfn.amazon.orders import Order
    from mfn.models import Reason
    from mfn.steps.workplace import Workplace


@dataclass(frozen=True)
class Bench:
    """What every chunk of a run is checked against.

    Attributes:
        place: The workplace.
        items: The warehouse's items.
        ship_methods: The warehouse's shipping methods.
    """

    place: Workplace
    items: pd.DataFrame
    ship_methods: pd.DataFrame

    @property
    def context(self) -> Context:
        """What explanations draw on."""
        methods = self.place.mappings.shipping_methods
        return Context(self.place.connection.name, methods, self.ship_methods, self.items)


@dataclass(frozen=True, eq=False)
class Kept:
    """The frames of the orders that may be loaded or have units promised to them, one row an order or order item.

    Attributes:
        orders: The order frame, with `warehouse_code`.
        lines: The line frame.
        addresses: The address frame.
    """

    orders: pd.DataFrame
    lines: pd.DataFrame
    addresses: pd.DataFrame


@dataclass(frozen=True, eq=False)
class Due:
    """The frames of the orders that are due.

    Attributes:
        orders: The order frame, with `warehouse_code`.
        lines: The line frame.
        addresses: The address frame.
        components: The lines as the warehouse gets them.
        decisions: What rules decided, by order id.
    """

    orders: pd.DataFrame
    lines: pd.DataFrame
    addresses: pd.DataFrame
    components: pd.DataFrame
    decisions: Mapping[str, Reason]


def kept_frames(bench: Bench, frame: pd.DataFrame, orders: Sequence[Order], is_kept: NDArray[np.bool]) -> Kept:
    """The frames of the orders that are kept.

    Args:
        bench: What they are judged against.
        frame: The order frame of a chunk.
        orders: Its orders.
        is_kept: Which of them are kept.
    """
    chosen = [order for order, keep in zip(orders, is_kept, strict=True) if keep]
    place = bench.place
    return Kept(
        resolve_shipping_methods(frame[is_kept], place.mappings.shipping_methods, connection=place.connection.name),
        line_frame(chosen),
        address_frame(chosen),
    )


def due_frames(bench: Bench, kept: Kept, is_due: NDArray[np.bool]) -> tuple[Kept, Due]:
    """The kept frames as the rules on orders leave them, and of those the frames of due orders.

    Args:
        bench: What it is judged against.
        kept: What `kept_frames` returned.
        is_due: Which of its orders are due.
    """
    place = bench.place
    is_due_line = np.repeat(is_due, kept.orders["item_count"])
    orders, lines, addresses = kept.orders[is_due], kept.lines[is_due_line], kept.addresses[is_due]
    components = components_of(place, orders, lines, bench.items)
    decisions: dict[str, Reason] = {}
    if rules := [rule for rule in place.mappings.rules[EVENT] if rule.is_enabled]:
        records = order_records(
            orders, lines, addresses, components, connection=place.connection.name, now=datetime.now(UTC)
        )
        orders, lines, decisions = rule_orders(rules, orders, lines, records)
        codes = kept.orders["warehouse_code"].copy()
        codes[is_due] = orders["warehouse_code"]
        everything = pd.concat([lines, kept.lines[~is_due_line]]).sort_index()
        kept = Kept(kept.orders.assign(warehouse_code=codes), everything, kept.addresses)
    return kept, Due(orders, lines, addresses, components, decisions)


def components_of(place: Workplace, orders: pd.DataFrame, lines: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """The lines of orders as the warehouse gets them: aliases and kits resolved (`mfn.rules.skus.resolve_skus`)."""
    return resolve_skus(
        lines,
        place.mappings.sku_aliases,
        items,
        connection=place.connection.name,
        marketplaces=dict(zip(orders["order_id"].tolist(), orders["marketplace_id"].tolist(), strict=True)),
    )


def checked_frames(bench: Bench, due: Due) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Due orders as the frames that the suites check: orders and lines (`mfn.quality.orders`, `mfn.quality.lines`).

    Args:
        bench: What they are judged against.
        due: What `due_frames` returned.
    """
    frame, components = due.orders, due.components
    lines = due.lines.drop(columns=["gift_message", "customization_url"]).reset_index(drop=True)
    active = bench.ship_methods.loc[bench.ship_methods["is_active"].astype(bool), "code"]
    addresses = check_addresses(due.addresses)
    allowed = bench.place.connection.orders.allow_programs
    frame = frame.assign(
        mapped_code=frame["warehouse_code"],
        warehouse_code=frame["warehouse_code"].where(frame["warehouse_code"].isin(active), None),
        missing_address_fields=addresses["missing_fields"].to_numpy(),
        address_warning=addresses["warning"].to_numpy(),
        unsupported_programs=unsupported_programs(frame, allow_programs=allowed),
    )
    known = np.ones(len(lines), dtype=bool)
    known[components["line"].to_numpy()[~components["is_known"].to_numpy()]] = False
    # The same SKU on two lines is no duplicate; the same order item id is.
    is_duplicate = lines.duplicated(["order_id", "order_item_id"], keep=False)
    return frame, lines.assign(is_sku_known=known, is_duplicate_item=is_duplicate)


def standings_of(frame: pd.DataFrame) -> list[Standing]:
    """What the ledger's list of orders shows for each order of an order frame."""
    return list(
        map(
            Standing,
            is_sfp(frame).tolist(),
            time_texts(frame["ship_by"]),
            frame["marketplace_id"].tolist(),
            frame["service_level"].tolist(),
            [",".join(programs) or None for programs in frame["programs"]],
        )
    )
