"""The floor of a stock run: the rows read with sqlite3, one subtraction in numpy, nothing checked and nothing kept.

`python -m benchmarks.stock_floor '{"warehouse": …, "ledger": …}'` reads the rows of wms_inventory and what Amazon was
told last, and finds what differs. No kits, no reservations, no rules, no checks, no ledger that is written.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from typing import Any

import numpy as np

from benchmarks.clock import Seconds, timed

STOCK = "SELECT sku, location, on_hand, allocated, is_sellable, counted_at FROM wms_inventory ORDER BY sku"
SENT = "SELECT seller_sku, level_sent FROM offer WHERE level_sent IS NOT NULL"


def measure(warehouse: str, ledger: str) -> dict[str, Any]:
    """Read both, subtract, compare.

    Args:
        warehouse: The SQLite file of the warehouse.
        ledger: The SQLite file of the ledger.

    Returns:
        `rows` read of the warehouse; `times` of the `floor`.
    """
    times: dict[str, Seconds] = {}
    with timed(times, "floor"):
        rows = sqlite3.connect(warehouse).execute(STOCK).fetchall()
        sent = dict(sqlite3.connect(ledger).execute(SENT).fetchall())
        skus, _, on_hand, allocated, is_sellable, _ = zip(*rows, strict=True)
        left = (np.array(on_hand) - np.array(allocated)) * np.array(is_sellable)
        named, first = np.unique(np.array(skus), return_index=True)
        levels = np.add.reduceat(left, first)
        np.flatnonzero(levels != np.array([sent.get(sku, -1) for sku in named.tolist()]))
    return {"rows": len(rows), "times": times}


if __name__ == "__main__":
    print(json.dumps(measure(**json.loads(sys.argv[1]))))
