"""An order's programmes: Prime, Premium, Business, and those that no ordinary parcel can serve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from mfn.amazon.orders import MERCHANT, PRIME

if TYPE_CHECKING:
    from collections.abc import Collection

PREMIUM = "PREMIUM"
BUSINESS = "AMAZON_BUSINESS"
NOT_A_PARCEL = ("AMAZON_EASY_SHIP", "DELIVERY_BY_AMAZON", "IN_STORE_PICK_UP")
"""Programmes in which Amazon's carrier collects, Amazon delivers, or the buyer picks up.

Source: Amazon's model orders_2026-01-01.json of 2026-07-29.
"""


def is_sfp(orders: pd.DataFrame) -> pd.Series[bool]:
    """Which orders are Seller Fulfilled Prime; True or False with the index of an order frame.

    PRIME alone does not suffice: Amazon's model orders_2026-01-01.json of 2026-07-29 has a sample with PRIME that
    Amazon fulfils.
    """
    return _is_in(orders, PRIME) & (orders["fulfilled_by"] == MERCHANT).astype(bool)


def is_premium(orders: pd.DataFrame) -> pd.Series[bool]:
    """Which orders Amazon has promised Premium Shipping for; True or False with the index of an order frame."""
    return _is_in(orders, PREMIUM)


def is_business(orders: pd.DataFrame) -> pd.Series[bool]:
    """Which orders are of Amazon Business; True or False with the index of an order frame."""
    return _is_in(orders, BUSINESS)


def unsupported_programs(orders: pd.DataFrame, *, allow_programs: Collection[str] = ()) -> pd.Series[str]:
    """The programmes of an order that a warehouse cannot ship as an ordinary parcel.

    Args:
        orders: An order frame: `programs`.
        allow_programs: Programmes that the connection lets through, in any case of letters.

    Returns:
        Names, comma separated, or None, with the frame's index.
    """
    refused = frozenset(NOT_A_PARCEL) - {name.strip().upper() for name in allow_programs}
    names = [
        ", ".join(name for name in programs if name in refused) or None for programs in orders["programs"].tolist()
    ]
    return pd.Series(names, index=orders.index, dtype="object")


def _is_in(orders: pd.DataFrame, program: str) -> pd.Series[bool]:
    return pd.Series(
        [program in programs for programs in orders["programs"].tolist()], index=orders.index, dtype="bool"
    )
