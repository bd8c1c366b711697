"""A ledger and a warehouse on PostgreSQL that have years of many connections behind them.

The rows are made by the database itself, as imports leave them: a million orders take a minute. Their texts are no
orders, since no import of new ones reads them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from mfn.database.engines import writing
from mfn.ledger.opening import open_ledger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mfn.settings import Settings

ORDERS_IN_A_BATCH = 10
"""What a quarter of an hour brings a connection that sells a thousand orders a day."""

FAILED_EVERY = 100
"""One of so many batches was broken off, and others have judged its orders since."""

OPEN_DAYS = 3
"""So many days the warehouse takes to ship; orders older than that are confirmed, as most of a ledger's are."""

MADE = (
    """
    CREATE TEMPORARY TABLE made ON COMMIT DROP AS
    SELECT number, names.name AS connection, names.position AS position,
        names.name || '-import-' || lpad(batch::text, 8, '0') AS batch_id, batch,
        lpad((names.position % 1000)::text, 3, '0') || '-' || lpad((number / 10000000)::text, 7, '0')
            || '-' || lpad((number % 10000000)::text, 7, '0') AS order_id,
        now() - (:batches - batch) * interval '15 minutes' AS at
    FROM (SELECT number, number / :of_batch AS batch FROM generate_series(0, :each - 1) AS number) AS numbers,
        unnest(CAST(:names AS text[])) WITH ORDINALITY AS names (name, position)
    """,
    "CREATE INDEX ON made (connection, batch)",
    "ANALYZE made",
    """
    INSERT INTO batch (batch_id, connection, kind, status, stage, parameters, counts, api_calls, findings,
        window_after, window_before, is_window_open, started_at, finished_at, taken_up_at)
    SELECT batch_id, connection, 'import', CASE WHEN batch % :failed_every = 7 THEN 'failed' ELSE 'done' END,
        CASE WHEN batch % :failed_every = 7 THEN 'extract' ELSE 'load' END,
        '{"since": null, "order_id": null, "dry_run": false}', '{"fetched": 10, "loaded": 10, "due": 10}',
        '{"searchOrders": 1}', '{}', at - interval '30 minutes', at, batch % :failed_every <> 7, at, at, at
    FROM made GROUP BY batch_id, connection, batch, at
    """,
    """
    INSERT INTO batch (batch_id, connection, kind, status, stage, parameters, counts, api_calls, findings,
        is_window_open, started_at, finished_at, taken_up_at)
    SELECT replace(batch_id, '-import-', '-' || kind || '-' || part || '-'), connection, kind, 'done', 'verify', '{}',
        '{}', '{}', '{}', true, at + part * interval '5 minutes', at, at
    FROM (SELECT DISTINCT batch_id, connection, at FROM made) AS batches,
        unnest(ARRAY['confirm', 'inventory']) AS kind, generate_series(0, 2) AS part
    """,
    """
    INSERT INTO landed_page (connection, page, payload, texts)
    SELECT DISTINCT connection, batch + 1, decode(repeat('00', 4000), 'hex'), :of_batch FROM made
    """,
    """
    INSERT INTO landed_order (connection, order_id, page, position, last_updated_at, batch_id, landed_at)
    SELECT connection, order_id, batch + 1, number % :of_batch, at, batch_id, at FROM made
    """,
    """
    INSERT INTO batch_order (batch_id, order_id, connection, origin, outcome, at)
    SELECT batch_id, order_id, connection, 'window',
        CASE WHEN batch % :failed_every = 7 THEN NULL ELSE 'loaded' END, at
    FROM made
    """,
    """
    INSERT INTO batch_order (batch_id, order_id, connection, origin, outcome, at)
    SELECT connection || '-import-' || lpad((batch + 1)::text, 8, '0'), order_id, connection, 'earlier', 'loaded',
        at + interval '15 minutes'
    FROM made WHERE batch % :failed_every = 7 AND batch < :batches - 1
    """,
    """
    INSERT INTO tracked_order (connection, order_id, status, is_sfp, ship_by, marketplace_id, service_level, batch_id,
        loaded_digest, first_loaded_at, updated_at)
    SELECT connection, order_id,
        CASE WHEN at < now() - :open_days * interval '1 day' THEN 'confirmed' ELSE 'loaded' END, false,
        at + interval '2 days', 'ATVPDKIKX0DER', 'STANDARD', batch_id, '0123456789abcdef0123456789abcdef', at, at
    FROM made
    """,
    """
    INSERT INTO reservation (connection, order_id, line_number, warehouse, sku, units)
    SELECT connection, order_id, 1, 'fedcba9876543210', 'SKU-' || number % 1000, 1
    FROM made WHERE at >= now() - :open_days * interval '1 day'
    """,
    """
    INSERT INTO watermark (connection, kind, before, batch_id)
    SELECT name, 'import', now() - interval '20 minutes', name || '-import-00000000'
    FROM unnest(CAST(:names AS text[])) AS name
    """,
)


def fill_ledger(settings: Settings, connections: Sequence[str], *, orders: int) -> None:
    """Fill a new ledger with orders that were imported before, the same number for each connection.

    Args:
        settings: The settings of a home whose ledger is on PostgreSQL.
        connections: The connections' names.
        orders: How many orders in all.
    """
    each = orders // len(connections)
    given = {
        "names": list(connections),
        "each": each,
        "of_batch": ORDERS_IN_A_BATCH,
        "batches": -(-each // ORDERS_IN_A_BATCH),
        "failed_every": FAILED_EVERY,
        "open_days": OPEN_DAYS,
    }
    engine = open_ledger(settings).engine
    with writing(engine, what="the ledger") as database:
        for statement in MADE:
            wanted = text(statement)
            database.execute(wanted, {name: given[name] for name in wanted.compile().params})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as database:
        database.execute(text("VACUUM ANALYZE"))
