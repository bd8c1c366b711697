"""Several connections of one account: which of them bring the same orders, and what none of them brings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mfn.amazon.marketplaces import BY_NAME

if TYPE_CHECKING:
    from tests.checking.conftest import Checked

ACCOUNT = "credentials and marketplaces"


def test_a_marketplace_that_another_connection_of_the_account_imports_is_not_missing(checked: Checked) -> None:
    checked.world.amazon.sells_in = tuple(BY_NAME[name] for name in ("US", "CA", "MX"))
    checked.world.add_connection("canada", marketplaces="[CA]")
    account = checked.run()[ACCOUNT]
    assert account.status == "warning"
    assert "also sells in MX, whose orders are not imported" in account.detail
    checked.world.write_connections(not_before="2026-01-01T00:00:00Z")
    checked.world.add_connection("north", marketplaces="[CA, MX]")
    assert checked.run()[ACCOUNT].status == "ok"


def test_a_marketplace_that_only_another_account_imports_is_missing(checked: Checked) -> None:
    checked.world.amazon.sells_in = (BY_NAME["US"], BY_NAME["CA"])
    checked.world.add_connection("canada", marketplaces="[CA]")
    path = checked.world.home / "connections.yaml"
    first, canada = path.read_text(encoding="utf-8").split("  canada:")
    path.write_text(f"{first}  canada:{canada.replace('A2TESTSELLER001', 'A2ANOTHER0001')}", encoding="utf-8")
    assert "also sells in CA, whose orders are not imported" in checked.run()[ACCOUNT].detail


def test_a_connection_that_imports_the_same_orders_is_reported(checked: Checked) -> None:
    checked.world.add_connection("canada", marketplaces="[CA]")
    assert checked.run()[ACCOUNT].status == "ok"
    checked.world.write_connections()
    checked.world.add_connection("again", marketplaces="[CA, US]")
    account = checked.run()[ACCOUNT]
    assert account.status == "warning"
    assert "the connection again has the same account, and also US: both import each order" in account.detail
    path = checked.world.home / "connections.yaml"
    first, again = path.read_text(encoding="utf-8").split("  again:")
    path.write_text(f"{first}  again:{again.replace('warehouse.db', 'other.db')}", encoding="utf-8")
    assert "each order goes to both and would be shipped twice" in checked.run()[ACCOUNT].detail
