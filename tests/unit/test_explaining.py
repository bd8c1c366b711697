"""What a person reads of an order that the checks hit."""

from __future__ import annotations

from typing import Any

import pandas as pd

from mfn.models import Reason
from mfn.rules.explaining import Context, explain

US = "ATVPDKIKX0DER"
ORDERS = pd.DataFrame(
    {
        "order_id": ["A", "B"],
        "marketplace_id": US,
        "service_level": ["STANDARD", None],
        "programs": [(), ("PRIME", "PREMIUM")],
        "mapped_code": [None, "GROND"],
        "missing_fields": None,
        "missing_address_fields": ["city", None],
    },
    index=[7, 3],
    dtype="object",
)
LINES = [
    ("A", "A-1", "SET"), ("A", "A-2", "TEE_XL"), ("A", "A-3", None), ("A", "A-4", "MUG"), ("B", "B-1", "TEE_XL"),
]  # fmt: skip
COMPONENTS = [
    ("A", "A-1", "SET", "MUG", 1, True),
    ("A", "A-1", "SET", "SETT", 1, False),
    ("A", "A-2", "TEE_XL", "TEE_XL", 1, False),
    ("A", "A-3", None, None, 1, False),
    ("A", "A-4", "MUG", "MUG", 1, True),
    ("B", "B-1", "TEE_XL", "TEE_XL", 1, False),
]
ALIAS = "Add the item to wms_item, or add this row to mappings/sku_aliases.csv:\nus,US,TEE_XL,TEE-XL,1,"
TEE = "seller SKU TEE_XL is not an active item in the warehouse (nearest: TEE-XL"


def explained(*hits: tuple[str, str, str, int]) -> dict[str, tuple[list[Reason], list[Reason]]]:
    """What is said of hits: suite, code, severity and row; the lines have the rows 10 to 14."""
    columns = ["order_id", "order_item_id", "seller_sku", "warehouse_sku", "units_per_kit", "is_known"]
    components = pd.DataFrame(COMPONENTS, columns=columns, dtype="object")
    components = components.astype({"units_per_kit": "int64", "is_known": "bool"})
    lines = pd.DataFrame(LINES, columns=columns[:3], index=range(10, 15), dtype="object")
    found = pd.DataFrame(hits, columns=["suite", "code", "severity", "row"])
    names = {("orders", row): name for row, name in ORDERS["order_id"].items()}
    names |= {("lines", row): name for row, name in lines["order_id"].items()}
    of_hits = [str(names[suite, row]) for suite, _, _, row in hits]
    columns = ["connection", "program", "service_level", "marketplace", "warehouse_code"]
    ship_methods = pd.DataFrame({"code": ["GROUND"], "service": [None], "is_active": [True]}, dtype="object")
    items = pd.DataFrame({"sku": ["MUG", "TEE-XL", "SET"], "is_active": True})
    context = Context("us", pd.DataFrame(columns=columns, dtype="object"), ship_methods, items)
    return explain(found.assign(order_id=of_hits), ORDERS, lines, components, context)


def sku_unknown(*rows: int) -> Any:
    found = explained(*(("lines", "sku_unknown", "critical", row) for row in rows))
    return {order_id: [(one.detail, one.remedy) for one in reasons] for order_id, (reasons, _) in found.items()}


def test_what_is_critical_holds_and_what_is_odd_warns_each_order_by_itself() -> None:
    found = explained(
        ("orders", "address_incomplete", "critical", 7),
        ("orders", "ship_by_missing", "warning", 7),
        ("orders", "service_level_missing", "warning", 3),
    )
    codes = {each: ([one.code for one in held], [one.code for one in odd]) for each, (held, odd) in found.items()}
    assert codes == {"A": (["address_incomplete"], ["ship_by_missing"]), "B": ([], ["service_level_missing"])}
    assert found["A"][0][0].detail == "the delivery address has no city"
    assert found["B"][1] == [Reason("service_level_missing", "service level missing")]


def test_an_unknown_sku_is_reported_with_the_nearest_one_and_the_row_that_maps_it() -> None:
    (message,) = sku_unknown(11)["A"]
    assert message[0].startswith(TEE)
    assert message[1] == ALIAS
    assert list(sku_unknown(14)) == ["B"]


def test_a_missing_component_is_reported_with_its_kit_and_never_mistaken_for_the_kit() -> None:
    detail = "seller SKU SET is mapped to SETT, which is not an active item in the warehouse"
    assert sku_unknown(10) == {"A": [(detail, "Add SETT to wms_item, or correct mappings/sku_aliases.csv for SET.")]}


def test_lines_of_one_order_with_the_same_fault_are_one_reason_with_all_that_helps() -> None:
    ((detail, remedy),) = sku_unknown(10, 11, 12)["A"]
    assert detail.startswith("seller SKU SET is mapped to SETT")
    assert f"; {TEE}" in detail
    assert detail.endswith("; order item A-3 has no seller SKU")
    assert remedy.splitlines()[1:3] == ALIAS.splitlines()
    twice = explained(*(("lines", "duplicate_line", "warning", row) for row in (10, 10, 11)))["A"][1]
    assert [one.detail for one in twice] == [
        "order item A-1 appears twice in the order; order item A-2 appears twice in the order"
    ]
    remarks = explained(*(("lines", "quantity_inconsistent", "warning", row) for row in (10, 11)))["A"][1]
    assert remarks == [Reason("quantity_inconsistent", "quantity inconsistent")]


def test_a_method_is_reported_as_amazon_names_it_with_the_nearest_row_or_code() -> None:
    found = explained(*(("orders", "shipping_method_unmapped", "critical", row) for row in (7, 3)))
    (not_mapped,), (no_such_code,) = found["A"][0], found["B"][0]
    assert not_mapped.detail == "service level STANDARD, programmes none: not mapped"
    assert not_mapped.remedy == "Add this row to mappings/shipping_methods.csv:\nus,,STANDARD,US,GROUND,"
    assert no_such_code.detail == (
        "service level none, programmes PRIME, PREMIUM: mapped to GROND, which is not an active code in the warehouse"
        " (nearest: GROUND)"
    )
    assert no_such_code.remedy.startswith("Add GROND to wms_ship_method")
