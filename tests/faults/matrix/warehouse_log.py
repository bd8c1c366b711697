"""The warehouse writes down itself which orders were inserted: what a trial may have done twice shows nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from mfn.database.engines import engine_for, reading, writing

if TYPE_CHECKING:
    from tests.world import World

WHAT = "the warehouse"
ON_SQLITE = (
    "CREATE TABLE inserted_order (order_number VARCHAR NOT NULL)",
    "CREATE TRIGGER inserted AFTER INSERT ON wms_order BEGIN INSERT INTO inserted_order VALUES (NEW.order_number); END",
)
NOTE_INSERT = (
    "CREATE FUNCTION note_insert() RETURNS trigger LANGUAGE plpgsql AS $$"
    " BEGIN INSERT INTO inserted_order VALUES (NEW.order_number); RETURN NULL; END $$"
)
ON_POSTGRESQL = (
    "CREATE TABLE inserted_order (order_number VARCHAR NOT NULL)",
    NOTE_INSERT,
    "CREATE TRIGGER inserted AFTER INSERT ON wms_order FOR EACH ROW EXECUTE FUNCTION note_insert()",
)


def keep_log(world: World) -> None:
    """Let the warehouse write down every new row of `wms_order` from now on."""
    engine = engine_for(world.warehouse_url)
    with writing(engine, what=WHAT) as database:
        for statement in ON_SQLITE if engine.dialect.name == "sqlite" else ON_POSTGRESQL:
            database.execute(text(statement))


def inserted_orders(world: World) -> list[str]:
    """The order number of every new row since `keep_log`."""
    with reading(engine_for(world.warehouse_url), what=WHAT) as database:
        return [row[0] for row in database.execute(text("SELECT order_number FROM inserted_order"))]
