"""`mfn shipping-methods`: the shipping methods that orders ask for, and the code of each; nothing is written."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pandas as pd

from mfn.amazon.marketplaces import BY_ID
from mfn.amazon.orders import PRIME
from mfn.errors import ConfigurationError, MfnError
from mfn.mappings.tables import SHIPPING_METHODS
from mfn.rules.programs import PREMIUM
from mfn.rules.shipping_methods import propose_shipping_method_row
from mfn.steps.checking.place import open_check_place
from mfn.steps.checking.sample import sample_orders
from mfn.steps.checking.shipping import seen_methods

if TYPE_CHECKING:
    from collections.abc import Collection

    from mfn.settings import Settings
    from mfn.steps.checking.place import CheckPlace

logger = logging.getLogger(__name__)

PAGES = 10
"""How many pages of Amazon's orders are read at most: half of the searches that an account may burst."""

NO_METHODS = pd.DataFrame({"code": [], "carrier": [], "service": [], "is_active": []}, dtype="object")


def shipping_methods_of(settings: Settings, connection: str) -> dict[str, Any]:
    """The shipping methods of the connection's orders, and the warehouse's code of each.

    They are those of the orders in the ledger. If it has none yet, they are read from Amazon: the orders of the last
    `initial_lookback_days`, up to `PAGES` pages; these orders are not kept.

    Returns:
        `connection`; `from`: `ledger` or `amazon`; `is_complete`: False if Amazon has more pages than were read;
        `orders`: how many were checked; `methods`: unmapped ones first, then the most frequent. Each has
        `marketplace` (a name like US, an id that is not known, or None), `service_level`, `program` (that by which the
        mapping goes: PRIME, PREMIUM, or another one that a row names; None), `orders`, `warehouse_code` (None: no row
        maps it), `is_in_warehouse` (whether the warehouse has this code as an active one; None: there is no code, or
        the warehouse cannot be read) and `row`: the row of shipping_methods.csv that would map it, None where it is
        mapped.

    Raises:
        ConfigurationError: The connections file or shipping_methods.csv is wrong.
        RetriableError: The ledger, or Amazon if it has to be asked, cannot be reached.
        FatalError: A role is missing, or the credentials are refused.
    """
    place = open_check_place(settings, connection)
    if problems := place.problems_of(SHIPPING_METHODS.file):
        raise ConfigurationError(problems=tuple(problems))
    seen, origin, is_complete = seen_methods(place, None), "ledger", True
    if seen.empty:
        days = place.connection.orders.initial_lookback_days
        logger.info(
            "the ledger has no orders of %s yet: reading those of the last %g days from Amazon, up to %d pages;"
            " they are not stored", connection, days, PAGES,
        )  # fmt: skip
        sample = sample_orders(place, pages=PAGES)
        seen, origin, is_complete = seen_methods(place, sample), "amazon", not sample.has_more
    return {
        "connection": connection,
        "from": origin,
        "is_complete": is_complete,
        "orders": int(seen["orders"].sum()),
        "methods": _documents(place, _by_program(seen, set(place.mappings.shipping_methods["program"]))),
    }


def _by_program(seen: pd.DataFrame, named: Collection[str]) -> pd.DataFrame:
    """Methods that differ only in programmes that no row names, merged; unmapped ones first."""
    programs = [
        next((name for name in programs if name in (PRIME, PREMIUM) or (is_mapped and name.upper() in named)), None)
        for programs, is_mapped in zip(seen["programs"], seen["warehouse_code"].notna(), strict=True)
    ]
    keys = ["marketplace_id", "service_level", "program", "warehouse_code"]
    with_program = seen.assign(program=pd.Series(programs, index=seen.index, dtype="object"))
    counted = with_program.groupby(keys, dropna=False, as_index=False)["orders"].sum()
    counted = counted.assign(is_mapped=counted["warehouse_code"].notna(), order=-counted["orders"])
    counted = counted.sort_values(["is_mapped", "order", *keys[:3]], na_position="first")
    blank = {name: counted[name].astype("object").where(counted[name].notna(), None) for name in keys}
    methods: pd.DataFrame = counted.assign(**blank)
    return methods


def _documents(place: CheckPlace, methods: pd.DataFrame) -> list[dict[str, Any]]:
    ship_methods = _ship_methods(place)
    known = None if ship_methods is None else set(ship_methods.loc[ship_methods["is_active"].astype(bool), "code"])
    documents = []
    names = ("marketplace_id", "service_level", "program", "orders", "warehouse_code")
    for marketplace_id, level, program, orders, code in zip(*(methods[name] for name in names), strict=True):
        row = None
        if code is None:
            row = propose_shipping_method_row(
                marketplace_id=marketplace_id,
                service_level=level,
                programs=[program] if program else [],
                connection=place.connection.name,
                methods=place.mappings.shipping_methods,
                ship_methods=NO_METHODS if ship_methods is None else ship_methods,
            )
        marketplace = BY_ID.get(marketplace_id or "")
        documents.append(
            {
                "marketplace": marketplace.name if marketplace else marketplace_id,
                "service_level": level,
                "program": program,
                "orders": int(orders),
                "warehouse_code": code,
                "is_in_warehouse": None if code is None or known is None else code in known,
                "row": row,
            }
        )
    return documents


def _ship_methods(place: CheckPlace) -> pd.DataFrame | None:
    """The warehouse's shipping methods; None if they cannot be read, which stops nothing here."""
    try:
        if place.look_at_warehouse().lacks(["wms_ship_method"]):
            return None
        return place.warehouse.ship_methods()
    except MfnError as error:
        logger.warning("codes could not be compared with the warehouse, so none is proposed: %s", error.message)
        return None
