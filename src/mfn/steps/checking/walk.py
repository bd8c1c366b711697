"""The walk through the nine steps: carried out in the order of their dependencies, reported in their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from mfn.amazon.failures import AccessDeniedError
from mfn.errors import MfnError
from mfn.ledger.passed_checks import note_passed
from mfn.steps.checking.account import look_at_account, rate_left, reach_amazon, twin_findings
from mfn.steps.checking.carriers import carrier_findings
from mfn.steps.checking.findings import (
    ACCESS,
    ACCOUNT,
    CARRIERS,
    METHODS,
    ORDERS,
    PRIME,
    ROLES,
    SKUS,
    STEPS,
    STOCK,
    Status,
    Step,
    failed,
    failure,
    mapping_findings,
    not_looked_at,
)
from mfn.steps.checking.notifications import queue_findings
from mfn.steps.checking.orders import judged_findings, seen_finding
from mfn.steps.checking.place import open_check_place
from mfn.steps.checking.roles import confirm_role_finding, listing_role_findings, order_role_findings
from mfn.steps.checking.sample import sample_orders
from mfn.steps.checking.secrets import age_findings, protection_findings
from mfn.steps.checking.shipping import code_findings, method_findings, prime_findings, seen_methods
from mfn.steps.checking.skus import item_findings, read_listings, sku_findings
from mfn.steps.checking.stock import stock_findings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from mfn.settings import Settings
    from mfn.steps.checking.findings import Finding
    from mfn.steps.checking.place import CheckPlace
    from mfn.steps.checking.sample import OrderSample
    from mfn.warehouse.looking import WarehouseLook

Fact = TypeVar("Fact")

TABLES = {
    SKUS: ("wms_item",),
    METHODS: ("wms_ship_method",),
    ORDERS: ("wms_order", "wms_order_line"),
    CARRIERS: ("wms_shipment", "wms_shipment_line"),
    STOCK: ("wms_inventory",),
}
"""The step that reports each missing table."""

MAKE_TABLES = (
    "Create them as docs/warehouse.md lists them; or, if the login may create tables, run mfn mappings check, which"
    " creates them empty."
)
FIX_TABLES = "Add what is missing as docs/warehouse.md lists it."
GRANT = "Grant them to the login of warehouse.url, as docs/warehouse.md lists them; otherwise the first change fails."

LET_WRITE = (
    "If warehouse.url names a standby, point it to the primary; if it is a file, give the user write access to it and"
    " its folder. Until then no order is loaded."
)


def check_connection(settings: Settings, connection: str) -> list[Step]:
    """Go through the nine steps for one connection, and record it if it has passed.

    Nothing is changed but the account's rate budget, the record of how long its client secret has been in use and, if
    no step failed, the record that this connection passed.
    All faults are reported at once; a step that cannot be judged because of another one says so.

    Returns:
        The steps in the order of `STEPS`.

    Raises:
        ConfigurationError: The connections file or the ledger's keys are wrong.
        RetriableError: The ledger cannot be reached.
    """
    place = open_check_place(settings, connection)
    walk = _Walk(place)
    walk.walk()
    steps = [Step(name, connection, tuple(walk.found[name])) for name in STEPS]
    if has_passed_all(steps):
        note_passed(place.ledger, connection)
    return steps


def has_passed_all(steps: Sequence[Step]) -> bool:
    """Whether no step failed."""
    return all(step.status != Status.FAILED for step in steps)


class _Walk:
    """One walk.

    Args:
        place: The workplace.

    Attributes:
        found: The findings so far, by step.
    """

    def __init__(self, place: CheckPlace) -> None:
        self.found: dict[str, list[Finding]] = {name: [] for name in STEPS}
        self._place = place
        self._orders_step = ORDERS  # the step that says why there are no orders to check

    def walk(self) -> None:
        """Carry out all steps."""
        look, items, ship_methods = self._warehouse()
        sample, listings = self._amazon()
        self._add(ACCESS, lambda: queue_findings(self._place))
        self._mapped(items, ship_methods, sample, listings)
        self._orders(items, ship_methods, sample)
        if look is None:
            for step in (CARRIERS, STOCK):
                self.found[step].append(not_looked_at(SKUS))
            return
        if not look.lacks(TABLES[CARRIERS]):
            self._add(CARRIERS, lambda: carrier_findings(self._place, ship_methods))
        if not look.lacks(TABLES[STOCK]):
            missing = next((step for step in (SKUS, ORDERS) if look.lacks(TABLES[step])), None)
            if missing:
                self.found[STOCK].append(not_looked_at(missing))
            else:
                self._add(STOCK, lambda: stock_findings(self._place, listings))

    def _warehouse(self) -> tuple[WarehouseLook | None, pd.DataFrame | None, pd.DataFrame | None]:
        """The warehouse's tables, items and shipping methods; None for what cannot be read."""
        place = self._place
        look = self._get(SKUS, place.look_at_warehouse)
        if look is None:
            return None, None, None
        for step, tables in TABLES.items():
            if lacking := look.lacks(tables):
                self.found[step].append(failed(f"{place.warehouse_name} has no {', '.join(lacking)}", MAKE_TABLES))
        if look.faults:
            text = f"{place.warehouse_name} has tables that cannot be used: {'; '.join(look.faults)}"
            self.found[SKUS].append(failed(text, FIX_TABLES))
        if look.denied:
            text = f"the login of {place.warehouse_name} lacks rights: {', '.join(look.denied)}"
            self.found[SKUS].append(failed(text, GRANT))
        if look.is_read_only:
            self.found[SKUS].append(failed(f"{place.warehouse_name} is read-only at present", LET_WRITE))
        items = None if look.lacks(TABLES[SKUS]) else self._get(SKUS, place.warehouse.items)
        ship_methods = None if look.lacks(TABLES[METHODS]) else self._get(METHODS, place.warehouse.ship_methods)
        return look, items, ship_methods

    def _amazon(self) -> tuple[OrderSample | None, pd.DataFrame | None]:
        """The account's orders and listings; None for what Amazon does not show."""
        place = self._place
        self._add(ACCOUNT, lambda: protection_findings(place))
        self._add(ACCOUNT, lambda: age_findings(place))
        self._add(ACCOUNT, lambda: twin_findings(place))
        self._add(ACCESS, lambda: reach_amazon(place))
        if any(finding.status == Status.FAILED for finding in self.found[ACCESS]):
            self._get(ACCOUNT, lambda: place.amazon)  # names missing secrets without a call
            return self._without_amazon(ACCESS, ACCOUNT)
        account = self._get(ACCOUNT, lambda: look_at_account(place))
        if account is None:
            return self._without_amazon(ACCOUNT)
        self.found[ACCOUNT] += account
        sample = self._unless_denied(ORDERS, lambda: sample_orders(place))
        listings = self._unless_denied(SKUS, lambda: read_listings(place))
        self._add(ROLES, lambda: order_role_findings(place, sample))
        self._add(ROLES, lambda: listing_role_findings(place, listings))
        self._add(ROLES, lambda: [confirm_role_finding(place)])
        self._add(ACCESS, lambda: [rate_left(place)])
        return (
            None if isinstance(sample, AccessDeniedError) else sample,
            None if isinstance(listings, AccessDeniedError) else listings,
        )

    def _without_amazon(self, where: str, *more: str) -> tuple[None, None]:
        self._orders_step = where
        for step in (SKUS, ROLES, ORDERS, *more):
            self.found[step].append(not_looked_at(where))
        return None, None

    def _mapped(
        self,
        items: pd.DataFrame | None,
        ship_methods: pd.DataFrame | None,
        sample: OrderSample | None,
        listings: pd.DataFrame | None,
    ) -> None:
        """Compare what Amazon has with what the warehouse has."""
        place = self._place
        if items is not None:
            self._add(SKUS, lambda: item_findings(place, items))
            if listings is not None and items["is_active"].any():
                self._add(SKUS, lambda: sku_findings(place, listings, items))
        seen = seen_methods(place, sample)
        if ship_methods is None:
            if not self.found[METHODS]:
                self.found[METHODS].append(not_looked_at(SKUS))
            self.found[PRIME].append(not_looked_at(METHODS))
            return
        self._add(METHODS, lambda: code_findings(place, ship_methods))
        if sample is None:
            for step in (METHODS, PRIME):
                self.found[step].append(not_looked_at(self._orders_step))
        if sample is not None or len(seen):
            self._add(METHODS, lambda: method_findings(place, seen, ship_methods))
            self._add(PRIME, lambda: prime_findings(place, seen, ship_methods))

    def _orders(
        self, items: pd.DataFrame | None, ship_methods: pd.DataFrame | None, sample: OrderSample | None
    ) -> None:
        """The verdicts of an import on the orders that Amazon shows."""
        self.found[ORDERS] += mapping_findings(self._place.problems_of("rules.yaml"))
        if sample is None:
            return
        self.found[ORDERS].append(seen_finding(self._place, sample))
        if items is None or ship_methods is None:
            self.found[ORDERS].append(not_looked_at(SKUS if items is None else METHODS))
        else:
            self._add(ORDERS, lambda: judged_findings(self._place, sample, items, ship_methods))

    def _get(self, step: str, look: Callable[[], Fact]) -> Fact | None:
        """What a function returns; None, and a finding of the step, if it fails."""
        try:
            return look()
        except MfnError as error:
            self.found[step].append(failure(error))
            return None

    def _unless_denied(self, step: str, look: Callable[[], Fact]) -> Fact | AccessDeniedError | None:
        """The same, but a denial, which the step `roles` reports, is returned."""
        try:
            return look()
        except AccessDeniedError as denial:
            self.found[step].append(not_looked_at(ROLES))
            if step == ORDERS:
                self._orders_step = ROLES
            return denial
        except MfnError as error:
            self.found[step].append(failure(error))
            return None

    def _add(self, step: str, look: Callable[[], Sequence[Finding]]) -> None:
        self.found[step] += self._get(step, look) or ()
