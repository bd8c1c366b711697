"""A warehouse that was given orders and is gone: nothing recreates it behind a person's back."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from mfn.database.engines import engine_for
from mfn.errors import FatalError, RunFailedError
from mfn.steps.mappings.check import check_all_mappings
from mfn.steps.workplace import open_workplace
from mfn.warehouse.tables import metadata, wms_order, wms_order_line
from tests.world import an_order

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Table

    from tests.world import World


@pytest.fixture
def loaded(world: World) -> World:
    """A world with one order in its warehouse."""
    world.put(an_order())
    assert world.run()["loaded"] == 1
    return world


def lose(world: World) -> Path:
    """Move the warehouse's file away."""
    engine_for(world.warehouse_url).dispose()
    kept = world.home / "kept"
    kept.mkdir()
    for file in world.home.glob("warehouse.db*"):
        shutil.move(file, kept)
    return kept


def test_a_file_that_is_gone_stops_a_run_until_it_is_put_back(loaded: World) -> None:
    kept = lose(loaded)
    (order_id,) = loaded.put(an_order(minutes_ago=10))
    with pytest.raises(
        RunFailedError, match=r"the warehouse of us is gone: .*warehouse\.db has no table wms_order"
    ) as lost:
        loaded.run()
    assert lost.value.exit_code == 1
    assert "warehouse.url" in lost.value.remedy
    assert not list(loaded.home.glob("warehouse.db*"))
    for file in kept.iterdir():
        shutil.move(file, loaded.home)
    assert loaded.run()["loaded"] == 1
    assert order_id in {row["order_number"] for row in loaded.rows()}
    assert len(loaded.rows()) == 2


def test_a_new_one_is_made_by_the_command_that_the_remedy_names(loaded: World) -> None:
    lose(loaded)
    with pytest.raises(RunFailedError, match="is gone") as lost:
        loaded.run()
    assert "mfn mappings check" in lost.value.remedy
    assert check_all_mappings(loaded.settings) == []
    loaded.run()
    assert loaded.rows() == []


def test_a_connection_that_never_loaded_does_not_make_the_shared_file_of_one_that_did(loaded: World) -> None:
    loaded.add_connection("mx", marketplaces="[MX]")
    lose(loaded)
    with pytest.raises(FatalError, match="the warehouse of mx is gone"):
        open_workplace(loaded.settings, "mx").warehouse  # noqa: B018 - asked for, it is opened
    assert not list(loaded.home.glob("warehouse.db*"))


def test_before_the_first_order_the_file_and_its_tables_are_made(world: World) -> None:
    lose(world)
    assert world.run()["fetched"] == 0
    assert world.rows() == []


@pytest.mark.parametrize("lost", [wms_order, wms_order_line], ids=lambda table: table.name)
def test_neither_table_of_orders_is_created_again(loaded: World, lost: Table) -> None:
    with loaded.writing_warehouse() as database:
        metadata.drop_all(database, tables=[lost])
    with pytest.raises(RunFailedError, match=f"has no table {lost.name}, although orders were loaded"):
        loaded.run()
