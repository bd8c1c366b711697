"""A look at a warehouse from outside, on both databases: it finds what is missing and makes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert, inspect
from sqlalchemy.engine import make_url

from mfn.database.engines import engine_for, writing
from mfn.errors import FatalError, RetriableError
from mfn.warehouse.looking import carriers_written, look_at
from mfn.warehouse.setup import ensure_tables
from mfn.warehouse.tables import metadata, wms_shipment

if TYPE_CHECKING:
    from pathlib import Path

WHAT = "the warehouse of us"


def test_every_missing_table_is_reported_and_none_is_created(database_url: str) -> None:
    ensure_tables(engine_for(database_url), what=WHAT)
    assert look_at(database_url, what=WHAT).missing == ()
    with writing(engine_for(database_url), what=WHAT) as database:
        database.exec_driver_sql("DROP TABLE wms_item")
        database.exec_driver_sql("ALTER TABLE wms_shipment DROP COLUMN carrier")
    look = look_at(database_url, what=WHAT)
    assert look.missing == ("wms_item",)
    assert look.lacks(("wms_item", "wms_order")) == ["wms_item"]
    assert look.faults == ("missing wms_shipment.carrier",)
    with engine_for(database_url).connect() as database:
        assert set(inspect(database).get_table_names()) == set(metadata.tables) - {"wms_item"}


def test_rights_that_only_a_later_run_would_miss_are_reported_at_once(postgres_server: str) -> None:
    server = engine_for(postgres_server).execution_options(isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql("DROP ROLE IF EXISTS clerk")
        connection.exec_driver_sql("CREATE ROLE clerk LOGIN")
        connection.exec_driver_sql("CREATE DATABASE narrow")
        connection.exec_driver_sql("REVOKE TEMPORARY ON DATABASE narrow FROM public")
    narrow = make_url(postgres_server).set(database="narrow")
    owner = narrow.render_as_string(hide_password=False)
    ensure_tables(engine_for(owner), what=WHAT)
    url = narrow.set(username="clerk").render_as_string(hide_password=False)
    grants = (
        "SELECT ON ALL TABLES IN SCHEMA public", "INSERT (order_number), UPDATE (status) ON wms_order",
        "INSERT ON wms_order_line",
    )  # fmt: skip
    with writing(engine_for(owner), what=WHAT) as database:
        for grant in grants:
            database.exec_driver_sql(f"GRANT {grant} TO clerk")
    expected = ("UPDATE on wms_order_line", "DELETE on wms_order_line", "TEMPORARY on the database")
    assert look_at(url, what=WHAT).denied == expected
    with writing(engine_for(owner), what=WHAT) as database:
        database.exec_driver_sql("GRANT UPDATE, DELETE ON wms_order_line TO clerk")
        database.exec_driver_sql("GRANT TEMPORARY ON DATABASE narrow TO clerk")
    assert look_at(url, what=WHAT).denied == ()
    for one in (url, owner):
        engine_for(one).dispose()
    with server.connect() as connection:
        connection.exec_driver_sql("DROP DATABASE narrow")
        connection.exec_driver_sql("DROP ROLE clerk")


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(FatalError, match="does not exist"):
        look_at(f"sqlite:///{tmp_path / 'nothing.db'}", what=WHAT)
    assert not list(tmp_path.iterdir())


def test_a_server_that_is_not_there_is_passing() -> None:
    with pytest.raises(RetriableError, match=WHAT):
        look_at("postgresql+psycopg://nobody@127.0.0.1:1/nothing", what=WHAT)


def test_carriers_are_counted_without_labels_of_amazons(database_url: str) -> None:
    ensure_tables(engine_for(database_url), what=WHAT)
    rows: list[tuple[object, ...]] = [
        ("P1", "UPS", "Ground", False),
        ("P2", "UPS", "Ground", None),
        ("P3", None, " ", False),
        ("P4", "AMZN", None, True),
    ]
    names = ("shipment_id", "carrier", "service", "is_amazon_label")
    with writing(engine_for(database_url), what=WHAT) as database:
        database.execute(insert(wms_shipment), [dict(zip(names, row, strict=True)) for row in rows])
    found = carriers_written(database_url, what=WHAT)
    written = dict(zip(zip(found["carrier"], found["service"], strict=True), found["parcels"], strict=True))
    assert sum(written.values()) == 3
    assert ("AMZN", None) not in written
    assert set(written) == {("UPS", "Ground"), (None, None)}
